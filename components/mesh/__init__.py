"""The service mesh: Istio's control plane, its gateways, the routes between services, and the way to other regions."""

from components.mesh.across import LanguageRoute, MeshPeers
from components.mesh.control_plane import ControlPlane, ControlPlaneArgs
from components.mesh.data_service_entries import DataServiceEntries, DataServiceEntriesArgs
from components.mesh.east_west import Callers, EastWestGateway, EastWestGatewayArgs
from components.mesh.gateway import IngressGateway, IngressGatewayArgs, PublicCertificate
from components.mesh.origin_authentication import OriginAuthentication, OriginAuthenticationArgs
from components.mesh.origin_certificate import OriginCertificate, OriginCertificateArgs
from components.mesh.remote import RemoteRegions, RemoteRegionsArgs
from components.mesh.remote_secret_access import RemoteSecretAccess, RemoteSecretAccessArgs
from components.mesh.routing import ServiceRouting, ServiceRoutingArgs

__all__ = [
    "Callers",
    "ControlPlane",
    "ControlPlaneArgs",
    "DataServiceEntries",
    "DataServiceEntriesArgs",
    "EastWestGateway",
    "EastWestGatewayArgs",
    "IngressGateway",
    "IngressGatewayArgs",
    "LanguageRoute",
    "MeshPeers",
    "OriginAuthentication",
    "OriginAuthenticationArgs",
    "OriginCertificate",
    "OriginCertificateArgs",
    "PublicCertificate",
    "RemoteRegions",
    "RemoteRegionsArgs",
    "RemoteSecretAccess",
    "RemoteSecretAccessArgs",
    "ServiceRouting",
    "ServiceRoutingArgs",
]
