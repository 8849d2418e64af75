"""Rules about what a region of a cloud has: machines, databases, caches and zones that are named. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from components import offers
from components.settings.cloud_values import (
    AwsCacheNode,
    AwsDatabaseClass,
    AwsMachine,
    AzureCacheSize,
    AzureDatabaseSize,
    AzureMachine,
    GcpDatabaseTier,
    GcpMachine,
)
from components.settings.values import text_if_valid
from stacks.settings.errors import Mistake, path_of, shown
from stacks.settings.inheritance import Plain
from stacks.settings.region_rules import Regions

_NAMES: Final[Mapping[tuple[str, offers.Kind], Any]] = {
    ("gcp", "machine"): GcpMachine,
    ("gcp", "database"): GcpDatabaseTier,
    ("aws", "machine"): AwsMachine,
    ("aws", "database"): AwsDatabaseClass,
    ("aws", "cache"): AwsCacheNode,
    ("azure", "machine"): AzureMachine,
    ("azure", "database"): AzureDatabaseSize,
    ("azure", "cache"): AzureCacheSize,
}
_NODES: Final = ("nodes", "type")
_SYSTEM: Final = ("systemMachine",)
_WHERE: Final[Mapping[offers.Kind, Sequence[tuple[str, ...]]]] = {
    "machine": (_NODES, _SYSTEM),
    "database": (("instances", "database"),),
    "cache": (("instances", "cache"),),
}
"""Where a region names types of each kind."""

_ZONED: Final = {"aws": "[a-z]", "azure": "[1-9]"}
"""What a zone is called, in clouds whose regions can name their zones."""


def broken_offer_rules(regions: Regions) -> Iterator[Mistake]:
    """All mistakes of what regions name and do not have; what is malformed in itself, or unknown, is passed over."""
    for index, region in regions.items():
        for (cloud, kind), form in _NAMES.items():
            if region.get("cloud") == cloud:
                for where in _WHERE[kind]:
                    yield from _type(index, region, cloud, kind, form, where)
        yield from _zones(index, region)


def _type(
    index: int, region: Plain, cloud: str, kind: offers.Kind, form: object, where: Sequence[str]
) -> Iterator[Mistake]:
    place, name = str(region.get("name")), text_if_valid(form, _at(region, where))
    fit = None if name is None or where != _NODES else offers.unfit(cloud, name)
    rule = fit if name is None or fit else _against(cloud, kind, place, name)
    if name is not None and rule is not None:
        nearest = offers.nearest(cloud, kind, place, name)
        yield Mistake(
            path=path_of("regions", index, *where),
            value=shown(name),
            rule=rule,
            remedy=f"write e.g. {nearest}" if nearest else "choose another one, or another region",
        )


def _at(region: Plain, where: Sequence[str]) -> object:
    given: object = region
    for key in where:
        given = given.get(key) if isinstance(given, Mapping) else None
    return given


def _against(cloud: str, kind: offers.Kind, place: str, name: str) -> str | None:
    """The rule that a type breaks; None when it may be had."""
    if offers.offered(cloud, kind, place, name) is not False:
        return None
    source = offers.source_of(cloud, kind, name)
    said = f" ({source.address}, {source.date})" if source else ""
    return f"is not what {place} has, by components/offers/sizes.csv{said}"


def _zones(index: int, region: Plain) -> Iterator[Mistake]:
    cloud, place, given = str(region.get("cloud")), str(region.get("name")), region.get("zones")
    known = offers.zones(cloud, place)
    if cloud not in _ZONED or not known or not isinstance(given, list | tuple):
        return
    missing = [str(zone) for zone in given if re.fullmatch(_ZONED[cloud], str(zone)) and str(zone) not in known]
    if missing:
        yield Mistake(
            path=path_of("regions", index, "zones"),
            value=shown(given),
            rule=f"names zones that {place} does not have: {', '.join(missing)}",
            remedy=f"choose from {', '.join(known)}",
        )
