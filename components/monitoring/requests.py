"""Selectors of requests as the mesh's proxies see them. Pure: no resources."""

from components.monitoring.names import MonitoringTargets

REQUESTS = "istio_requests_total"
DURATION = "istio_request_duration_milliseconds"
SERVICE = "destination_service_name"
FAILED = 'response_code=~"5.."'
UPGRADED = 'response_code="101"'
"""Requests that became WebSockets: they last as long as their connection."""
NOT_UPGRADED = 'response_code!="101"'
GATEWAY = "istio-ingressgateway"


def received(targets: MonitoringTargets) -> tuple[str, ...]:
    """Requests that arrived at a service, from users and from other services."""
    return ('reporter="destination"', f'destination_service_namespace="{targets.services}"')


def from_users(targets: MonitoringTargets) -> tuple[str, ...]:
    """Requests of users, as the public gateway saw them end: also those that reached no service."""
    return (
        'reporter="source"',
        f'source_workload="{GATEWAY}"',
        f'source_workload_namespace="{targets.ingress}"',
        f'destination_service_namespace="{targets.services}"',
    )
