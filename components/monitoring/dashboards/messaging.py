"""NATS. Pure: no resources."""

from collections.abc import Sequence

from components.monitoring.dashboards import flow
from components.monitoring.dashboards.panels import Chart, Row, single
from components.monitoring.dashboards.scope import Scope
from components.monitoring.names import MonitoringTargets

TITLE = "NATS"


def rows(targets: MonitoringTargets, scope: Scope) -> Sequence[Row]:
    """The rows of the dashboard. None when messaging is not in the cluster."""
    if targets.messaging is None:
        return []
    nats = f'namespace="{targets.messaging}"'
    return [
        Row(title="Now", charts=_now(nats, scope)),
        Row(title="Servers", charts=_servers(nats, scope)),
        Row(title="JetStream", charts=[*_jetstream(nats, scope), *flow.streams(nats, scope)]),
        Row(title="Gateways to other regions", charts=flow.gateways(nats, scope)),
    ]


def _now(nats: str, scope: Scope) -> list[Chart]:
    return [
        single("Servers", f"count({scope.of('nats_varz_connections', nats)})"),
        single("Connections", f"sum({scope.of('nats_varz_connections', nats)})"),
        single("Subscriptions", f"sum({scope.of('nats_varz_subscriptions', nats)})"),
        single("Slow consumers", f"sum({scope.of('nats_varz_slow_consumers', nats)})"),
        single("Streams", f"max({scope.of('nats_server_total_streams', nats)})"),
    ]


def _servers(nats: str, scope: Scope) -> list[Chart]:
    pod = scope.legend("pod")
    return [
        Chart(title="Messages in", queries={pod: scope.rate("nats_varz_in_msgs", nats)}, unit="ops"),
        Chart(title="Messages out", queries={pod: scope.rate("nats_varz_out_msgs", nats)}, unit="ops"),
        Chart(title="Bytes in", queries={pod: scope.rate("nats_varz_in_bytes", nats)}, unit="Bps"),
        Chart(title="Bytes out", queries={pod: scope.rate("nats_varz_out_bytes", nats)}, unit="Bps"),
        Chart(title="Memory", queries={pod: scope.of("nats_varz_mem", nats)}, unit="bytes"),
        Chart(title="Connections by server", queries={pod: scope.of("nats_varz_connections", nats)}),
    ]


def _jetstream(nats: str, scope: Scope) -> list[Chart]:
    used = scope.of("nats_varz_jetstream_stats_storage", nats)
    limit = scope.of("nats_varz_jetstream_config_max_storage", nats)
    return [
        Chart(title="Storage", queries={scope.legend("pod"): used}, unit="bytes"),
        Chart(title="Storage in use", queries={scope.legend("pod"): f"{used} / ({limit} > 0)"}, unit="percentunit"),
    ]
