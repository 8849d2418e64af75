"""What a region's mesh knows of the other regions, and how it chooses between them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pulumi

CLUSTER_LABEL = "topology.istio.io/cluster"
"""Istio gives it to every endpoint, also to the gateway that stands for the endpoints of another network."""


@dataclass(frozen=True, kw_only=True)
class LanguageRoute:
    """Requests whose language tag is one of `tags`, or starts with one of them, are served in `region`."""

    region: str
    match: Literal["exact", "prefix"]
    tags: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class MeshPeers:
    """What the routes of one region know of the others."""

    region: str
    failover: tuple[str, ...]
    """The others, nearest first."""
    languages: tuple[LanguageRoute, ...] = ()
    """The first that fits a request says which region serves it."""
    unreachable: frozenset[str] = frozenset()
    """Regions that get no requests: their endpoints are not known, or they get no traffic."""

    def __post_init__(self) -> None:
        if not self.failover or self.region in self.failover:
            raise ValueError(f"failover: expected the regions other than {self.region}, nearest first: {self.failover}")
        strangers = sorted({route.region for route in self.languages} - set(self.reachable))
        if strangers:
            raise ValueError(f"languages: {', '.join(strangers)} is not one of the regions in reach")

    @property
    def regions(self) -> tuple[str, ...]:
        """All regions of the mesh, sorted: the same everywhere."""
        return tuple(sorted((self.region, *self.failover)))

    @property
    def reachable(self) -> tuple[str, ...]:
        """The regions that get requests when `region` fails, nearest first."""
        return tuple(region for region in self.failover if region not in self.unreachable)


@dataclass(frozen=True, kw_only=True)
class EastWest:
    """What one region must know to send requests to the others, and to let theirs in."""

    mesh_peers: MeshPeers | None
    """None while there are no others."""
    kubeconfigs: Mapping[str, pulumi.Output[str] | None]
    """Of the others by name that get requests. None where the API's endpoint is not known."""
    allowed_sources: Sequence[pulumi.Output[str]]
    """The IPv4 addresses that the others are seen with."""


def nearest_first(mesh_peers: MeshPeers) -> dict[str, Any]:
    """Locality setting: pods of the same zone, of the same region, of the nearest other region, then all the rest."""
    return {
        "enabled": True,
        "failover": [{"from": mesh_peers.region, "to": nearest} for nearest in mesh_peers.reachable[:1]],
    }


def subsets(mesh_peers: MeshPeers, affinity: dict[str, Any]) -> list[dict[str, Any]]:
    """One subset per region, called after it: its endpoints, and all others only when those fail.

    A subset that selected the region's endpoints would have none left when the region is down. The name of a subset is
    part of the TLS server name, which the other region's gateway must know, too: hence the same subsets everywhere.
    """
    return [
        {
            "name": region,
            "trafficPolicy": {
                "loadBalancer": {
                    **affinity,
                    "localityLbSetting": {"enabled": True, "failoverPriority": [f"{CLUSTER_LABEL}={region}"]},
                }
            },
        }
        for region in mesh_peers.regions
    ]
