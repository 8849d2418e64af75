"""A region's share of the mesh: control plane, public gateway, and the routes to the services."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from components.cdn import RegionEdge, keys
from components.cdn.names import HEALTH_PATH, TOKEN_HEADER
from components.certificates import CertManager, CertManagerArgs, ChallengedGateway
from components.mesh import (
    Callers,
    ControlPlane,
    ControlPlaneArgs,
    EastWestGateway,
    EastWestGatewayArgs,
    IngressGateway,
    IngressGatewayArgs,
    OriginAuthentication,
    OriginAuthenticationArgs,
    OriginCertificate,
    OriginCertificateArgs,
    PublicCertificate,
    RemoteRegions,
    RemoteRegionsArgs,
    ServiceRouting,
    ServiceRoutingArgs,
)
from components.mesh.config import HTTP_TARGET_PORT, HTTPS_TARGET_PORT
from components.mesh.gateway import PODS as GATEWAY_PODS
from components.mesh.routes import SERVICE_LABELS, service_host
from components.monitoring import collector_host
from components.namespaces import CERT_MANAGER, INGRESS, ISTIO, MONITORING, SERVICES
from components.services import HTTP_PORT, METRICS_PORT
from stacks.mesh_peers import EastWest
from stacks.region_base import RegionBase
from stacks.settings import Settings
from stacks.topology import RegionPlan

MESH_ID = "sacred-council"
TRUST_DOMAIN = "sacred-council.love"


@dataclass(frozen=True, kw_only=True)
class RegionMeshArgs:
    """The region's `plan` and `base`, the stack's `settings`; `monitored_by` brings the monitoring CRDs.

    `east_west` is what joins the mesh with those of the other regions (None: there are none). `edge` is what the
    gateway must know of the CDN in front of it (None: there is none).
    """

    plan: RegionPlan
    settings: Settings
    base: RegionBase
    monitored_by: pulumi.Resource | None
    east_west: EastWest | None = None
    edge: RegionEdge | None = None


class RegionMesh(pulumi.ComponentResource):
    """Istio in one region, from the public gateway to the services.

    Outputs: `ready` (what must exist before pods with sidecars, which other regions call), `certificates` (what brings
    cert-manager's kinds, if something needs them), `outputs` (how users reach the gateway).
    """

    ready: list[pulumi.Resource]
    certificates: pulumi.Resource | None
    outputs: Mapping[str, Any]

    def __init__(self, name: str, args: RegionMeshArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:stack:RegionMesh", name, None, opts)
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        control_plane = self._control_plane()
        self.certificates = self._certificates()
        certificate = (
            self._public_certificate(args.edge, self.certificates) if args.edge and self.certificates else None
        )
        gateway = self._gateway(control_plane, certificate)
        if args.edge is not None:
            self._origin_authentication(control_plane, gateway, args.edge)
        routing = self._routing(control_plane, gateway)
        # Other regions would send requests straight to pods of a region whose gateway they do not know.
        east_west = self._east_west(control_plane, args.east_west).ready if args.east_west else []
        self.ready = [*control_plane.ready, *east_west]
        self.outputs = {
            "service": gateway.service_name,
            "host": gateway.gateway_host,
            "portForward": gateway.port_forward,
            "urls": routing.urls,
        }
        self.register_outputs({})

    def _control_plane(self) -> ControlPlane:
        args, settings = self._args, self._args.settings
        traced = settings.monitoring.enabled
        return ControlPlane(
            f"{self._name}-control-plane",
            ControlPlaneArgs(
                region=args.plan.name,
                namespace=args.base.namespaces[ISTIO],
                network_name=args.plan.mesh_network,
                mesh_id=MESH_ID,
                trust_domain=TRUST_DOMAIN,
                authority=args.base.mesh_authority,
                injected_namespaces=[SERVICES, INGRESS],
                monitoring_namespace=MONITORING,
                trace_collector=collector_host(MONITORING) if traced else None,
                trace_sampling=settings.monitoring.trace_sampling,
                shared_services=[service_host(name, SERVICES) for name in settings.services.by_name()],
                post_quantum=settings.mesh.post_quantum,
                platform=args.base.cluster.mesh_platform,
                min_replicas=settings.mesh.replicas,
                monitored_by=args.monitored_by,
            ),
            self._child,
        )

    def _gateway(self, control_plane: ControlPlane, certificate: PublicCertificate | None) -> IngressGateway:
        args, settings = self._args, self._args.settings
        return IngressGateway(
            f"{self._name}-gateway",
            IngressGatewayArgs(
                region=args.plan.name,
                namespace=args.base.namespaces[INGRESS],
                domain=settings.edge.domain,
                authority=args.base.authority,
                service_type=settings.region(args.plan.name).service_type,
                service_annotations=args.base.cluster.load_balancer_annotations.public,
                address=args.edge.address if args.edge else None,
                public_certificate=certificate,
                post_quantum=settings.mesh.post_quantum,
                trust_domain=TRUST_DOMAIN,
                upstreams={SERVICES: [HTTP_PORT]},
                control_plane_namespace=ISTIO,
                monitoring_namespace=MONITORING,
                ready=control_plane.ready,
                min_replicas=settings.mesh.replicas,
                monitored_by=args.monitored_by,
            ),
            self._child,
        )

    def _certificates(self) -> pulumi.Resource | None:
        args = self._args
        if args.edge is None and args.plan.name != args.settings.rancher_hub:
            return None
        return CertManager(
            f"{args.plan.name}-certificates",
            CertManagerArgs(
                region=args.plan.name,
                namespace=args.base.namespaces[CERT_MANAGER],
                monitoring_namespace=MONITORING,
                gateway=self._challenged() if args.edge else None,
                monitored_by=args.monitored_by,
            ),
            self._child,
        ).release

    def _challenged(self) -> ChallengedGateway:
        return ChallengedGateway(
            namespace=self._args.base.namespaces[INGRESS],
            pods=GATEWAY_PODS,
            # HTTP redirects to HTTPS, and cert-manager follows.
            ports=[HTTP_TARGET_PORT, HTTPS_TARGET_PORT],
        )

    def _public_certificate(self, edge: RegionEdge, manager: pulumi.Resource) -> PublicCertificate:
        args, namespaces = self._args, self._args.base.namespaces
        certificate = OriginCertificate(
            f"{self._name}-origin",
            OriginCertificateArgs(
                region=args.plan.name,
                namespace=namespaces[INGRESS],
                hosts=edge.hosts,
                directory=keys.ACME_DIRECTORY,
                account_key=edge.keys.account_key,
                ready=manager,
            ),
            self._child,
        )
        return PublicCertificate(credential=certificate.secret_name, hosts=edge.hosts)

    def _origin_authentication(self, control_plane: ControlPlane, gateway: IngressGateway, edge: RegionEdge) -> None:
        args = self._args
        OriginAuthentication(
            f"{self._name}-origin-authentication",
            OriginAuthenticationArgs(
                region=args.plan.name,
                namespace=args.base.namespaces[INGRESS],
                gateway=GATEWAY_PODS,
                served_by=gateway.gateway,
                hosts=[args.settings.edge.domain, *edge.hosts],
                health_path=HEALTH_PATH,
                header=TOKEN_HEADER,
                issuer=keys.ISSUER,
                audience=args.settings.edge.domain,
                principal=keys.PRINCIPAL,
                key_set=edge.keys.key_set,
                account_thumbprint=edge.keys.account_thumbprint,
                ready=control_plane.ready,
            ),
            self._child,
        )

    def _routing(self, control_plane: ControlPlane, gateway: IngressGateway) -> ServiceRouting:
        args = self._args
        return ServiceRouting(
            f"{self._name}-routing",
            ServiceRoutingArgs(
                region=args.plan.name,
                namespace=args.base.namespaces[SERVICES],
                services=dict.fromkeys(args.settings.services.by_name(), HTTP_PORT),
                metrics_port=METRICS_PORT,
                domain=args.settings.edge.domain,
                gateway=gateway.gateway,
                gateway_principal=gateway.principal,
                monitoring_namespace=MONITORING,
                ready=control_plane.ready,
                monitored_by=args.monitored_by,
                mesh_peers=None if args.east_west is None else args.east_west.mesh_peers,
            ),
            self._child,
        )

    def _east_west(self, control_plane: ControlPlane, east_west: EastWest) -> EastWestGateway:
        args, namespaces = self._args, self._args.base.namespaces
        RemoteRegions(
            f"{self._name}-remote-regions",
            RemoteRegionsArgs(region=args.plan.name, namespace=namespaces[ISTIO], kubeconfigs=east_west.kubeconfigs),
            self._child,
        )
        return EastWestGateway(
            f"{self._name}-east-west",
            EastWestGatewayArgs(
                region=args.plan.name,
                namespace=namespaces[INGRESS],
                network_name=args.plan.mesh_network,
                service_type=args.settings.region(args.plan.name).service_type,
                service_annotations=east_west.service_annotations,
                allowed_sources=east_west.allowed_sources,
                callers=[
                    Callers(name="services", namespace=namespaces[SERVICES], pods=SERVICE_LABELS),
                    Callers(name="ingress", namespace=namespaces[INGRESS], pods=GATEWAY_PODS),
                ],
                upstreams={SERVICES: [HTTP_PORT]},
                control_plane_namespace=ISTIO,
                monitoring_namespace=MONITORING,
                ready=control_plane.ready,
                min_replicas=args.settings.mesh.replicas,
            ),
            self._child,
        )
