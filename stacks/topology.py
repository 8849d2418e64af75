"""Plan each region from the list of all: addresses, peers, failover order, names. Pure functions.

The order of the list does not matter. Adding, removing or moving a region changes only the peer names of the others.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Final

from components.addresses import SLOTS, AddressRanges
from stacks import geography
from stacks.geography import Place, distance_km

if TYPE_CHECKING:
    from components.cluster.settings import RegionSettings
    from stacks.settings import Settings

LONE_SLOT: Final = 0
"""Slot of a stack's only region if its settings name none. The catalogue's slots start at 1."""

PRIVATE: Final = IPv4Network("10.0.0.0/8")
"""Space for everything but pods: a /16 for each slot. Managed databases require RFC 1918 addresses."""

SHARED: Final = IPv4Network("100.64.0.0/10")
"""Space for pods (RFC 6598): a /18 for each slot, 16384 addresses.

`most_nodes` in `stacks.settings.rules.clouds` converts them to nodes.
"""


@dataclass(frozen=True, kw_only=True)
class Site:
    """The part of a region that the plans of other regions depend on."""

    name: str
    cloud: str
    slot: int
    place: Place


@dataclass(frozen=True, kw_only=True)
class RegionPlan(Site):
    """The plan of one region."""

    addresses: AddressRanges
    peers: tuple[str, ...]
    """The other regions, by name."""
    failover: tuple[str, ...]
    """The other regions, nearest first."""
    mesh_network: str
    peering_enabled: bool
    """Whether other regions exist or are expected: see `Settings.peering_enabled`."""
    traffic: bool
    """Whether the region receives users and the traffic of other regions."""


def plan(settings: Settings) -> tuple[RegionPlan, ...]:
    """The plan of every region, sorted by name."""
    sites = [site(region) for region in settings.regions]
    plans = (_region_plan(site(region), sites, settings, region) for region in settings.regions)
    return tuple(sorted(plans, key=lambda region: region.name))


def site(region: RegionSettings) -> Site:
    """The region's site, from its settings, else from the catalogue, else `NOWHERE` in slot 0."""
    known = geography.lookup(region.name)
    place = geography.NOWHERE if known is None else known.place
    slot = LONE_SLOT if known is None else known.slot
    if region.geography is not None:
        given = region.geography
        place = Place(
            city=region.name,
            latitude=given.latitude,
            longitude=given.longitude,
            time_zone=given.time_zone,
            languages=given.languages,
            country=given.country,
        )
    return Site(name=region.name, cloud=region.cloud, slot=slot if region.slot is None else region.slot, place=place)


def address_plan(slot: int) -> AddressRanges:
    """The address ranges of `slot` (0 to 255), disjoint from those of every other slot. Raises ValueError outside.

    10.<slot>.0.0/16 has every range except pods. 10.<slot>.240.0/20 is unused apart from the control plane's /28.
    """
    if not 0 <= slot < SLOTS:
        raise ValueError(f"slot {slot} is not within 0 and {SLOTS - 1}")
    network = _subnet(PRIVATE, 16, slot)
    return AddressRanges(
        nodes=_subnet(network, 17, 0),
        services=_subnet(network, 18, 2),
        managed=_subnet(network, 19, 6),
        public=_subnet(network, 20, 14),
        control_plane=_subnet(network, 28, 15 * 2**8),
        pods=_subnet(SHARED, 18, slot),
    )


def peers(name: str, sites: Iterable[Site]) -> tuple[str, ...]:
    """Name of all regions but `name`, sorted."""
    return tuple(sorted(other.name for other in sites if other.name != name))


def failover_order(region: Site, sites: Iterable[Site]) -> tuple[str, ...]:
    """Name of the other regions, nearest first; ties by name."""
    others = (other for other in sites if other.name != region.name)
    return tuple(other.name for other in sorted(others, key=lambda to: (distance_km(region.place, to.place), to.name)))


def serving(language: str, sites: Iterable[Site]) -> tuple[str, ...]:
    """Name of the regions that serve a BCP 47 language, sorted: by whole tag, else by its first part, else all."""
    places = {one.name: one.place for one in sites}
    exact = [name for name, place in places.items() if language in place.languages]
    wanted = _primary(language)
    similar = [name for name, place in places.items() if wanted in map(_primary, place.languages)]
    return tuple(sorted(exact or similar or places))


def seeds(name: str, primary_region: str) -> tuple[str, ...]:
    """The regions whose gateway region `name` joins the others through: the primary region, unless that is `name`.

    The result must not depend on the other regions, because servers read their seeds only at start.
    """
    return () if name == primary_region else (primary_region,)


def mesh_network(name: str) -> str:
    """Istio network (and cluster) of region `name`."""
    return name


def _region_plan(one: Site, sites: list[Site], settings: Settings, region: RegionSettings) -> RegionPlan:
    return RegionPlan(
        name=one.name,
        cloud=one.cloud,
        slot=one.slot,
        place=one.place,
        addresses=address_plan(one.slot),
        peers=peers(one.name, sites),
        failover=failover_order(one, sites),
        mesh_network=mesh_network(one.name),
        peering_enabled=settings.peering_enabled,
        traffic=region.traffic,
    )


def _subnet(network: IPv4Network, prefix: int, index: int) -> IPv4Network:
    first = int(network.network_address) + index * 2 ** (32 - prefix)
    return IPv4Network((first, prefix))


def _primary(language: str) -> str:
    return language.partition("-")[0]
