"""DNS names, inside one region, for the peer endpoints of the other regions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.metadata import object_meta
from components.peering.names import SERVICE


@dataclass(frozen=True, kw_only=True)
class PeerNamesArgs:
    """The peer endpoints of one data service in the other regions."""

    region: str
    app: str
    namespace: pulumi.Input[str]
    port: int
    """TCP port of the peer endpoints."""
    hosts: Mapping[str, Sequence[pulumi.Input[str]]]
    """IPv4 addresses of each peer endpoint, by its name from `names.host`. Empty without other regions."""


class PeerNames(pulumi.ComponentResource):
    """A headless Service without pods. Its endpoints are the other regions' peer endpoints, each with a name.

    The component has two objects for any number of regions.
    The second is an `Endpoints` object and not an EndpointSlice, because GKE's default DNS (kube-dns) reads nothing
    else (kubernetes/dns, issue 504). Kubernetes mirrors it into a slice for other DNS servers.
    """

    def __init__(self, name: str, args: PeerNamesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:peering:PeerNames", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        meta = object_meta(SERVICE, app=args.app, region=args.region, namespace=args.namespace)
        k8s.core.v1.Service(
            f"{name}-service",
            metadata=meta,
            spec=k8s.core.v1.ServiceSpecArgs(
                cluster_ip="None",
                ports=[k8s.core.v1.ServicePortArgs(name="peers", port=args.port, protocol="TCP", app_protocol="tcp")],
            ),
            opts=child,
        )
        k8s.core.v1.Endpoints(
            f"{name}-endpoints",
            metadata=meta,
            subsets=[_subset(args)] if args.hosts else None,
            opts=child,
        )
        self.register_outputs({})


def _subset(args: PeerNamesArgs) -> k8s.core.v1.EndpointSubsetArgs:
    return k8s.core.v1.EndpointSubsetArgs(
        addresses=[
            k8s.core.v1.EndpointAddressArgs(ip=address, hostname=host)
            for host, addresses in sorted(args.hosts.items())
            for address in addresses
        ],
        ports=[k8s.core.v1.EndpointPortArgs(name="peers", port=args.port, protocol="TCP")],
    )
