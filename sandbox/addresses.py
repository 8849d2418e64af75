"""The address plan of the regions' networks. Pure functions.

| Range | Use |
|---|---|
| 10.96.0.0/21 | service addresses, the same in every region (`manifests.SERVICE_CIDR`) |
| 10.128.0.0 and the following 64 ranges of 65,536 addresses | pods, a range for each slot |
| 10.255.0.0/16 | routers and nodes, 256 addresses for each slot |
| 198.18.0.0/15 | load balancers, 2,048 addresses for each slot |
| 198.51.100.0/24 | the addresses that others see of what leaves a region |
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

PODS = IPv4Network("10.128.0.0/9")
LOAD_BALANCERS = IPv4Network("198.18.0.0/15")
_INFRASTRUCTURE = IPv4Network("10.255.0.0/16")
_EGRESS = IPv4Network("198.51.100.0/24")
_POD_PREFIX, _NODE_PREFIX, _LOAD_BALANCER_PREFIX = 16, 18, 21
_FIRST_NODE, _FIRST_EGRESS = 10, 10


@dataclass(frozen=True)
class RegionAddresses:
    """The addresses of the region with this slot, 0 to 63."""

    slot: int

    @property
    def pods(self) -> IPv4Network:
        """All pods of the region."""
        return _part(PODS, _POD_PREFIX, self.slot)

    def pods_of(self, zone: int) -> IPv4Network:
        """The pods of the node with this index, 0 to 2."""
        return _part(self.pods, _NODE_PREFIX, zone)

    @property
    def router(self) -> str:
        """The region's router. What the machine offers to the region is here."""
        return str(self._infrastructure + 1)

    def node(self, zone: int) -> str:
        """The node with this index."""
        return str(self._infrastructure + _FIRST_NODE + zone)

    @property
    def load_balancers(self) -> IPv4Network:
        """The addresses that the region's Services of type LoadBalancer get."""
        return _part(LOAD_BALANCERS, _LOAD_BALANCER_PREFIX, self.slot)

    @property
    def egress(self) -> str:
        """The source address of what leaves the region, unless the region has its own."""
        return str(_EGRESS.network_address + _FIRST_EGRESS + self.slot)

    @property
    def _infrastructure(self) -> IPv4Address:
        return _part(_INFRASTRUCTURE, 24, self.slot).network_address


def _part(network: IPv4Network, prefix: int, index: int) -> IPv4Network:
    """The part of `network` with this prefix length and index."""
    first = int(network.network_address) + index * 2 ** (32 - prefix)
    return IPv4Network((first, prefix))
