"""Addresses of Azure for load balancers."""

from collections.abc import Sequence
from typing import Final

import pulumi
from pulumi_azure_native import network, resources

from components.cluster import NetworkArgs, PublicAddress
from components.cluster.arguments import common_labels

_PREFIX: Final = "service.beta.kubernetes.io/azure-"


class AksAddresses(pulumi.ComponentResource):
    """A resource group of the addresses' own: the cluster may use what is in it, and nothing else of the network's.

    Outputs: `args`, `group_name`, `group_id`.
    """

    args: NetworkArgs
    group_name: pulumi.Output[str]
    group_id: pulumi.Output[str]

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cluster:AksAddresses", name, None, opts)
        self.args = args
        group = resources.ResourceGroup(
            f"{name}-group",
            location=args.location,
            tags=common_labels(args),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.group_name = group.name
        self.group_id = group.id
        self.register_outputs({})


class AksAddress(pulumi.ComponentResource):
    """An address that stays when one of `zones` fails.

    Outputs: `public` (a `PublicAddress`).
    """

    public: PublicAddress

    def __init__(
        self, name: str, among: AksAddresses, zones: Sequence[str], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("sacred-council:cluster:AksAddress", name, None, opts)
        address = network.PublicIPAddress(
            f"{name}-address",
            resource_group_name=among.group_name,
            location=among.args.location,
            sku=network.PublicIPAddressSkuArgs(name="Standard"),
            public_ip_allocation_method="Static",
            zones=sorted(zones),
            tags=common_labels(among.args),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.public = PublicAddress(
            addresses=[address.ip_address],
            annotations={
                f"{_PREFIX}pip-name": address.name,
                f"{_PREFIX}load-balancer-resource-group": among.group_name,
            },
        )
        self.register_outputs({"addresses": self.public.addresses})
