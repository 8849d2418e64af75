"""An edge: the arguments and outputs that all CDNs share, and the data that regions need about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import pulumi

from components.cdn.keys import EdgeKeys
from components.cluster import PublicAddress

Waf = Literal["block", "observe"]


@dataclass(frozen=True, kw_only=True)
class Origin:
    """A region's public gateway, reached by addresses or by a host name."""

    region: str
    latitude: float
    """Degrees."""
    longitude: float
    """Degrees."""
    addresses: Sequence[pulumi.Input[str]] = ()
    """IPv4 addresses."""
    host_name: pulumi.Input[str] | None = None
    open: bool = True
    """Whether the edge sends users there. A closed origin still has its names and certificate."""

    def __post_init__(self) -> None:
        if bool(self.addresses) == (self.host_name is not None):
            raise ValueError(f"addresses of origin {self.region}: expected addresses or a host_name, and not both")


@dataclass(frozen=True, kw_only=True)
class ServerHost:
    """A server of a region that users reach without the CDN, by an address of its own."""

    region: str
    label: str
    """First label of its host."""
    addresses: Sequence[pulumi.Input[str]]
    """IPv4 addresses."""


@dataclass(frozen=True, kw_only=True)
class EdgePolicy:
    """How the edge treats requests."""

    rate_limit: int
    """Requests per client address and minute."""
    waf: Waf
    """Whether the managed rules and the rate limit block or only observe."""
    cached_paths: Sequence[str]
    """Path prefixes (`/a/`) whose answers are cached."""


@dataclass(frozen=True, kw_only=True)
class EdgeArgs:
    """Arguments of every edge."""

    domain: str
    """The domain for users."""
    origins: Sequence[Origin]
    """The regions, in any order. At least one is open."""
    policy: EdgePolicy
    languages: Sequence[str]
    """BCP 47 tags that regions serve. The edge reduces a browser's preferences to one of them."""
    token: pulumi.Input[str]
    """Proves to the regions that a request came through the edge."""
    servers: Sequence[ServerHost] = ()
    """The servers that DNS names besides the origins, in any order."""
    zone: str | None = None
    """An existing DNS zone: its name (Google Cloud), its ID (AWS), or `group/name` (Azure).

    None: the edge creates one, and the user enters its name servers at the domain's registrar.
    """

    def sorted_origins(self) -> list[Origin]:
        """Return the origins sorted by region, so that their order in the list has no effect."""
        return sorted(self.origins, key=lambda origin: origin.region)

    def sorted_servers(self) -> list[ServerHost]:
        """Return the servers sorted by region and label."""
        return sorted(self.servers, key=lambda server: (server.region, server.label))

    @property
    def url(self) -> str:
        """The users' URL."""
        return f"https://{self.domain}"


class Edge(Protocol):
    """A CDN with its firewall, its certificate and its DNS."""

    @property
    def url(self) -> str:
        """The users' URL."""

    @property
    def hostname(self) -> pulumi.Output[str]:
        """The domain's target: the CDN's own host name, or its address."""

    @property
    def name_servers(self) -> pulumi.Output[Sequence[str]]:
        """The name servers to delegate the domain to. Empty for an existing zone."""


@dataclass(frozen=True, kw_only=True)
class RegionEdge:
    """The edge, as a region needs to know it."""

    hosts: Sequence[str]
    """The hosts by which the CDN asks the region's gateway."""
    keys: EdgeKeys
    address: PublicAddress | None
    """The gateway's reserved address. None: the user provides one."""
