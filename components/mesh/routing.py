"""How requests find the services, and who may call them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from components import network
from components.mesh import across, config, routes
from components.mesh.monitors import proxy_monitor
from components.metadata import object_meta

APP = "mesh-routing"


@dataclass(frozen=True, kw_only=True)
class ServiceRoutingArgs:
    """`services` maps each service in `namespace` to its HTTP port; all serve metrics on `metrics_port`.

    `domain` and `gateway` are the public gateway's, `gateway_principal` its identity. `ready` is the control plane's.
    `monitored_by` brings the monitoring CRDs (None: no monitor of the sidecars). `mesh_peers` is what is known
    of the other regions (None: there are none).
    """

    region: str
    namespace: pulumi.Input[str]
    services: Mapping[str, int]
    metrics_port: int
    domain: str
    gateway: pulumi.Input[str]
    gateway_principal: pulumi.Input[str]
    monitoring_namespace: str
    ready: Sequence[pulumi.Resource]
    monitored_by: pulumi.Resource | None = None
    mesh_peers: across.MeshPeers | None = None

    def __post_init__(self) -> None:
        if not self.services:
            raise ValueError("services: expected at least one service with its port, got none")


class ServiceRouting(pulumi.ComponentResource):
    """Routes by path prefix, retries, circle affinity, outlier detection, and default-deny authorization.

    Outputs: `urls` (service to public URL).
    """

    urls: dict[str, str]

    def __init__(self, name: str, args: ServiceRoutingArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:mesh:ServiceRouting", name, None, opts)
        self._args = args
        self._name = name
        self._after = pulumi.ResourceOptions(parent=self, depends_on=list(args.ready))
        self._routes()
        self._authorization()
        self._metrics()
        self.urls = {service: f"https://{args.domain}/{service}" for service in sorted(args.services)}
        self.register_outputs({"urls": self.urls})

    def _routes(self) -> None:
        args = self._args
        namespace = pulumi.Output.from_input(args.namespace)
        languages = () if args.mesh_peers is None else args.mesh_peers.languages
        self._resource(
            "networking.istio.io/v1",
            "VirtualService",
            "services",
            pulumi.Output.all(namespace, args.gateway).apply(
                lambda known: routes.virtual_service(
                    domain=args.domain,
                    gateway=known[1],
                    namespace=known[0],
                    services=args.services,
                    languages=languages,
                )
            ),
        )
        for service in sorted(args.services):
            rule = _destination(namespace, service, args.mesh_peers)
            self._resource("networking.istio.io/v1", "DestinationRule", service, rule)

    def _authorization(self) -> None:
        args = self._args
        known = pulumi.Output.all(args.gateway_principal, args.namespace)
        policies: dict[str, pulumi.Input[dict[str, Any]]] = {
            "default-deny": routes.deny_all(),
            "allow-metrics": routes.allow_metrics(args.metrics_port),
            "allow-callers": known.apply(
                lambda values: routes.allow_callers(
                    gateway=values[0], namespace=values[1], ports=sorted(set(args.services.values()))
                )
            ),
        }
        for policy, spec in policies.items():
            self._resource("security.istio.io/v1", "AuthorizationPolicy", policy, spec)

    def _metrics(self) -> None:
        args = self._args
        spec = routes.plain_metrics(args.metrics_port)
        self._resource("security.istio.io/v1", "PeerAuthentication", "plain-metrics", spec)
        network.policy(
            f"{self._name}-policy",
            name="proxy-metrics",
            app=APP,
            region=args.region,
            namespace=args.namespace,
            pods=routes.SERVICE_LABELS,
            ingress=[network.ingress([config.PROXY_METRICS_PORT], network.peer(namespace=args.monitoring_namespace))],
            opts=pulumi.ResourceOptions(parent=self),
        )
        if args.monitored_by is not None:
            monitor = pulumi.ResourceOptions(parent=self, depends_on=[args.monitored_by])
            proxy_monitor(f"{self._name}-monitor", app=APP, region=args.region, namespace=args.namespace, opts=monitor)

    def _resource(self, api_version: str, kind: str, name: str, spec: pulumi.Input[dict[str, Any]]) -> None:
        args = self._args
        k8s.apiextensions.CustomResource(
            f"{self._name}-{kind.lower()}-{name}",
            api_version=api_version,
            kind=kind,
            metadata=object_meta(name, app=APP, region=args.region, namespace=args.namespace),
            spec=spec,
            opts=self._after,
        )


def _destination(
    namespace: pulumi.Output[str], service: str, mesh_peers: across.MeshPeers | None
) -> pulumi.Output[dict[str, Any]]:
    return namespace.apply(lambda known: routes.destination_rule(service, known, mesh_peers))
