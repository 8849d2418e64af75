"""The service mesh: Istio's control plane, its gateways, the routes between services, and the way to other regions."""

from components.mesh.across import LanguageRoute, Neighbourhood
from components.mesh.control_plane import ControlPlane, ControlPlaneArgs
from components.mesh.east_west import Callers, EastWestGateway, EastWestGatewayArgs
from components.mesh.gateway import IngressGateway, IngressGatewayArgs
from components.mesh.managed_stores import ManagedStores, ManagedStoresArgs
from components.mesh.reader import MeshReader, MeshReaderArgs
from components.mesh.remote import RemoteRegions, RemoteRegionsArgs
from components.mesh.routing import ServiceRouting, ServiceRoutingArgs

__all__ = [
    "Callers",
    "ControlPlane",
    "ControlPlaneArgs",
    "EastWestGateway",
    "EastWestGatewayArgs",
    "IngressGateway",
    "IngressGatewayArgs",
    "LanguageRoute",
    "ManagedStores",
    "ManagedStoresArgs",
    "MeshReader",
    "MeshReaderArgs",
    "Neighbourhood",
    "RemoteRegions",
    "RemoteRegionsArgs",
    "ServiceRouting",
    "ServiceRoutingArgs",
]
