"""Rules about what a cloud can do with a region. They read plain values. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from ipaddress import AddressValueError, IPv4Network, NetmaskValueError
from typing import Final

from components.settings.values import SLOT_LIMIT
from stacks import geography
from stacks.settings.errors import Mistake, path_of, shown
from stacks.settings.inheritance import Plain
from stacks.settings.region_rules import Regions, aws_zones, azure_zones

NODES: Final = 63
"""Most nodes of a region on Google Cloud: its pods' /18 has a /24 for each of 64, one of them for updates."""

EKS_ZONE_NODES: Final = 30
"""Most nodes of a zone on AWS, whose pods have a /20: 32 nodes of eight /28 each, two of them for updates.

A node of 110 pods has seven /28, and one more for the addresses of its interfaces and for pods to come.
"""

AKS_NODES: Final = 64
"""Nodes of a region on Azure altogether, as its pods' /18 has a /24 for each."""

AKS_SYSTEM_NODES: Final = 2
"""Least nodes of a region on Azure for AKS's own pods; their pools may double, as `components/cluster/aks` has them."""

AKS_POOLS: Final = 2
"""Node pools of a zone on Azure. Each needs a node more while it is updated."""

CHOOSES_VERSIONS: Final = ("stable", "rapid")
"""Upgrade channels of AKS that raise the minor version, as `components/cluster/aks` has them."""


_INTERNAL: Final = tuple(
    IPv4Network(block)
    for block in (
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "224.0.0.0/3",
    )
)
_EXAMPLES: Final = tuple(map(IPv4Network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")))

_NEVER_CALLERS: Final[Mapping[str, Sequence[IPv4Network]]] = {"aws": (*_INTERNAL, *_EXAMPLES), "azure": _INTERNAL}
"""Ranges that nobody has on the internet, where the cloud refuses them.

AWS: `The following CIDRs are not allowed in publicAccessCidrs`. Azure takes public ones only
(https://learn.microsoft.com/azure/aks/api-server-authorized-ip-ranges). Google Cloud takes them: they are for callers
inside the network.
"""
_CALLED: Final = {"aws": "AWS", "azure": "Azure"}


def broken_cloud_rules(regions: Regions, *, callers: Callable[[object], bool]) -> Iterator[Mistake]:
    """All mistakes of the regions of `listed_regions`; what is malformed in itself is passed over.

    `callers` says of a region's name whether its pods call the Kubernetes APIs of the others.
    """
    clouds = {str(region.get("cloud")) for region in regions.values()}
    choosy = " and ".join(_CALLED[cloud] for cloud in sorted(clouds & _CALLED.keys()))
    for index, region in regions.items():
        yield from _nodes(index, region)
        yield from _api_access(index, region)
        if choosy and callers(region.get("name")):
            yield from _egress(index, region, choosy)
        match region.get("cloud"):
            case "aws":
                yield from _slot(index, region)
            case "azure":
                yield from _version(index, region)


def most_nodes(region: Plain) -> int | None:
    """How many nodes the region's pod addresses are enough for; None where the cluster brings its own."""
    match region.get("cloud"):
        case "gcp":
            return NODES
        case "aws":
            return EKS_ZONE_NODES * aws_zones(region)
        case "azure":
            return _most_azure_nodes(azure_zones(region))
        case _:
            return None


def _most_azure_nodes(zones: int) -> int:
    system = 2 * -(-AKS_SYSTEM_NODES // zones)
    return AKS_NODES - zones * (system + AKS_POOLS)


def _nodes(index: int, region: Plain) -> Iterator[Mistake]:
    nodes, limit = region.get("nodes"), most_nodes(region)
    most = nodes.get("max") if isinstance(nodes, Mapping) else None
    if type(most) is int and limit is not None and most > limit:
        yield Mistake(
            path=path_of("regions", index, "nodes", "max"),
            value=shown(most),
            rule=f"is more than the {limit} nodes that the addresses of the region's pods are enough for",
            remedy=f"write {limit} or less, and a larger type of machine or another region for the rest",
        )


def _api_access(index: int, region: Plain) -> Iterator[Mistake]:
    cloud, given = str(region.get("cloud")), region.get("apiAccess")
    for place, network in enumerate(given if isinstance(given, list | tuple) else ()):
        if _is_inside(network, _NEVER_CALLERS.get(cloud, ())):
            yield Mistake(
                path=path_of("regions", index, "apiAccess", place),
                value=shown(network),
                rule=f"is a range that nobody has on the internet, and that {_CALLED[cloud]} refuses",
                remedy="write the public addresses that you and your pipelines are seen with, or leave it out",
            )


def _egress(index: int, region: Plain, choosy: str) -> Iterator[Mistake]:
    given = region.get("egressAddresses")
    for place, address in enumerate(given if isinstance(given, list | tuple) else ()):
        if _is_inside(address, _INTERNAL):
            yield Mistake(
                path=path_of("regions", index, "egressAddresses", place),
                value=shown(address),
                rule=f"is an address that nobody has on the internet, and that {choosy} refuses among callers",
                remedy="write the public address that the cluster's pods are seen with from there",
            )


def _is_inside(network: object, blocks: Sequence[IPv4Network]) -> bool:
    """Whether a network in CIDR notation lies in one of the blocks. What is no network does not."""
    try:
        found = IPv4Network(str(network))
    except (AddressValueError, NetmaskValueError, ValueError):
        return False
    return any(found.subnet_of(block) for block in blocks)


def _slot(index: int, region: Plain) -> Iterator[Mistake]:
    # https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html
    if region.get("slot") == 0 and type(region.get("slot")) is int:
        yield Mistake(
            path=path_of("regions", index, "slot"),
            value=shown(0),
            rule="is not possible on AWS, which adds no range of 10.0.0.0/16 to a network that begins there",
            remedy=f"choose a slot from {geography.FIRST_FREE_SLOT} to {SLOT_LIMIT} that no other region has",
        )


def _version(index: int, region: Plain) -> Iterator[Mistake]:
    channel, version = region.get("upgradeChannel"), region.get("kubernetesVersion")
    if channel in CHOOSES_VERSIONS and version is not None:
        yield Mistake(
            path=path_of("regions", index, "kubernetesVersion"),
            value=shown(version),
            rule=f"contradicts upgradeChannel, which is {channel}: then Azure raises the minor version by itself",
            remedy="leave it out, or write upgradeChannel: patch",
        )
