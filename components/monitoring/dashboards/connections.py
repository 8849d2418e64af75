"""Real-time practitioner connections: at the gateway, and as WebSockets. Pure: no resources."""

from collections.abc import Sequence

from components.monitoring import requests
from components.monitoring.dashboards.panels import Chart, Row, single
from components.monitoring.dashboards.scope import Scope
from components.monitoring.names import MonitoringTargets

TITLE = "real-time connections"
USERS = 'http_conn_manager_prefix=~"outbound_.*"'
"""The listeners of the gateway's own ports. The proxy's other listeners serve health checks and Prometheus."""


def rows(targets: MonitoringTargets, scope: Scope) -> Sequence[Row]:
    """The rows of the dashboard."""
    gateway = [Row(title="Gateway", charts=_gateway(targets, scope))] if targets.meshed else []
    live = [Row(title="Live collaboration", charts=_live(targets.live, scope))] if targets.live else []
    return [*gateway, Row(title="Services", charts=_services(targets, scope)), *live]


def _gateway(targets: MonitoringTargets, scope: Scope) -> list[Chart]:
    users = (f'namespace="{targets.ingress}"', USERS)
    connections = scope.of("envoy_http_downstream_cx_active", *users)
    sockets = scope.of("envoy_http_downstream_cx_upgrades_active", *users)
    upgrades = scope.rate(requests.REQUESTS, *requests.from_users(targets), requests.UPGRADED)
    return [
        single("Connections", f"sum({connections})"),
        single("WebSockets", f"sum({sockets})"),
        Chart(title="Connections at the gateway", queries={scope.legend(): scope.sum(connections)}),
        Chart(title="WebSockets at the gateway", queries={scope.legend(): scope.sum(sockets)}),
        Chart(
            title="New WebSockets by service",
            queries={scope.legend(requests.SERVICE): scope.sum(upgrades, requests.SERVICE)},
            unit="ops",
        ),
    ]


def _services(targets: MonitoringTargets, scope: Scope) -> list[Chart]:
    services = f'namespace="{targets.services}"'
    open_now = scope.of("sacred_websocket_connections", services)
    opened = scope.rate("sacred_websocket_opened_total", services)
    closed = scope.rate("sacred_websocket_closed_total", services)
    agents = scope.of("sacred_agents_connected", services)
    return [
        single("Practitioners connected", f"sum({open_now})"),
        single("Agents connected", f"sum({agents})"),
        Chart(title="WebSockets by pod", queries={scope.legend("pod"): scope.sum(open_now, "pod")}),
        Chart(title="Opened", queries={scope.legend(): scope.sum(opened)}, unit="ops"),
        Chart(title="Closed, by reason", queries={scope.legend("reason"): scope.sum(closed, "reason")}, unit="ops"),
    ]


def _live(namespace: str, scope: Scope) -> list[Chart]:
    servers, pod = f'namespace="{namespace}"', scope.legend("pod")
    browsers = scope.of("nats_varz_connections", servers)
    most = scope.of("nats_varz_max_connections", servers)
    return [
        single("Browsers connected", f"sum({browsers})"),
        single("Connections in use", f"sum({browsers}) / sum({most})", "percentunit"),
        single("Browsers that were too slow", f"sum({scope.of('nats_varz_slow_consumers', servers)})"),
        Chart(title="Browsers by server", queries={pod: browsers}),
        Chart(title="Messages received by server", queries={pod: scope.rate("nats_varz_in_msgs", servers)}, unit="ops"),
        Chart(title="Bytes sent by server", queries={pod: scope.rate("nats_varz_out_bytes", servers)}, unit="Bps"),
        Chart(title="Links to the region's NATS", queries={pod: scope.of("nats_varz_leafnodes", servers)}),
    ]
