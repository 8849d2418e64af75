"""Rules about what a cloud can do with a region. They read plain values. Pure."""

from collections.abc import Iterator, Mapping
from typing import Final

from stacks import geography
from stacks.settings.errors import Mistake, path_of, shown
from stacks.settings.inheritance import Plain
from stacks.settings.region_rules import Regions, aws_zones, azure_zones
from stacks.settings.values import SLOT_LIMIT

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


def broken_cloud_rules(regions: Regions) -> Iterator[Mistake]:
    """All mistakes of the regions of `listed_regions`; what is malformed in itself is passed over."""
    for index, region in regions.items():
        yield from _nodes(index, region)
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
