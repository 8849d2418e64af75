"""Overview of health and traffic. Pure."""

from collections.abc import Sequence

from components.monitoring import requests
from components.monitoring.dashboards.panels import Chart, Row, single
from components.monitoring.dashboards.scope import Scope
from components.monitoring.names import MonitoringTargets

TITLE = "overview"


def rows(targets: MonitoringTargets, scope: Scope) -> Sequence[Row]:
    """The rows of the dashboard."""
    return [
        Row(title="Now", charts=[*_requests_now(targets, scope), *_health(targets, scope)]),
        Row(title="Over time", charts=[*_traffic(targets, scope), *_workloads(targets, scope)]),
    ]


def _requests_now(targets: MonitoringTargets, scope: Scope) -> list[Chart]:
    if not targets.meshed:
        return []
    arrived = requests.received(targets)
    total = scope.rate(requests.REQUESTS, *arrived)
    failed = scope.rate(requests.REQUESTS, *arrived, requests.FAILED)
    return [
        single("Requests per second", scope.sum(total), "reqps"),
        single("Failed requests", scope.share(failed, total), "percentunit"),
    ]


def _health(targets: MonitoringTargets, scope: Scope) -> list[Chart]:
    ours = "|".join(targets.all())
    charts = [single("Pods not ready", scope.sum(_waiting(f'namespace=~"{ours}"', scope)))]
    if targets.database:
        nodes = scope.of("liveness_livenodes", f'namespace="{targets.database}"')
        charts.append(single("Database nodes", scope.aggregate("min", nodes)))
    if targets.cache:
        charts.append(single("Redis up", scope.sum(scope.of("redis_up", f'namespace="{targets.cache}"'))))
    if targets.messaging:
        clients = scope.of("nats_varz_connections", f'namespace="{targets.messaging}"')
        charts.append(single("NATS connections", scope.sum(clients)))
    return charts


def _waiting(ours: str, scope: Scope) -> str:
    """Pods that are not ready, without those of finished Jobs, which never are and stay as long as their Job."""
    waiting = scope.of("kube_pod_status_ready", 'condition="false"', ours)
    finished = scope.of("kube_pod_status_phase", 'phase="Succeeded"', ours)
    return f"{waiting} unless on ({', '.join(scope.labels('namespace', 'pod'))}) ({finished} == 1)"


def _traffic(targets: MonitoringTargets, scope: Scope) -> list[Chart]:
    if not targets.meshed:
        return []
    arrived = requests.received(targets)
    legend = scope.legend(requests.SERVICE)
    total = scope.sum(scope.rate(requests.REQUESTS, *arrived), requests.SERVICE)
    failed = scope.sum(scope.rate(requests.REQUESTS, *arrived, requests.FAILED), requests.SERVICE)
    slowest = scope.quantile(0.99, requests.DURATION, *arrived, by=(requests.SERVICE,))
    return [
        Chart(title="Requests by service", queries={legend: total}, unit="reqps"),
        Chart(title="Server errors by service", queries={legend: failed}, unit="reqps"),
        Chart(title="99 % of requests are faster than", queries={legend: slowest}, unit="ms"),
        traced_latency(targets, scope),
    ]


def traced_latency(targets: MonitoringTargets, scope: Scope) -> Chart:
    """Latency of traced requests, with a dot for each trace."""
    spans = scope.quantile(
        0.95,
        "traces_span_metrics_duration_milliseconds",
        'span_kind="SPAN_KIND_SERVER"',
        f'namespace="{targets.monitoring}"',
        by=("service_name",),
    )
    return Chart(
        title="95 % of traced requests are faster than",
        queries={scope.legend("service_name"): spans},
        unit="ms",
        note="From the traces that were sampled. A dot is one trace: a click leads to Jaeger.",
        exemplars=True,
    )


def _workloads(targets: MonitoringTargets, scope: Scope) -> list[Chart]:
    ours = f'namespace=~"{"|".join(targets.all())}"'
    containers = (ours, 'container!=""')
    cpu = scope.sum(scope.rate("container_cpu_usage_seconds_total", *containers), "namespace")
    memory = scope.sum(scope.of("container_memory_working_set_bytes", *containers), "namespace")
    restarts = f"increase({scope.of('kube_pod_container_status_restarts_total', ours)}[1h])"
    replicas = scope.of("kube_horizontalpodautoscaler_status_current_replicas", f'namespace="{targets.services}"')
    free = scope.of("kubelet_volume_stats_available_bytes", ours)
    size = scope.of("kubelet_volume_stats_capacity_bytes", ours)
    by_namespace = scope.legend("namespace")
    return [
        Chart(title="CPU by namespace", queries={by_namespace: cpu}),
        Chart(title="Memory by namespace", queries={by_namespace: memory}, unit="bytes"),
        Chart(title="Replicas by service", queries={scope.legend("horizontalpodautoscaler"): replicas}),
        Chart(title="Restarts in an hour", queries={by_namespace: scope.sum(restarts, "namespace")}),
        Chart(
            title="Volumes in use",
            queries={scope.legend("persistentvolumeclaim"): f"1 - {free} / {size}"},
            unit="percentunit",
        ),
    ]
