"""The other regions, as a region's mesh sees them, and how the mesh chooses between them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import pulumi

CLUSTER_LABEL: Final = "topology.istio.io/cluster"
"""Istio sets this label on every endpoint, including a gateway that stands for another network's endpoints."""
SUBSETS: Final = 16
"""Subsets of each service at least. They are there before the regions that they prefer, see `subsets`.

A public gateway needs about 1.5 MB of memory for each (measured with stock Envoy).
"""


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
    numbers: Mapping[str, int]
    """Each region's network index, from which its subset follows."""
    languages: tuple[LanguageRoute, ...] = ()
    """The first match chooses the region that serves a request."""
    unreachable: frozenset[str] = frozenset()
    """Regions without requests: their endpoints are unknown, or they take no traffic."""

    def __post_init__(self) -> None:
        if not self.failover or self.region in self.failover:
            raise ValueError(f"failover: expected the regions other than {self.region}, nearest first: {self.failover}")
        if set(self.numbers) != set(self.regions):
            raise ValueError(f"numbers: expected those of {', '.join(self.regions)}, got {', '.join(self.numbers)}")
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


def subset_names(numbers: Mapping[str, int]) -> dict[str, str]:
    """Return the name of each region's subset. `numbers` are the regions' network indexes.

    It is the index modulo `SUBSETS`, or the next that is free, or one more than there are.
    """
    taken: dict[int, str] = {}
    for region in sorted(numbers, key=lambda name: (numbers[name], name)):
        near = ((numbers[region] + step) % SUBSETS for step in range(SUBSETS))
        taken[next((place for place in near if place not in taken), len(taken))] = region
    return {region: _name(place) for place, region in taken.items()}


def subsets(mesh_peers: MeshPeers | None, policy: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the subsets of a service: one that prefers each other region, and some that prefer none yet.

    `policy` is the traffic policy of a subset with a region, without the order of localities.
    All of them exist from the start, in every region: a subset that came together with its route would be missing for
    a moment, in the proxy that has the route already, or in a gateway of another region, which must know the subset's
    name because it is part of the TLS server name. Only with more than `SUBSETS` regions one comes with its region.
    A subset that selected only the region's endpoints would be empty when the region is down.
    """
    names = {} if mesh_peers is None else subset_names(mesh_peers.numbers)
    preferred = {names[region]: region for region in (mesh_peers.failover if mesh_peers else ())}
    return [
        {"name": name, **({"trafficPolicy": _preferring(preferred[name], policy)} if name in preferred else {})}
        for name in map(_name, range(max(SUBSETS, len(names))))
    ]


def _preferring(region: str, policy: Mapping[str, Any]) -> dict[str, Any]:
    first = {"enabled": True, "failoverPriority": [f"{CLUSTER_LABEL}={region}"]}
    return {**policy, "loadBalancer": {**policy["loadBalancer"], "localityLbSetting": first}}


def _name(place: int) -> str:
    return f"region-{place}"
