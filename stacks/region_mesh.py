"""A region's share of the mesh: control plane, public gateway, and the routes to the services."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from components.cdn import RegionEdge
from components.certificates import CertManager
from components.context import RegionContext
from components.mesh import (
    CirclesRoute,
    ControlPlane,
    EastWest,
    EastWestGateway,
    IngressGateway,
    LiveRoute,
    OriginAuthentication,
    OriginCertificate,
    RemoteRegions,
    ServiceRouting,
)
from stacks.edge import region_host
from stacks.region_base import RegionBase
from stacks.settings import Settings
from stacks.topology import RegionPlan


class RegionMesh(pulumi.ComponentResource):
    """Istio in one region, from the public gateway to the services.

    `east_west` joins the mesh with those of the other regions (None: no peers). `edge` describes the CDN in front of
    the gateway (None: no CDN). `traced`: there is a collector of traces, also without `monitoring.enabled`.
    """

    ready: list[pulumi.Resource]
    """Resources that must exist before pods with sidecars, which other regions call."""
    certificates: pulumi.Resource | None
    """Installs cert-manager's kinds. None if nothing needs them."""
    outputs: Mapping[str, Any]
    """How users reach the gateway."""

    def __init__(
        self,
        name: str,
        context: RegionContext,
        settings: Settings,
        *,
        plan: RegionPlan,
        base: RegionBase,
        east_west: EastWest | None = None,
        edge: RegionEdge | None = None,
        traced: bool = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:stack:RegionMesh", name, None, context.child(opts))
        self._name, self._context, self._settings, self._plan, self._base = name, context, settings, plan, base
        self._traced = settings.monitoring.enabled or traced
        self._child = pulumi.ResourceOptions(parent=self)
        services = sorted(settings.running_services.by_name())
        control_plane = self._control_plane(services)
        self.certificates = self._certificates(edge)
        gateway = self._gateway(control_plane.ready, edge)
        routing = ServiceRouting(
            f"{name}-routing",
            context,
            services,
            gateway=gateway.gateway,
            gateway_principal=gateway.principal,
            ready=control_plane.ready,
            mesh_peers=east_west.mesh_peers if east_west else None,
            opts=self._child,
        )
        live = self._live(gateway, control_plane.ready)
        calls = self._circles(gateway, control_plane.ready, behind_cdn=edge is not None)
        # Without the gateway's address, other regions would send requests straight to the region's pods.
        way_in = self._east_west(control_plane.ready, east_west).ready if east_west else []
        self.ready = [*control_plane.ready, *way_in]
        self.outputs = {
            "service": gateway.service_name,
            "host": gateway.gateway_host,
            "portForward": gateway.port_forward,
            "urls": {
                **routing.urls,
                **({"live": live.url} if live else {}),
                **({"circles": calls.url} if calls else {}),
            },
        }
        self.register_outputs({})

    def _control_plane(self, services: Sequence[str]) -> ControlPlane:
        return ControlPlane(
            f"{self._name}-control-plane",
            self._context,
            self._settings.mesh,
            network_name=self._plan.mesh_network,
            authority=self._base.mesh_authority,
            shared_services=services,
            sidecars=sum(service.max_replicas for service in self._settings.running_services.by_name().values()),
            platform=self._base.cluster.mesh_platform,
            traced=self._settings.monitoring.trace_sampling if self._traced else None,
            opts=self._child,
        )

    def _certificates(self, edge: RegionEdge | None) -> pulumi.Resource | None:
        region = self._context.region
        if edge is None and region != self._settings.rancher_hub:
            return None
        name = f"{region}-certificates"
        return CertManager(name, self._context, public_authority=edge is not None, opts=self._child).release

    def _gateway(self, ready: Sequence[pulumi.Resource], edge: RegionEdge | None) -> IngressGateway:
        gateway = IngressGateway(
            f"{self._name}-gateway",
            self._context,
            self._settings.mesh,
            service_type=self._settings.region(self._context.region).service_type,
            service_annotations=self._base.cluster.load_balancer_annotations,
            address=edge.address if edge else None,
            public_certificate=self._origin_certificate(edge),
            ready=ready,
            opts=self._child,
        )
        if edge is not None:
            name = f"{self._name}-origin-authentication"
            OriginAuthentication(name, self._context, edge, gateway=gateway.gateway, ready=ready, opts=self._child)
        return gateway

    def _live(self, gateway: IngressGateway, ready: Sequence[pulumi.Resource]) -> LiveRoute | None:
        settings = self._settings.messaging.websocket
        if not settings.enabled:
            return None
        return LiveRoute(
            f"{self._name}-live",
            self._context,
            settings,
            gateway=gateway.gateway,
            ready=ready,
            opts=self._child,
        )

    def _circles(
        self, gateway: IngressGateway, ready: Sequence[pulumi.Resource], *, behind_cdn: bool
    ) -> CirclesRoute | None:
        if not self._settings.circles.enabled:
            return None
        return CirclesRoute(
            f"{self._name}-circles",
            self._context,
            self._settings.circles,
            host=region_host(self._settings, self._context.region),
            behind_cdn=behind_cdn,
            gateway=gateway.gateway,
            ready=ready,
            opts=self._child,
        )

    def _origin_certificate(self, edge: RegionEdge | None) -> OriginCertificate | None:
        if edge is None or self.certificates is None:
            return None
        return OriginCertificate(f"{self._name}-origin", self._context, edge, ready=self.certificates, opts=self._child)

    def _east_west(self, ready: Sequence[pulumi.Resource], east_west: EastWest) -> EastWestGateway:
        RemoteRegions(f"{self._name}-remote-regions", self._context, east_west.kubeconfigs, self._child)
        return EastWestGateway(
            f"{self._name}-east-west",
            self._context,
            self._settings.mesh,
            network_name=self._plan.mesh_network,
            service_type=self._settings.region(self._context.region).service_type,
            service_annotations=self._base.cluster.load_balancer_annotations,
            allowed_sources=east_west.allowed_sources,
            ready=ready,
            opts=self._child,
        )
