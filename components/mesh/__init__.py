"""The service mesh: Istio's control plane, its gateways, the routes between services, and the way to other regions."""

from components.mesh.circles import CirclesRoute
from components.mesh.control_plane import ControlPlane
from components.mesh.data_service_entries import DataServiceEntries
from components.mesh.gateways import EastWestGateway, IngressGateway
from components.mesh.live import LiveRoute
from components.mesh.origin import OriginAuthentication, OriginCertificate
from components.mesh.peers import EastWest, LanguageRoute, MeshPeers
from components.mesh.remote_secrets import RemoteRegions, RemoteSecretAccess
from components.mesh.routing import ServiceRouting

__all__ = [
    "CirclesRoute",
    "ControlPlane",
    "DataServiceEntries",
    "EastWest",
    "EastWestGateway",
    "IngressGateway",
    "LanguageRoute",
    "LiveRoute",
    "MeshPeers",
    "OriginAuthentication",
    "OriginCertificate",
    "RemoteRegions",
    "RemoteSecretAccess",
    "ServiceRouting",
]
