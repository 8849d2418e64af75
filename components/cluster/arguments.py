"""Arguments that the managed clusters of all clouds have in common, checked where they are made. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from ipaddress import AddressValueError, IPv4Network, NetmaskValueError
from itertools import combinations
from typing import Final

import pulumi

LOG_RETENTION_DAYS: Final = 90
"""How long logs of clusters, networks and databases are kept where that can be said."""

FLOW_LOG_MINUTES: Final = 10
"""What one entry of a flow log sums up: the most that every cloud can, because entries are what costs."""


@dataclass(frozen=True, kw_only=True)
class AddressRanges:
    """IPv4 ranges of a region, in CIDR notation. None overlaps another; a cloud leaves alone what it does not need."""

    nodes: str
    pods: str
    services: str
    control_plane: str
    public: str
    """Subnets of public load balancers and NAT, where a cloud wants them apart."""
    managed: str
    """Managed databases and caches."""

    def __post_init__(self) -> None:
        networks = {one.name: ipv4_network(one.name, getattr(self, one.name)) for one in fields(self)}
        for (name, network), (other_name, other) in combinations(networks.items(), 2):
            if network.overlaps(other):
                raise ValueError(
                    f"{name}: {network} overlaps {other_name} ({other}); give each range its own addresses"
                )


@dataclass(frozen=True, kw_only=True)
class NodePool:
    """The region's machines: their type as the cloud calls it, and how many there are at least and at most.

    The numbers are those of the whole region; they are spread over its zones.
    """

    machine_type: str
    min: int
    max: int

    def __post_init__(self) -> None:
        if not self.machine_type:
            raise ValueError("machine_type: expected the name of a machine type, got ''")
        if not 1 <= self.min <= self.max:
            raise ValueError(f"min: {self.min} is not between 1 and max ({self.max}); lower min or raise max")


@dataclass(frozen=True, kw_only=True)
class NetworkArgs:
    """`region` is the platform's name of the region, `location` the cloud's. `labels` are added to the common ones.

    `flow_logs` records who spoke to whom.
    """

    region: str
    location: str
    addresses: AddressRanges
    flow_logs: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ManagedClusterArgs:
    """What a managed cluster of any cloud is told.

    `authorized_networks` (CIDR) may reach the Kubernetes API over the internet. Without any, the API has a private
    address only: then Pulumi must run inside the region's network. Nodes always use the private way.
    `deletion_protection` keeps Pulumi and others from deleting the cluster; take it off first, in a run of its own.
    """

    nodes: NodePool
    authorized_networks: Sequence[pulumi.Input[str]]
    deletion_protection: bool

    def __post_init__(self) -> None:
        for network in self.authorized_networks:
            if isinstance(network, str):
                ipv4_network("authorized_networks", network)


def ipv4_network(name: str, value: str) -> IPv4Network:
    """`value` as a network; ValueError names the field `name` when it is none."""
    try:
        return IPv4Network(value)
    except (AddressValueError, NetmaskValueError, ValueError) as error:
        raise ValueError(f"{name}: {value!r} is not an IPv4 range ({error}); write e.g. 203.0.113.0/24") from error


def halves(block: str) -> tuple[IPv4Network, IPv4Network]:
    """Both halves of an IPv4 range, the lower one first."""
    first, second = ipv4_network("block", block).subnets(prefixlen_diff=1)
    return first, second


def common_labels(args: NetworkArgs) -> dict[str, str]:
    """Labels (tags) of everything a region has in its cloud: in letters that all three clouds take."""
    return {"part-of": "sacred-council", "managed-by": "pulumi", "region": args.region, **args.labels}
