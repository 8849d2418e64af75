"""The service mesh: requests between services, and the control plane. Pure: no resources."""

from collections.abc import Sequence

from components.durations import DAY_SECONDS
from components.monitoring import requests
from components.monitoring.dashboards.panels import Chart, Row, single
from components.monitoring.dashboards.scope import Scope
from components.monitoring.names import MonitoringTargets

TITLE = "mesh"


def rows(targets: MonitoringTargets, scope: Scope) -> Sequence[Row]:
    """The rows of the dashboard. None without a mesh."""
    if not targets.meshed:
        return []
    plane = f'namespace="{targets.control_plane}"'
    return [
        Row(title="Now", charts=_now(targets, plane, scope)),
        Row(title="Requests", charts=_requests(targets, scope)),
        Row(title="Control plane", charts=_control_plane(plane, scope)),
    ]


def _now(targets: MonitoringTargets, plane: str, scope: Scope) -> list[Chart]:
    arrived = requests.received(targets)
    total = scope.rate(requests.REQUESTS, *arrived)
    plain = scope.rate(requests.REQUESTS, *arrived, 'connection_security_policy!="mutual_tls"')
    expiry = scope.of("citadel_server_cert_chain_expiry_timestamp", plane)
    return [
        single("Requests per second", f"sum({total})", "reqps"),
        single("Requests without mutual TLS", f"sum({plain}) or vector(0)", "reqps"),
        single("Proxies", f"sum({scope.of('pilot_xds', plane)})", note="Connected to the control plane."),
        single("Authority's certificate", f"(min({expiry}) - time()) / {DAY_SECONDS}", "d", "Days left."),
    ]


def _requests(targets: MonitoringTargets, scope: Scope) -> list[Chart]:
    arrived = requests.received(targets)
    edge = ("source_workload", requests.SERVICE)
    total = scope.rate(requests.REQUESTS, *arrived)
    failed = scope.rate(requests.REQUESTS, *arrived, requests.FAILED)
    slow = scope.quantile(0.99, requests.DURATION, *arrived, by=(requests.SERVICE,))
    flags = scope.sum(scope.rate(requests.REQUESTS, *arrived, 'response_flags!="-"'), "response_flags")
    away = scope.rate(
        requests.REQUESTS,
        'reporter="source"',
        f'destination_service_namespace="{targets.services}"',
        'destination_cluster!="unknown"',
    )
    return [
        Chart(title="Who calls whom", queries={scope.legend(*edge): scope.sum(total, *edge)}, unit="reqps"),
        Chart(
            title="Share of requests that fail",
            queries={scope.legend(requests.SERVICE): scope.share(failed, total, requests.SERVICE)},
            unit="percentunit",
        ),
        Chart(title="99 % are faster than", queries={scope.legend(requests.SERVICE): slow}, unit="ms"),
        Chart(
            title="Requests with a response flag",
            queries={scope.legend("response_flags"): flags},
            unit="reqps",
            note="UF: no connection. UH: all pods ejected. URX: retries used up. UAEX: refused by a policy.",
        ),
        Chart(
            title="Requests by the region that served them",
            queries={scope.legend("destination_cluster"): scope.sum(away, "destination_cluster")},
            unit="reqps",
        ),
    ]


def _control_plane(plane: str, scope: Scope) -> list[Chart]:
    slow = scope.quantile(0.99, "pilot_proxy_convergence_time", plane)
    rejected = scope.sum(scope.rate("pilot_total_xds_rejects", plane), "type")
    return [
        Chart(title="99 % of proxies know a change within", queries={scope.legend(): slow}, unit="s"),
        Chart(title="Configurations refused by proxies", queries={scope.legend("type"): rejected}, unit="ops"),
        Chart(
            title="Configurations sent",
            queries={scope.legend("type"): scope.sum(scope.rate("pilot_xds_pushes", plane), "type")},
            unit="ops",
        ),
        Chart(
            title="Certificates asked for",
            queries={scope.legend(): scope.sum(scope.rate("citadel_server_csr_count", plane))},
            unit="ops",
        ),
    ]
