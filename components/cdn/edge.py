"""What every edge offers, whatever CDN it is."""

from collections.abc import Sequence
from typing import Protocol

import pulumi


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
