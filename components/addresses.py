"""The IPv4 ranges of a region. Pure: `stacks.topology` assigns them, networks and clusters use them."""

from dataclasses import dataclass, fields
from ipaddress import IPv4Network
from itertools import combinations
from typing import Final

SLOTS: Final = 256
"""Address slots: as many as there are /16 networks in 10.0.0.0/8 and /18 networks in 100.64.0.0/10."""

PRIVATE_RANGES: Final = tuple(
    IPv4Network(block) for block in ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16")
)
"""Private and shared address space (RFC 1918, RFC 6598)."""


@dataclass(frozen=True, kw_only=True)
class AddressRanges:
    """The address ranges of one region. They do not overlap. A cloud uses only the ranges that it needs."""

    nodes: IPv4Network
    services: IPv4Network
    managed: IPv4Network
    """Managed databases and caches."""
    public: IPv4Network
    """Subnets of public load balancers and NAT, on clouds that separate them."""
    control_plane: IPv4Network
    pods: IPv4Network

    def __post_init__(self) -> None:
        ranges = [(one.name, getattr(self, one.name)) for one in fields(self)]
        for (name, network), (other_name, other) in combinations(ranges, 2):
            if network.overlaps(other):
                raise ValueError(
                    f"{name}: {network} overlaps {other_name} ({other}); give each range its own addresses"
                )


def halves(block: IPv4Network) -> tuple[IPv4Network, IPv4Network]:
    """Split a range into its lower and its upper half."""
    first, second = block.subnets(prefixlen_diff=1)
    return first, second
