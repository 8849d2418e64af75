"""An edge: what it is told, whatever CDN it is, what it offers, and what a region must know of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import pulumi

from components.cdn.keys import EdgeKeys
from components.cluster import PublicAddress

Waf = Literal["block", "observe"]


@dataclass(frozen=True, kw_only=True)
class Origin:
    """A region's public gateway, found by addresses or else by a host name."""

    region: str
    latitude: float
    """Degrees."""
    longitude: float
    """Degrees."""
    addresses: Sequence[pulumi.Input[str]] = ()
    """IPv4."""
    host_name: pulumi.Input[str] | None = None
    open: bool = True
    """Whether users are sent there. Names and certificate it has in any case."""

    def __post_init__(self) -> None:
        if bool(self.addresses) == (self.host_name is not None):
            raise ValueError(f"addresses of origin {self.region}: expected addresses or a host_name, and not both")


@dataclass(frozen=True, kw_only=True)
class EdgePolicy:
    """What the edge does with requests."""

    rate_limit: int
    """How many requests a client address may send in a minute."""
    waf: Waf
    """Whether the managed rules and that limit block or only observe."""
    cached_paths: Sequence[str]
    """The beginnings of paths (`/a/`) whose answers are kept."""


@dataclass(frozen=True, kw_only=True)
class EdgeArgs:
    """What every edge is told."""

    domain: str
    """What users see."""
    origins: Sequence[Origin]
    """The regions, in any order; one of them is open."""
    policy: EdgePolicy
    languages: Sequence[str]
    """The BCP 47 tags that regions serve: the edge makes one of them of a browser's preferences."""
    token: pulumi.Input[str]
    """Proves to the regions that a request came through the edge."""
    zone: str | None = None
    """A DNS zone that exists: its name (Google Cloud), its id (AWS), or `group/name` (Azure).

    None: one is made, and the domain's registrar must then be told its name servers.
    """

    def sorted_origins(self) -> list[Origin]:
        """The origins by name, so that the order of a list changes nothing."""
        return sorted(self.origins, key=lambda origin: origin.region)

    @property
    def url(self) -> str:
        """Where users go."""
        return f"https://{self.domain}"


class Edge(Protocol):
    """A CDN with its firewall, its certificate and its DNS."""

    @property
    def url(self) -> str:
        """Where users go."""

    @property
    def hostname(self) -> pulumi.Output[str]:
        """What the domain points to: the CDN's own host name, or its address."""

    @property
    def name_servers(self) -> pulumi.Output[Sequence[str]]:
        """What the domain must be delegated to. Empty where the zone was there already."""


@dataclass(frozen=True, kw_only=True)
class RegionEdge:
    """What a region must know of the edge in front of it."""

    domain: str
    """What users see."""
    hosts: Sequence[str]
    """By these the CDN asks the region's gateway."""
    keys: EdgeKeys
    address: PublicAddress | None
    """Reserved for the gateway. None: its address is the user's to give."""
