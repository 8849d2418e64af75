"""CockroachDB. Pure: no resources."""

from collections.abc import Sequence

from components.monitoring.dashboards.panels import Chart, Row, single
from components.monitoring.dashboards.scope import Scope
from components.monitoring.names import MonitoringTargets

TITLE = "CockroachDB"
STATEMENTS = ("select", "insert", "update", "delete")


def rows(targets: MonitoringTargets, scope: Scope) -> Sequence[Row]:
    """The rows of the dashboard. None when the database is not in the cluster."""
    if targets.database is None:
        return []
    nodes = f'namespace="{targets.database}"'
    return [
        Row(title="Now", charts=_now(nodes, scope)),
        Row(title="SQL", charts=_sql(nodes, scope)),
        Row(title="Nodes and storage", charts=_storage(nodes, scope)),
    ]


def _now(nodes: str, scope: Scope) -> list[Chart]:
    used = f"sum({scope.of('capacity_used', nodes)}) / sum({scope.of('capacity', nodes)})"
    return [
        single("Live nodes", f"max({scope.of('liveness_livenodes', nodes)})", note="As the nodes see each other."),
        single("Ranges out of reach", f"sum({scope.of('ranges_unavailable', nodes)})"),
        single("Ranges short of replicas", f"sum({scope.of('ranges_underreplicated', nodes)})"),
        single("Connections", f"sum({scope.of('sql_conns', nodes)})"),
        single("Storage in use", used, "percentunit"),
    ]


def _sql(nodes: str, scope: Scope) -> list[Chart]:
    statements = {
        f"{scope.legend() if scope.across else ''} {kind}".strip(): scope.sum(scope.rate(f"sql_{kind}_count", nodes))
        for kind in STATEMENTS
    }
    slow = scope.quantile(0.99, "sql_service_latency", nodes)
    failed = scope.sum(scope.rate("sql_failure_count", nodes))
    return [
        Chart(title="Statements", queries=statements, unit="ops"),
        Chart(title="99 % of statements take less than", queries={scope.legend(): slow}, unit="ns"),
        Chart(title="Statements that failed", queries={scope.legend(): failed}, unit="ops"),
        Chart(title="Connections by node", queries={scope.legend("pod"): scope.of("sql_conns", nodes)}),
    ]


def _storage(nodes: str, scope: Scope) -> list[Chart]:
    pod = scope.legend("pod")
    skew = f"abs({scope.of('clock_offset_meannanos', nodes)})"
    return [
        Chart(title="CPU", queries={pod: scope.of("sys_cpu_combined_percent_normalized", nodes)}, unit="percentunit"),
        Chart(title="Memory", queries={pod: scope.of("sys_rss", nodes)}, unit="bytes"),
        Chart(title="Free storage", queries={pod: scope.of("capacity_available", nodes)}, unit="bytes"),
        Chart(title="Leases", queries={pod: scope.of("replicas_leaseholders", nodes)}),
        Chart(title="Clocks apart", queries={pod: skew}, unit="ns", note="Beyond 400 ms a node ends itself."),
        Chart(title="Broken connections between nodes", queries={pod: scope.of("rpc_connection_unhealthy", nodes)}),
    ]
