"""Addresses of AWS for load balancers."""

from collections.abc import Mapping, Sequence
from typing import Final

import pulumi
from pulumi_aws import ec2

from components.cluster import PublicAddress
from components.cluster.arguments import common_labels
from components.cluster.eks import plan
from components.cluster.eks.network import EksNetwork

_PREFIX: Final = "service.beta.kubernetes.io/aws-load-balancer-"


class EksAddress(pulumi.ComponentResource):
    """Elastic IPs for a network load balancer: one in each zone that it stands in.

    `only` is the number of a single zone to stand in, counted around; None is every zone. From one zone it still
    reaches pods in all of them.

    Outputs: `public` (a `PublicAddress`).
    """

    public: PublicAddress

    def __init__(
        self, name: str, network: EksNetwork, only: int | None = None, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("sacred-council:cluster:EksAddress", name, None, opts)
        zones = plan.chosen_zones(network.args.zone_letters, only)
        eips = {zone: self._eip(f"{name}-{zone}", network) for zone in zones}
        self.public = PublicAddress(
            addresses=[eips[zone].public_ip for zone in zones],
            annotations=_annotations(
                [eips[zone].allocation_id for zone in zones], [network.public_subnet_ids[zone] for zone in zones]
            ),
        )
        self.register_outputs({"addresses": self.public.addresses})

    def _eip(self, name: str, network: EksNetwork) -> ec2.Eip:
        return ec2.Eip(
            f"{name}-address",
            region=network.args.location,
            domain="vpc",
            tags={**common_labels(network.args), "Name": name},
            opts=pulumi.ResourceOptions(parent=self),
        )


def _annotations(
    allocations: Sequence[pulumi.Output[str]], subnets: Sequence[pulumi.Output[str]]
) -> Mapping[str, pulumi.Output[str]]:
    """Both lists have the same order: the first address is in the first subnet."""
    return {
        f"{_PREFIX}eip-allocations": pulumi.Output.all(*allocations).apply(",".join),
        f"{_PREFIX}subnets": pulumi.Output.all(*subnets).apply(",".join),
    }
