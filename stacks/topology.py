"""From the list of regions to what each one must know: addresses, peers, failover order, names. Pure functions.

Nothing here depends on the order of the list or on how many regions there are, so a region that is added, removed or
moved changes nothing about the others but the names of their peers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Final

from components.addresses import AddressRanges
from stacks import geography
from stacks.geography import Place, distance_km

if TYPE_CHECKING:
    from components.cluster.settings import RegionSettings
    from stacks.settings import Settings

SLOTS: Final = 256
"""Address slots: as many as there are /16 networks in 10.0.0.0/8 and /18 networks in 100.64.0.0/10."""

LONE_SLOT: Final = 0
"""Slot of a stack's only region when it names none. The catalogue's slots start at 1."""

PRIVATE: Final = IPv4Network("10.0.0.0/8")
"""Space for everything but pods (RFC 1918: what managed databases ask for): a /16 of it for each slot."""

SHARED: Final = IPv4Network("100.64.0.0/10")
"""Space for pods (RFC 6598): a /18 for each slot, 16384 addresses.

How many nodes that is, `most_nodes` in `stacks.settings.rules.clouds` says.
"""


@dataclass(frozen=True, kw_only=True)
class Site:
    """A region as far as the other regions care."""

    name: str
    cloud: str
    slot: int
    place: Place


@dataclass(frozen=True, kw_only=True)
class RegionPlan(Site):
    """What one region must know of itself and of the others."""

    addresses: AddressRanges
    peers: tuple[str, ...]
    """The other regions, by name."""
    failover: tuple[str, ...]
    """The other regions, nearest first."""
    mesh_network: str
    peering_enabled: bool
    """Whether there are other regions, or the settings say that there may be: see `Settings.peering_enabled`."""
    traffic: bool
    """Whether users and other regions are sent here."""


def plan(settings: Settings) -> tuple[RegionPlan, ...]:
    """The plan of every region, sorted by name."""
    sites = [site(region) for region in settings.regions]
    plans = (_region_plan(site(region), sites, settings, region) for region in settings.regions)
    return tuple(sorted(plans, key=lambda region: region.name))


def site(region: RegionSettings) -> Site:
    """The region's site: what its settings say, else what the catalogue says, else nowhere in slot 0."""
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
    """The address ranges of `slot` (0 to 255), which overlap those of no other; ValueError outside that.

    All but those of pods are in 10.<slot>.0.0/16, where 10.<slot>.240.0/20 is spare apart from the control plane's /28.
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
    """Names of all regions but `name`, sorted."""
    return tuple(sorted(other.name for other in sites if other.name != name))


def failover_order(region: Site, sites: Iterable[Site]) -> tuple[str, ...]:
    """Names of the other regions, nearest first; equally near ones by name."""
    others = (other for other in sites if other.name != region.name)
    return tuple(other.name for other in sorted(others, key=lambda to: (distance_km(region.place, to.place), to.name)))


def serving(language: str, sites: Iterable[Site]) -> tuple[str, ...]:
    """Names of the regions that serve a BCP 47 language, sorted: same tag, else same first part of it, else all."""
    places = {one.name: one.place for one in sites}
    exact = [name for name, place in places.items() if language in place.languages]
    wanted = _primary(language)
    similar = [name for name, place in places.items() if wanted in map(_primary, place.languages)]
    return tuple(sorted(exact or similar or places))


def seeds(name: str, primary_region: str) -> tuple[str, ...]:
    """The regions at whose gateway region `name` meets all others: the one that is always there, unless it is itself.

    It must not depend on which other regions there are: servers only read at their start whom to meet.
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
