"""Cost: the machines that are paid for, and the share in use. Pure."""

from collections.abc import Sequence

from components.monitoring.dashboards.panels import Chart, Row, single
from components.monitoring.dashboards.scope import Scope
from components.monitoring.names import MonitoringTargets
from components.monitoring.rules.prices import MACHINE, MONTHLY_COST

TITLE = "cost"
PRICE_NOTE = "List prices of machines that are known. Machines without a known price are not in the sum."


def rows(targets: MonitoringTargets, scope: Scope) -> Sequence[Row]:
    """The rows of the dashboard."""
    return [
        Row(title="What is paid for", charts=_paid(scope)),
        Row(title="What of it is used", charts=_used(targets, scope)),
    ]


def _paid(scope: Scope) -> list[Chart]:
    machines = scope.aggregate("count", scope.of("kube_node_labels"), MACHINE)
    claimed = scope.sum(scope.of("kube_persistentvolume_capacity_bytes"))
    balancers = scope.aggregate("count", scope.of("kube_service_spec_type", 'type="LoadBalancer"'))
    money = scope.sum(scope.of(MONTHLY_COST))
    return [
        single("Machines", f"sum({machines})"),
        single("Machines, USD a month", f"sum({money})", "currencyUSD", PRICE_NOTE),
        single("Volumes", f"sum({claimed})", "bytes"),
        single("Load balancers", f"sum({balancers}) or vector(0)"),
        Chart(title="Machines by type", queries={scope.legend(MACHINE): machines}),
        Chart(title="Machines, USD a month", queries={scope.legend(): money}, unit="currencyUSD", note=PRICE_NOTE),
        Chart(title="Volumes", queries={scope.legend(): claimed}, unit="bytes"),
        Chart(title="Load balancers", queries={scope.legend(): balancers}),
    ]


def _used(targets: MonitoringTargets, scope: Scope) -> list[Chart]:
    ours = f'namespace=~"{"|".join(targets.all())}"'
    requested = scope.of("kube_pod_container_resource_requests", ours, 'resource="cpu"')
    usage = scope.rate("container_cpu_usage_seconds_total", ours, 'container!=""')
    by = scope.legend("namespace")
    idle = f"1 - {scope.sum(usage, 'namespace')} / {scope.sum(requested, 'namespace')}"
    return [
        _share_of_nodes("CPU that is requested", "cpu", scope),
        _share_of_nodes("Memory that is requested", "memory", scope),
        Chart(title="CPU requested by namespace", queries={by: scope.sum(requested, "namespace")}),
        Chart(
            title="CPU requested and idle",
            queries={by: idle},
            unit="percentunit",
            note="Much of it for days: lower the request.",
        ),
    ]


def _share_of_nodes(title: str, resource: str, scope: Scope) -> Chart:
    requested = scope.sum(scope.of("kube_pod_container_resource_requests", f'resource="{resource}"'))
    there = scope.sum(scope.of("kube_node_status_allocatable", f'resource="{resource}"'))
    return Chart(title=title, queries={scope.legend(): f"{requested} / {there}"}, unit="percentunit")
