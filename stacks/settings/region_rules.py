"""Rules between regions, and between a region and its cloud. They read plain values. Pure."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from components.cluster.settings import CLOUDS
from components.settings.values import SLOT_LIMIT
from components.settings.words import closest
from stacks import geography
from stacks.settings.errors import Mistake, path_of, shown
from stacks.settings.inheritance import Plain

EKS_NETWORKS: Final = 40
"""Networks that AWS lets through to the Kubernetes API of a cluster."""

EKS_ZONES: Final = 3
AKS_ZONES: Final = 3
"""Zones of a region on AWS or Azure that names none. Each has an address that its pods are seen with."""

_NEW_SLOT: Final = f"from {geography.FIRST_FREE_SLOT} to {SLOT_LIMIT}"

Regions = Mapping[int, Plain]


def broken_region_rules(
    regions: Regions, *, primary_named: bool, callers: Callable[[object], bool]
) -> Iterator[Mistake]:
    """All mistakes between the regions of `listed_regions`; what is malformed in itself is passed over.

    `primary_named`: the settings name a primary region, so that even a region alone is ready for others. `callers` says
    of a region's name whether its pods call the Kubernetes APIs of the others.
    """
    peering_enabled = primary_named or len(regions) > 1
    yield from _repeated(regions, "name", "is the name of {0} already", "give each region a name of its own")
    yield from _repeated(regions, "context", "is the cluster of {0} already", "give each region a cluster of its own")
    yield from _shared_slots(regions)
    if regions and all(region.get("traffic") is False for region in regions.values()):
        yield _no_traffic()
    for index, region in regions.items():
        if region.get("cloud") == "existing":
            if len(regions) > 1 and region.get("context") is None:
                yield _without_context(index)
            if peering_enabled and not region.get("egressAddresses"):
                yield _without_egress(index)
        if peering_enabled and region.get("serviceType") in ("NodePort", "ClusterIP"):
            yield _unreachable(index, region)
        yield from _place(index, region, alone=len(regions) == 1)
        if region.get("cloud") in ("aws", "azure"):
            yield from _nodes_of_zones(index, region)
        if region.get("cloud") == "aws":
            yield from _aws_networks(index, region, regions, callers)


def listed_regions(values: Plain) -> Regions:
    """The regions that are maps, by their place in the list."""
    regions = values.get("regions")
    listed = regions if isinstance(regions, list | tuple) else []
    return {index: region for index, region in enumerate(listed) if isinstance(region, Mapping)}


def _repeated(regions: Regions, key: str, rule: str, remedy: str) -> Iterator[Mistake]:
    first: dict[str, int] = {}
    for index, region in regions.items():
        value = region.get(key)
        if isinstance(value, str) and first.setdefault(value, index) != index:
            yield Mistake(
                path=path_of("regions", index, key),
                value=shown(value),
                rule=rule.format(f"regions[{first[value]}]"),
                remedy=remedy,
            )


def _no_traffic() -> Mistake:
    return Mistake(
        path=path_of("regions"),
        value="",
        rule="leave no region that users could be sent to: all have traffic: false",
        remedy="take traffic: false off at least one of them",
    )


def _shared_slots(regions: Regions) -> Iterator[Mistake]:
    first: dict[int, int] = {}
    for index, region in regions.items():
        slot = _slot(region)
        if slot is not None and first.setdefault(slot, index) != index:
            yield Mistake(
                path=path_of("regions", index, "slot"),
                value=shown(slot),
                rule=f"is the slot of regions[{first[slot]}] already, so that their addresses would overlap",
                remedy=f"choose a slot {_NEW_SLOT} that no other region has",
            )


def _slot(region: Plain) -> int | None:
    slot = region.get("slot")
    known = _known(region)
    if slot is None and known is not None:
        return known.slot
    return slot if isinstance(slot, int) and not isinstance(slot, bool) else None


def _known(region: Plain) -> geography.CloudRegion | None:
    name = region.get("name")
    return geography.lookup(name) if isinstance(name, str) else None


def _without_context(index: int) -> Mistake:
    return Mistake(
        path=path_of("regions", index, "context"),
        value="",
        rule="is missing: with several regions each names its cluster",
        remedy="add a kubeconfig context; `kubectl config get-contexts` lists them",
    )


def _without_egress(index: int) -> Mistake:
    return Mistake(
        path=path_of("regions", index, "egressAddresses"),
        value="",
        rule="is missing: other regions let in nobody but the addresses that they know",
        remedy=(
            "name the IPv4 addresses that the cluster's pods are seen with from outside, those of its NAT or nodes "
            "(public ones, if another region is on a cloud)"
        ),
    )


def _unreachable(index: int, region: Plain) -> Mistake:
    return Mistake(
        path=path_of("regions", index, "serviceType"),
        value=shown(region["serviceType"]),
        rule="is out of reach for the other regions, whose databases and messaging must connect to this one's",
        remedy="write LoadBalancer; on kind and minikube something must give load balancers addresses",
    )


def _place(index: int, region: Plain, *, alone: bool) -> Iterator[Mistake]:
    cloud, known = region.get("cloud"), _known(region)
    managed = cloud in CLOUDS and cloud != "existing"
    if known is None and isinstance(region.get("name"), str) and (managed or not alone):
        yield from _unplaced(index, region)
    if known is not None and managed and cloud != known.cloud:
        yield Mistake(
            path=path_of("regions", index, "cloud"),
            value=shown(cloud),
            rule=f"has no region {known.name}, which is one of {known.cloud}",
            remedy=f"write {known.cloud}, or a name such as {_nearest(known, str(cloud))}",
        )


def _nearest(known: geography.CloudRegion, cloud: str) -> str:
    others = [other for other in geography.CATALOGUE if other.cloud == cloud]
    return min(others, key=lambda other: (geography.distance_km(known.place, other.place), other.name)).name


def _unplaced(index: int, region: Plain) -> Iterator[Mistake]:
    candidates = [known.name for known in geography.CATALOGUE if region.get("cloud") in ("existing", known.cloud)]
    meant = closest(str(region["name"]), candidates)
    hint = f"did you mean the name {meant}? Else " if meant else ""
    unknown = f"is missing: the catalogue does not know {shown(region['name'])}"
    if region.get("geography") is None:
        yield Mistake(
            path=path_of("regions", index, "geography"),
            value="",
            rule=unknown,
            remedy=f"{hint}add latitude, longitude, timeZone and languages below it",
        )
    if region.get("slot") is None:
        # AWS refuses slot 0: see `cloud_rules`.
        before = "" if region.get("cloud") == "aws" else " (0 if this region was the stack's only one before)"
        yield Mistake(
            path=path_of("regions", index, "slot"),
            value="",
            rule=unknown,
            remedy=f"{hint}add one {_NEW_SLOT} and never change it{before}",
        )


def _nodes_of_zones(index: int, region: Plain) -> Iterator[Mistake]:
    nodes = region.get("nodes")
    zones = aws_zones(region) if region.get("cloud") == "aws" else azure_zones(region)
    most = nodes.get("max") if isinstance(nodes, Mapping) else None
    if isinstance(most, int) and 1 <= most < zones:
        yield Mistake(
            path=path_of("regions", index, "nodes", "max"),
            value=shown(most),
            rule=f"is not enough for {zones} zones, which have nodes of their own",
            remedy=f"write {zones} or more, or name fewer zones",
        )


def _aws_networks(index: int, region: Plain, regions: Regions, callers: Callable[[object], bool]) -> Iterator[Mistake]:
    given = region.get("apiAccess")
    own = len(given) if isinstance(given, list | tuple) else 0
    calling = [other for place, other in regions.items() if place != index and callers(other.get("name"))]
    others = sum(_addresses(other) for other in calling)
    if own + others > EKS_NETWORKS:
        yield Mistake(
            path=path_of("regions", index, "apiAccess"),
            value=shown(given) if own else "",
            rule=f"and the addresses of the other regions ({others}) are more than the {EKS_NETWORKS} that AWS takes",
            remedy="name fewer networks, or fewer zones in the regions on AWS and Azure",
        )


def _addresses(region: Plain) -> int:
    given = region.get("egressAddresses")
    own = len(given) if isinstance(given, list | tuple) else 0
    known = {"aws": aws_zones(region), "gcp": 1, "azure": azure_zones(region), "existing": own}
    return known.get(str(region.get("cloud")), 0)


def aws_zones(region: Plain) -> int:
    """How many zones a region on AWS has; the usual number where they are malformed."""
    zones = region.get("zones")
    return len(zones) if isinstance(zones, list | tuple) else EKS_ZONES


def azure_zones(region: Plain) -> int:
    """How many zones a region on Azure has; the usual number where they are malformed."""
    zones = region.get("zones")
    return len(zones) if isinstance(zones, list | tuple) and zones else AKS_ZONES
