"""The gateway through which the other regions reach a region's services."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_kubernetes as k8s

from components import network
from components.mesh import across, config
from components.metadata import object_meta
from components.releases import chart_release
from components.versions import ISTIO_GATEWAY

APP = "istio-eastwestgateway"
PODS = {"istio": "eastwestgateway"}
GATEWAY = "cross-network"


@dataclass(frozen=True, kw_only=True)
class Callers:
    """Pods with the labels `pods` in `namespace`. `name` tells them from others."""

    name: str
    namespace: pulumi.Input[str]
    pods: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class EastWestGatewayArgs:
    """`network_name` is the region's network; `namespace` one where sidecars are injected.

    `allowed_sources` are the IPv4 addresses that the other regions are seen with.
    `callers` are the pods that call other regions, `upstreams` maps namespaces that the gateway forwards to, to the
    pods' ports. `ready` is the control plane's.
    """

    region: str
    namespace: pulumi.Input[str]
    network_name: str
    service_type: config.ServiceType
    service_annotations: Mapping[str, str] = field(default_factory=dict)
    allowed_sources: Sequence[pulumi.Input[str]]
    callers: Sequence[Callers]
    upstreams: Mapping[str, Sequence[int]]
    control_plane_namespace: str
    monitoring_namespace: str
    ready: Sequence[pulumi.Resource]
    min_replicas: int = 1
    max_replicas: int = 5

    def __post_init__(self) -> None:
        if not self.allowed_sources:
            raise ValueError("allowed_sources: expected addresses, got none; anyone could connect")
        if not 1 <= self.min_replicas <= self.max_replicas:
            raise ValueError(
                f"min_replicas: {self.min_replicas} is not between 1 and max_replicas ({self.max_replicas})"
            )


class EastWestGateway(pulumi.ComponentResource):
    """Istio's gateway between networks: takes mutual TLS on 15443 and cannot read what it passes on.

    istiod finds the gateway's address by itself, in every region.

    Outputs: `ready` (once these are there, the gateway has its address, and pods can be reached through it).
    """

    ready: list[pulumi.Resource]

    def __init__(self, name: str, args: EastWestGatewayArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:mesh:EastWestGateway", name, None, opts)
        policies = [self._own_network_policy(name, args), *self._callers_network_policies(name, args)]
        release = chart_release(
            f"{name}-release",
            ISTIO_GATEWAY,
            name=APP,
            namespace=args.namespace,
            values=_values(args),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*args.ready, *policies]),
        )
        listener = k8s.apiextensions.CustomResource(
            f"{name}-gateway",
            api_version="networking.istio.io/v1",
            kind="Gateway",
            metadata=object_meta(GATEWAY, app=APP, region=args.region, namespace=args.namespace),
            spec=across.east_west_gateway(PODS, sorted(args.upstreams)),
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(args.ready)),
        )
        self.ready = [release, listener]
        self.register_outputs({})

    def _own_network_policy(self, name: str, args: EastWestGatewayArgs) -> k8s.networking.v1.NetworkPolicy:
        monitoring = network.peer(namespace=args.monitoring_namespace)
        upstreams = [
            network.egress(ports, network.peer(namespace=namespace))
            for namespace, ports in sorted(args.upstreams.items())
        ]
        return network.policy(
            f"{name}-policy",
            name=APP,
            app=APP,
            region=args.region,
            namespace=args.namespace,
            pods=PODS,
            ingress=[
                # The load balancer's rule says who may connect: behind it, callers have other addresses on some clouds.
                network.ingress([config.EAST_WEST_PORT, config.STATUS_PORT]),
                network.ingress([config.PROXY_METRICS_PORT], monitoring),
            ],
            egress=[
                network.egress([config.XDS_PORT], network.peer(namespace=args.control_plane_namespace)),
                *upstreams,
            ],
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _callers_network_policies(self, name: str, args: EastWestGatewayArgs) -> list[k8s.networking.v1.NetworkPolicy]:
        """Let pods connect to other regions' gateways. Some of those have only a host name, so just the port counts."""
        return [
            network.policy(
                f"{name}-{callers.name}-callers",
                name="other-regions",
                app=APP,
                region=args.region,
                namespace=callers.namespace,
                pods=callers.pods,
                egress=[network.egress([config.EAST_WEST_PORT])],
                opts=pulumi.ResourceOptions(parent=self),
            )
            for callers in args.callers
        ]


def _values(args: EastWestGatewayArgs) -> dict[str, object]:
    return config.east_west_values(
        network=args.network_name,
        service_type=args.service_type,
        annotations=args.service_annotations,
        source_ranges=[pulumi.Output.concat(address, "/32") for address in args.allowed_sources],
        min_replicas=args.min_replicas,
        max_replicas=args.max_replicas,
    )
