"""Searches for the nearest people, and the servers that turn texts into embeddings. Pure: no resources."""

from collections.abc import Sequence

from components.monitoring.dashboards.panels import Chart, Row, single
from components.monitoring.dashboards.scope import Scope
from components.monitoring.names import MonitoringTargets
from components.monitoring.rules.embedding import QUEUE

TITLE = "matching"


def rows(targets: MonitoringTargets, scope: Scope) -> Sequence[Row]:
    """The rows of the dashboard. None without matching."""
    if targets.matching is None:
        return []
    servers = f'namespace="{targets.matching}"'
    return [
        Row(title="Searches", charts=_searches(targets, scope)),
        Row(title="Embedding servers", charts=_servers(servers, scope)),
    ]


def _searches(targets: MonitoringTargets, scope: Scope) -> list[Chart]:
    service = f'namespace="{targets.services}"'
    searches = scope.sum(scope.rate("sacred_matching_searches_total", service), "outcome")
    took = scope.quantile(0.95, "sacred_matching_search_seconds", service)
    return [
        Chart(title="Searches", queries={scope.legend("outcome"): searches}, unit="ops"),
        Chart(title="95 % of searches take less than", queries={scope.legend(): took}, unit="s"),
    ]


def _servers(servers: str, scope: Scope) -> list[Chart]:
    there = scope.of("kube_deployment_status_replicas_available", servers)
    requests = scope.sum(scope.rate("te_request_count", servers), "method")
    failures = scope.sum(scope.rate("te_request_failure", servers), "err")
    waits = scope.quantile(0.95, "te_request_queue_duration", servers)
    takes = scope.quantile(0.95, "te_request_duration", servers)
    return [
        single("Servers", f"sum({there})"),
        single("Texts that wait", f"sum({scope.of(QUEUE)})"),
        Chart(title="Requests", queries={scope.legend("method"): requests}, unit="ops"),
        Chart(title="Requests that fail", queries={scope.legend("err"): failures}, unit="ops"),
        Chart(title="Texts that wait for a server", queries={scope.legend("pod"): scope.of("te_queue_size", servers)}),
        Chart(title="95 % of texts wait less than", queries={scope.legend(): waits}, unit="s"),
        Chart(title="95 % of requests take less than", queries={scope.legend(): takes}, unit="s"),
    ]
