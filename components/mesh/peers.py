"""The other regions, as a region's mesh sees them, and how the mesh chooses between them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pulumi

CLUSTER_LABEL = "topology.istio.io/cluster"
"""Istio sets this label on every endpoint, including a gateway that stands for another network's endpoints."""


@dataclass(frozen=True, kw_only=True)
class LanguageRoute:
    """Requests for `region`: those whose language tag equals, or starts with, one of `tags`."""

    region: str
    match: Literal["exact", "prefix"]
    tags: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class MeshPeers:
    """The other regions, as the routes of one region see them."""

    region: str
    failover: tuple[str, ...]
    """The other regions, nearest first."""
    languages: tuple[LanguageRoute, ...] = ()
    """The first match chooses the region that serves a request."""
    unreachable: frozenset[str] = frozenset()
    """Regions without requests: their endpoints are unknown, or they take no traffic."""

    def __post_init__(self) -> None:
        if not self.failover or self.region in self.failover:
            raise ValueError(f"failover: expected the regions other than {self.region}, nearest first: {self.failover}")
        strangers = sorted({route.region for route in self.languages} - set(self.reachable))
        if strangers:
            raise ValueError(f"languages: {', '.join(strangers)} is not one of the regions in reach")

    @property
    def regions(self) -> tuple[str, ...]:
        """All regions of the mesh, sorted. Every region has the same list."""
        return tuple(sorted((self.region, *self.failover)))

    @property
    def reachable(self) -> tuple[str, ...]:
        """The regions that get requests when `region` fails, nearest first."""
        return tuple(region for region in self.failover if region not in self.unreachable)


@dataclass(frozen=True, kw_only=True)
class EastWest:
    """What one region needs to send requests to the others, and to admit theirs."""

    mesh_peers: MeshPeers | None
    """None without other regions."""
    kubeconfigs: Mapping[str, pulumi.Output[str] | None]
    """Kubeconfigs, by name, of the other regions that take requests. None: the API's endpoint is unknown."""
    allowed_sources: Sequence[pulumi.Output[str]]
    """Source IPv4 addresses of the other regions."""


def nearest_first(mesh_peers: MeshPeers) -> dict[str, Any]:
    """Locality setting: prefer the same region, then the nearest other region, then the rest."""
    return {
        "enabled": True,
        "failover": [{"from": mesh_peers.region, "to": nearest} for nearest in mesh_peers.reachable[:1]],
    }


def subsets(mesh_peers: MeshPeers, policy: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return one subset per region, with the region's name: it prefers that region's endpoints over all others.

    `policy` is the traffic policy of every subset, without the order of localities.
    A subset that selected only the region's endpoints would be empty when the region is down.
    The subset's name is part of the TLS server name, which the other region's gateway must know, so all regions have
    the same subsets.
    """
    return [
        {
            "name": region,
            "trafficPolicy": {
                **policy,
                "loadBalancer": {
                    **policy["loadBalancer"],
                    "localityLbSetting": {"enabled": True, "failoverPriority": [f"{CLUSTER_LABEL}={region}"]},
                },
            },
        }
        for region in mesh_peers.regions
    ]
