"""What a data service in one region must know of the same data service in the other regions."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components import network


@dataclass(frozen=True, kw_only=True)
class StorePeers:
    """The other regions: their names, nearest first, and the IPv4 addresses to and from which packets go.

    `endpoints` are the addresses of their peer endpoints of the same data service. `allowed_sources` are those that
    their pods are seen with. While there are no other regions, there are no `regions` and no `endpoints`, and
    `allowed_sources` are the region's own addresses.
    """

    regions: Sequence[str]
    endpoints: Sequence[pulumi.Input[str]]
    allowed_sources: Sequence[pulumi.Input[str]]

    def __post_init__(self) -> None:
        if not self.allowed_sources:
            raise ValueError("allowed_sources: expected addresses, got none; anyone could reach the data service")

    def ingress(self, port: int) -> k8s.networking.v1.NetworkPolicyIngressRuleArgs:
        """Let the other regions reach `port` of the data service's pods."""
        return network.ingress([port], *map(_address, self.allowed_sources))

    def egress(self, port: int) -> k8s.networking.v1.NetworkPolicyEgressRuleArgs:
        """Let the data service's pods reach `port` of the other regions' peer endpoints."""
        # No address at all would be every address.
        return network.egress([port], *map(_address, self.endpoints or self.allowed_sources))


def _address(address: pulumi.Input[str]) -> k8s.networking.v1.NetworkPolicyPeerArgs:
    return network.cidr(pulumi.Output.concat(address, "/32"))
