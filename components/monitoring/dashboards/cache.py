"""Redis. Pure: no resources."""

from collections.abc import Sequence

from components.monitoring.dashboards.panels import Chart, Row, single
from components.monitoring.dashboards.scope import Scope
from components.monitoring.names import MonitoringTargets

TITLE = "Redis"


def rows(targets: MonitoringTargets, scope: Scope) -> Sequence[Row]:
    """The rows of the dashboard. None when the cache is not in the cluster."""
    if targets.cache is None:
        return []
    redis = f'namespace="{targets.cache}"'
    return [
        Row(title="Now", charts=_now(redis, scope)),
        Row(title="Commands", charts=_commands(redis, scope)),
        Row(title="Memory and replicas", charts=_memory(redis, scope)),
    ]


def _now(redis: str, scope: Scope) -> list[Chart]:
    full = f"max({scope.of('redis_memory_used_bytes', redis)} / ({scope.of('redis_memory_max_bytes', redis)} > 0))"
    return [
        single("Up", f"sum({scope.of('redis_up', redis)})"),
        single("Clients", f"sum({scope.of('redis_connected_clients', redis)})"),
        single("Keys", f"max({scope.sum(scope.of('redis_db_keys', redis), 'pod')})"),
        single("Memory in use", full, "percentunit", "Of maxMemory. When it is full, the least used keys go."),
        single("Replicas attached", f"max({scope.of('redis_connected_slaves', redis)})"),
    ]


def _commands(redis: str, scope: Scope) -> list[Chart]:
    commands = scope.sum(scope.rate("redis_commands_total", redis), "cmd")
    spent = scope.sum(scope.rate("redis_commands_duration_seconds_total", redis), "cmd")
    hits, misses = scope.rate("redis_keyspace_hits_total", redis), scope.rate("redis_keyspace_misses_total", redis)
    hit_share = f"{scope.sum(hits)} / ({scope.sum(hits)} + {scope.sum(misses)})"
    command = scope.legend("cmd")
    return [
        Chart(title="Commands", queries={command: commands}, unit="ops"),
        Chart(title="Time per command", queries={command: f"{spent} / {commands}"}, unit="s"),
        Chart(title="Hits", queries={scope.legend(): hit_share}, unit="percentunit"),
        Chart(
            title="Keys dropped for room",
            queries={scope.legend("pod"): scope.rate("redis_evicted_keys_total", redis)},
            unit="ops",
        ),
    ]


def _memory(redis: str, scope: Scope) -> list[Chart]:
    pod = scope.legend("pod")
    return [
        Chart(title="Memory", queries={pod: scope.of("redis_memory_used_bytes", redis)}, unit="bytes"),
        Chart(
            title="Replicas behind",
            queries={scope.legend("slave_ip"): scope.of("redis_connected_slave_lag_seconds", redis)},
            unit="s",
        ),
        Chart(
            title="Clients turned away",
            queries={pod: scope.rate("redis_rejected_connections_total", redis)},
            unit="ops",
        ),
        Chart(title="Clients by pod", queries={pod: scope.of("redis_connected_clients", redis)}),
    ]
