"""Rules between regions: names, clusters, address slots, places and reachability. Pure."""

from collections.abc import Iterator
from typing import Final

from components.cluster.settings import ExistingRegion, RegionSettings
from components.settings.values import SLOT_LIMIT
from components.settings.words import closest
from stacks import geography
from stacks.settings.errors import Mistake, shown
from stacks.settings.models import Settings
from stacks.settings.rules import lists
from stacks.settings.rules.paths import contexts_by_path, each_region, regions_by_path

_NEW_SLOT: Final = f"from {geography.FIRST_FREE_SLOT} to {SLOT_LIMIT}"


def names_differ(settings: Settings) -> Iterator[Mistake]:
    """Region names are unique."""
    return lists.names_differ(regions_by_path(settings), remedy="give each region its own name")


def clusters_differ(settings: Settings) -> Iterator[Mistake]:
    """Each region has its own cluster."""
    return lists.clusters_differ(contexts_by_path(settings), remedy="give each region its own cluster")


def slots_differ(settings: Settings) -> Iterator[Mistake]:
    """No two regions share an address range."""
    first: dict[int, tuple[str, RegionSettings]] = {}
    for path, region in regions_by_path(settings):
        slot = _slot(region)
        other, owner = first.setdefault(slot, (path, region)) if slot is not None else (path, region)
        if other != path:
            yield Mistake(
                path=f"{path}.slot",
                value=shown(slot),
                rule=f"is already the slot of {other}, so their addresses would overlap",
                remedy=f"choose a slot {_NEW_SLOT} that no other region has",
                reads=(*_slot_reads(path, region), *_slot_reads(other, owner)),
            )


def _slot(region: RegionSettings) -> int | None:
    known = geography.lookup(region.name)
    return known.slot if region.slot is None and known is not None else region.slot


def _slot_reads(path: str, region: RegionSettings) -> tuple[str, ...]:
    return (f"{path}.slot",) if region.slot is not None else (f"{path}.slot", f"{path}.name")


def some_region_has_traffic(settings: Settings) -> Iterator[Mistake]:
    """At least one region receives users."""
    if not any(region.traffic for region in settings.regions):
        yield Mistake(
            path="regions",
            rule="none of them receives users, because all have traffic: false",
            remedy="remove traffic: false from at least one of them",
        )


def several_regions_name_their_clusters(settings: Settings) -> Iterator[Mistake]:
    """With several regions, each existing cluster is named by its kubeconfig context."""
    for path, region in regions_by_path(settings):
        if isinstance(region, ExistingRegion) and region.context is None and len(settings.regions) > 1:
            yield Mistake(
                path=f"{path}.context",
                rule="is missing: with several regions, each names its cluster",
                remedy="add a kubeconfig context; `kubectl config get-contexts` lists them",
                reads=(f"{path}.cloud", *each_region(settings)),
            )


def peers_know_egress_addresses(settings: Settings) -> Iterator[Mistake]:
    """Other regions need the addresses of an existing cluster's pods."""
    for path, region in regions_by_path(settings):
        if settings.peering_enabled and isinstance(region, ExistingRegion) and not region.egress_addresses:
            yield Mistake(
                path=f"{path}.egressAddresses",
                rule="is missing: other regions accept connections from known addresses only",
                remedy=(
                    "list the IPv4 addresses that the cluster's pods connect from, those of its NAT or "
                    "nodes (public ones, if another region is on a cloud)"
                ),
                reads=(f"{path}.cloud", *each_region(settings)),
            )


def peers_are_reachable(settings: Settings) -> Iterator[Mistake]:
    """Other regions must reach the Services of a region."""
    for path, region in regions_by_path(settings):
        if settings.peering_enabled and region.service_type != "LoadBalancer":
            yield Mistake(
                path=f"{path}.serviceType",
                value=shown(region.service_type),
                rule="cannot be reached by other regions, whose databases and messaging must connect to it",
                remedy="write LoadBalancer; kind and minikube need an add-on that assigns addresses",
                reads=each_region(settings),
            )


def names_belong_to_their_clouds(settings: Settings) -> Iterator[Mistake]:
    """A region of the catalogue is on its own cloud."""
    for path, region in regions_by_path(settings):
        known = geography.lookup(region.name)
        if known is not None and region.cloud not in ("existing", known.cloud):
            yield Mistake(
                path=f"{path}.cloud",
                value=shown(region.cloud),
                rule=f"has no region {known.name}, which belongs to {known.cloud}",
                remedy=f"write {known.cloud}, or a name such as {_nearest(known, region.cloud)}",
                reads=(f"{path}.name",),
            )


def _nearest(known: geography.CloudRegion, cloud: str) -> str:
    others = [other for other in geography.CATALOGUE if other.cloud == cloud]
    return min(others, key=lambda other: (geography.distance_km(known.place, other.place), other.name)).name


def unknown_regions_say_where_they_are(settings: Settings) -> Iterator[Mistake]:
    """A region outside the catalogue has a place and a slot, unless it is a single existing cluster."""
    for path, region in regions_by_path(settings):
        lone = len(settings.regions) == 1 and isinstance(region, ExistingRegion)
        if geography.lookup(region.name) is not None or lone:
            continue
        if region.geography is None:
            remedy = "add latitude, longitude, timeZone and languages below it"
            yield _unknown(settings, path, region, "geography", remedy)
        if region.slot is None:
            # AWS refuses slot 0: see `clouds.aws_has_no_slot_0`.
            before = "" if region.cloud == "aws" else " (0 if this region was the stack's only one before)"
            yield _unknown(settings, path, region, "slot", f"add one {_NEW_SLOT} and never change it{before}")


def _unknown(settings: Settings, path: str, region: RegionSettings, key: str, remedy: str) -> Mistake:
    candidates = [known.name for known in geography.CATALOGUE if region.cloud in ("existing", known.cloud)]
    meant = closest(region.name, candidates)
    return Mistake(
        path=f"{path}.{key}",
        rule=f"is missing: the catalogue does not know {shown(region.name)}",
        remedy=f"did you mean the name {meant}? Else {remedy}" if meant else remedy,
        reads=(f"{path}.name", f"{path}.cloud", *each_region(settings)),
    )


RULES: Final = (
    names_differ,
    clusters_differ,
    slots_differ,
    some_region_has_traffic,
    several_regions_name_their_clusters,
    peers_know_egress_addresses,
    peers_are_reachable,
    unknown_regions_say_where_they_are,
    names_belong_to_their_clouds,
)
