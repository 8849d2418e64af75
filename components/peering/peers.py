"""What a data service in one region needs to know about its instances in the other regions."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components import network


@dataclass(frozen=True, kw_only=True)
class StorePeers:
    """The other regions and their IPv4 addresses, for one data service."""

    regions: Sequence[str]
    """Names, nearest first. Empty without other regions."""
    endpoints: Sequence[pulumi.Input[str]]
    """Addresses of their peer endpoints for this data service. Empty without other regions."""
    allowed_sources: Sequence[pulumi.Input[str]]
    """Source addresses of their pods. Without other regions: the region's own addresses."""

    def __post_init__(self) -> None:
        if not self.allowed_sources:
            raise ValueError("allowed_sources: expected addresses, got none; anyone could reach the data service")

    def ingress(self, port: int) -> k8s.networking.v1.NetworkPolicyIngressRuleArgs:
        """Let the other regions reach `port` of the data service's pods."""
        return network.ingress([port], *map(_address, self.allowed_sources))

    def egress(self, port: int) -> k8s.networking.v1.NetworkPolicyEgressRuleArgs:
        """Let the data service's pods reach `port` of the other regions' peer endpoints."""
        # An empty list of targets would allow every address.
        return network.egress([port], *map(_address, self.endpoints or self.allowed_sources))


def _address(address: pulumi.Input[str]) -> k8s.networking.v1.NetworkPolicyPeerArgs:
    return network.cidr(pulumi.Output.concat(address, "/32"))
