"""Arguments that the edges of all CDNs have in common, checked where they are made. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pulumi

Waf = Literal["block", "observe"]


@dataclass(frozen=True, kw_only=True)
class Origin:
    """A region's public gateway: IPv4 `addresses`, or else a `host_name`; where it is, in degrees.

    Users are sent there unless it is not `open`; names and certificate it has in any case.
    """

    region: str
    latitude: float
    longitude: float
    addresses: Sequence[pulumi.Input[str]] = ()
    host_name: pulumi.Input[str] | None = None
    open: bool = True

    def __post_init__(self) -> None:
        if bool(self.addresses) == (self.host_name is not None):
            raise ValueError(f"addresses of origin {self.region}: expected addresses or a host_name, and not both")


@dataclass(frozen=True, kw_only=True)
class EdgePolicy:
    """What the edge does with requests.

    `rate_limit` is how many requests a client address may send in a minute. `waf` is whether the managed rules and
    that limit `block` or only `observe`. `cached_paths` are the beginnings of paths (`/a/`) whose answers are kept.
    """

    rate_limit: int
    waf: Waf
    cached_paths: Sequence[str]

    def __post_init__(self) -> None:
        if self.rate_limit < 1:
            raise ValueError(f"rate_limit: expected one request a minute or more, got {self.rate_limit}")
        wrong = [path for path in self.cached_paths if not (path.startswith("/") and path.endswith("/"))]
        if wrong:
            raise ValueError(f"cached_paths: {wrong[0]!r} does not begin and end with a slash")


@dataclass(frozen=True, kw_only=True)
class EdgeArgs:
    """`domain` is what users see, `origins` the regions, in any order.

    `languages` are the BCP 47 tags that regions serve: the edge makes one of them of a browser's preferences.
    `token` proves to the regions that a request came through the edge. `zone` is a DNS zone that exists (None: one is
    made; the domain's registrar must then be told its name servers).
    """

    domain: str
    origins: Sequence[Origin]
    policy: EdgePolicy
    languages: Sequence[str]
    token: pulumi.Input[str]
    zone: str | None = None

    def __post_init__(self) -> None:
        if not self.origins:
            raise ValueError("origins: expected at least one region, got none")
        names = [origin.region for origin in self.origins]
        if len(set(names)) < len(names):
            raise ValueError(f"origins: expected each region once, got {', '.join(names)}")
        if not any(origin.open for origin in self.origins):
            raise ValueError(f"origins: expected one or more that are open, and {', '.join(names)} are not")

    def sorted_origins(self) -> list[Origin]:
        """The origins by name, so that the order of a list changes nothing."""
        return sorted(self.origins, key=lambda origin: origin.region)

    @property
    def url(self) -> str:
        """Where users go."""
        return f"https://{self.domain}"
