"""Addresses of Google Cloud for load balancers."""

import pulumi
from pulumi_gcp import compute

from components.cluster import NetworkArgs, PublicAddress
from components.cluster.arguments import common_labels


class GkeAddress(pulumi.ComponentResource):
    """A regional address. GKE's load balancers take it from any zone.

    Outputs: `public` (a `PublicAddress`).
    """

    public: PublicAddress

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cluster:GkeAddress", name, None, opts)
        address = compute.Address(
            f"{name}-address",
            region=args.location,
            labels=common_labels(args),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.public = PublicAddress(addresses=[address.address], annotations={}, load_balancer_ip=address.address)
        self.register_outputs({"addresses": self.public.addresses})
