"""The service mesh: Istio's control plane, the public gateway, and the routes between services."""

from components.mesh.control_plane import ControlPlane, ControlPlaneArgs
from components.mesh.gateway import IngressGateway, IngressGatewayArgs
from components.mesh.routing import ServiceRouting, ServiceRoutingArgs

__all__ = [
    "ControlPlane",
    "ControlPlaneArgs",
    "IngressGateway",
    "IngressGatewayArgs",
    "ServiceRouting",
    "ServiceRoutingArgs",
]
