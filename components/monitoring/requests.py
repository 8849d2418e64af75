"""PromQL selectors of requests, as the mesh's proxies report them. Pure."""

from components.monitoring.names import MonitoringTargets
from components.public_gateway import INGRESS_APP

REQUESTS = "istio_requests_total"
DURATION = "istio_request_duration_milliseconds"
SERVICE = "destination_service_name"
FAILED = 'response_code=~"5.."'
UPGRADED = 'response_code="101"'
"""Requests that became WebSockets. They last as long as their connection."""
NOT_UPGRADED = 'response_code!="101"'


def received(targets: MonitoringTargets) -> tuple[str, ...]:
    """Select requests that arrived at a service, from users and from other services."""
    return ('reporter="destination"', f'destination_service_namespace="{targets.services}"')


def from_users(targets: MonitoringTargets) -> tuple[str, ...]:
    """Select users' requests as the public gateway completed them, including those that reached no service."""
    return (
        'reporter="source"',
        f'source_workload="{INGRESS_APP}"',
        f'source_workload_namespace="{targets.ingress}"',
        f'destination_service_namespace="{targets.services}"',
    )
