"""Rules about the limits of a region's cloud: nodes, addresses, callers and versions. Pure."""

import math
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv4Network
from typing import Final, assert_never

from components.addresses import PRIVATE_RANGES
from components.cluster.settings import (
    AKS_NODES,
    AKS_POOLS,
    CHOOSES_VERSIONS,
    CLOUD_NAMES,
    EKS_NETWORKS,
    EKS_ZONES,
    GKE_NODES,
    GKE_SURGE,
    GKE_ZONES,
    AwsRegion,
    AzureRegion,
    ExistingRegion,
    GcpRegion,
    RegionSettings,
    aks_system_nodes,
    eks_zone_nodes,
)
from components.settings.values import SLOT_LIMIT
from stacks import geography
from stacks.settings.errors import Mistake, shown
from stacks.settings.models import Settings
from stacks.settings.rules.paths import each_region, regions_by_path

_INTERNAL: Final = (
    *PRIVATE_RANGES,
    *map(IPv4Network, ("127.0.0.0/8", "169.254.0.0/16", "198.18.0.0/15", "224.0.0.0/3")),
)
_EXAMPLES: Final = tuple(map(IPv4Network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")))


_NEVER_CALLERS: Final[Mapping[str, Sequence[IPv4Network]]] = {
    "aws": (*_INTERNAL, *_EXAMPLES),
    "gcp": (),
    "azure": _INTERNAL,
}
"""Ranges outside the public internet that a cloud rejects as callers of a Kubernetes API, by cloud.

AWS: `The following CIDRs are not allowed in publicAccessCidrs`. Azure accepts only public ranges
(https://learn.microsoft.com/azure/aks/api-server-authorized-ip-ranges). Google Cloud accepts them, for callers inside
the network.
"""

_CALLERS: Final = ("mesh.enabled", "gitops.enabled", "gitops.hub", "database.primaryRegion")
"""Settings that `_calls_others` reads, besides names."""


def _calls_others(settings: Settings, name: str) -> bool:
    """Whether a region's pods call the Kubernetes APIs of the others: with a mesh every region, else Argo CD's hub."""
    return settings.mesh.enabled or name == settings.gitops_hub


def zone_count(region: AwsRegion | AzureRegion) -> int:
    """Number of zones of a region."""
    return EKS_ZONES if region.zones is None else len(region.zones)


def egress_address_count(region: RegionSettings) -> int:
    """Number of public addresses that the region's pods connect from."""
    match region:
        case ExistingRegion():
            return len(region.egress_addresses)
        case GcpRegion():
            return 1
        case AwsRegion() | AzureRegion():
            return zone_count(region)
        case _:
            assert_never(region)


def gpu_zone_count(region: AwsRegion | AzureRegion) -> int:
    """Number of zones with machines that have GPUs."""
    if region.nodes.gpu is None:
        return 0
    return zone_count(region) if region.nodes.gpu.zones is None else len(region.nodes.gpu.zones)


def most_nodes(region: GcpRegion | AwsRegion | AzureRegion) -> int:
    """The most nodes that the region's pod addresses allow besides its machines with GPUs."""
    gpus = region.nodes.gpu.max if region.nodes.gpu is not None else 0
    match region:
        case GcpRegion():
            return GKE_NODES - gpus - (GKE_SURGE if gpus else 0)
        case AwsRegion():
            most = eks_zone_nodes(region.nodes.type)
            if region.nodes.gpu is None:
                return most * zone_count(region)
            # The zone with the most of them decides, because the others are spread evenly, too.
            in_a_zone = math.ceil(gpus / gpu_zone_count(region))
            taken = math.ceil(in_a_zone * most / eks_zone_nodes(region.nodes.gpu.type))
            return max(most - taken, 0) * zone_count(region)
        case AzureRegion():
            # AKS may double its own pools. Each pool with GPUs needs one more node while it is updated, too.
            _, system = aks_system_nodes(zone_count(region))
            return AKS_NODES - zone_count(region) * (system + AKS_POOLS) - gpus - gpu_zone_count(region)
        case _:
            assert_never(region)


def zones_have_nodes(settings: Settings) -> Iterator[Mistake]:
    """Each zone has at least one node. On Google Cloud a region has three zones from its first node on."""
    for path, region in regions_by_path(settings):
        if isinstance(region, ExistingRegion):
            continue
        zones = GKE_ZONES if isinstance(region, GcpRegion) else zone_count(region)
        if region.nodes.max < zones:
            yield Mistake(
                path=f"{path}.nodes.max",
                value=shown(region.nodes.max),
                rule=f"is too small for {zones} zones: each zone needs a node",
                remedy=f"write {zones} or more" + ("" if isinstance(region, GcpRegion) else ", or name fewer zones"),
                reads=(f"{path}.zones",),
            )


def zones_with_gpus_are_zones_of_the_region(settings: Settings) -> Iterator[Mistake]:
    """Machines with GPUs are in zones that the region has, and each of these zones has at least one."""
    for path, region in regions_by_path(settings):
        if not isinstance(region, AwsRegion | AzureRegion) or region.nodes.gpu is None:
            continue
        named = region.zones or ()
        strange = [zone for zone in region.nodes.gpu.zones or () if zone not in named]
        if strange:
            yield Mistake(
                path=f"{path}.nodes.gpu.zones",
                value=shown(region.nodes.gpu.zones),
                rule=f"names zones that the region does not name: {', '.join(strange)}",
                remedy=f"choose from {', '.join(named)}" if named else "name the zones of the region as well: zones",
                reads=(f"{path}.zones",),
            )
        elif region.nodes.gpu.max < gpu_zone_count(region):
            yield Mistake(
                path=f"{path}.nodes.gpu.max",
                value=shown(region.nodes.gpu.max),
                rule=f"is too small for {gpu_zone_count(region)} zones: each zone needs a machine",
                remedy=f"write {gpu_zone_count(region)} or more, or name fewer zones in nodes.gpu.zones",
                reads=(f"{path}.zones", f"{path}.nodes.gpu.zones"),
            )


def pods_have_addresses(settings: Settings) -> Iterator[Mistake]:
    """The region has enough pod addresses for its nodes."""
    for path, region in regions_by_path(settings):
        if isinstance(region, ExistingRegion) or region.nodes.max <= (limit := most_nodes(region)):
            continue
        yield Mistake(
            path=f"{path}.nodes.max",
            value=shown(region.nodes.max),
            rule=f"is more than the {limit} nodes that the region's pod addresses allow",
            remedy=f"write {limit} or less, and use a larger machine type or another region",
            reads=(f"{path}.zones", f"{path}.nodes.gpu"),
        )


def aws_takes_so_many_networks(settings: Settings) -> Iterator[Mistake]:
    """AWS limits the number of networks that may call a Kubernetes API."""
    for path, region in regions_by_path(settings):
        if not isinstance(region, AwsRegion):
            continue
        calling = [one for one in settings.regions if one is not region and _calls_others(settings, one.name)]
        others = sum(map(egress_address_count, calling))
        if len(region.api_access) + others > EKS_NETWORKS:
            yield Mistake(
                path=f"{path}.apiAccess",
                value=shown(region.api_access) if region.api_access else "",
                rule=f"together with the addresses of the other regions ({others}) exceeds the {EKS_NETWORKS} "
                "networks that AWS allows",
                remedy="name fewer networks, or fewer zones in the regions on AWS and Azure",
                reads=(*_CALLERS, *each_region(settings, "name"), *each_region(settings, "zones")),
            )


def callers_are_on_the_internet(settings: Settings) -> Iterator[Mistake]:
    """AWS and Azure reject callers from ranges that are not public."""
    for path, region in regions_by_path(settings):
        if isinstance(region, ExistingRegion):
            continue
        for place, network in enumerate(region.api_access):
            if _is_inside(network, _NEVER_CALLERS[region.cloud]):
                yield Mistake(
                    path=f"{path}.apiAccess[{place}]",
                    value=shown(network),
                    rule=f"is not a public range, as required by {CLOUD_NAMES[region.cloud]}",
                    remedy="write the public addresses that you and your pipelines connect from, or remove it",
                )


def calling_regions_are_on_the_internet(settings: Settings) -> Iterator[Mistake]:
    """AWS and Azure also reject such addresses of other regions, whose pods call the Kubernetes API."""
    clouds = {region.cloud for region in settings.regions}
    choosy = " and ".join(name for cloud, name in CLOUD_NAMES.items() if cloud in clouds and _NEVER_CALLERS[cloud])
    for path, region in regions_by_path(settings):
        if not isinstance(region, ExistingRegion) or not _calls_others(settings, region.name):
            continue
        for place, address in enumerate(region.egress_addresses):
            if choosy and _is_inside(address, _INTERNAL):
                yield Mistake(
                    path=f"{path}.egressAddresses[{place}]",
                    value=shown(address),
                    rule=f"is not a public address, as required by {choosy}",
                    remedy="write the public address that the cluster's pods connect from",
                    reads=(*_CALLERS, f"{path}.name"),
                )


def _is_inside(network: str, blocks: Sequence[IPv4Network]) -> bool:
    """Whether a network in CIDR notation, or an address, lies in one of the blocks."""
    return any(IPv4Network(network).subnet_of(block) for block in blocks)


def aws_has_no_slot_0(settings: Settings) -> Iterator[Mistake]:
    """AWS adds no range of 10.0.0.0/16 to a network that begins there."""
    for path, region in regions_by_path(settings):
        # https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html
        if region.cloud == "aws" and region.slot == 0:
            yield Mistake(
                path=f"{path}.slot",
                value=shown(0),
                rule="is not possible on AWS, which adds no range of 10.0.0.0/16 to a network that begins there",
                remedy=f"choose a slot from {geography.FIRST_FREE_SLOT} to {SLOT_LIMIT} that no other region has",
            )


def one_decides_about_versions(settings: Settings) -> Iterator[Mistake]:
    """If Azure raises the minor version itself, the settings name none."""
    for path, region in regions_by_path(settings):
        if not isinstance(region, AzureRegion) or region.kubernetes_version is None:
            continue
        if region.upgrade_channel in CHOOSES_VERSIONS:
            yield Mistake(
                path=f"{path}.kubernetesVersion",
                value=shown(region.kubernetes_version),
                rule=f"contradicts upgradeChannel {region.upgrade_channel}: Azure then raises the minor version itself",
                remedy="remove it, or write upgradeChannel: patch",
            )


RULES: Final = (
    zones_have_nodes,
    aws_takes_so_many_networks,
    zones_with_gpus_are_zones_of_the_region,
    pods_have_addresses,
    callers_are_on_the_internet,
    calling_regions_are_on_the_internet,
    aws_has_no_slot_0,
    one_decides_about_versions,
)
