"""Rules about what a region of a cloud has: machines, databases, caches and zones that are named. Pure."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from components import offers
from stacks.settings.cloud_values import (
    AwsCacheNode,
    AwsDatabaseClass,
    AwsMachine,
    AzureCacheSize,
    AzureDatabaseSize,
    AzureMachine,
    GcpDatabaseTier,
    GcpMachine,
)
from stacks.settings.errors import Mistake, path_of, shown
from stacks.settings.inheritance import Plain
from stacks.settings.region_rules import Regions
from stacks.settings.values import text_if_valid

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
_WHERE: Final[Mapping[offers.Kind, tuple[str, str]]] = {
    "machine": ("nodes", "type"),
    "database": ("instances", "database"),
    "cache": ("instances", "cache"),
}
"""Where a region names a type of each kind."""

_ZONED: Final = {"aws": "[a-z]", "azure": "[1-9]"}
"""What a zone is called, in clouds whose regions can name their zones."""


def broken_offer_rules(regions: Regions) -> Iterator[Mistake]:
    """All mistakes of what regions name and do not have; what is malformed in itself, or unknown, is passed over."""
    for index, region in regions.items():
        for (cloud, kind), form in _NAMES.items():
            if region.get("cloud") == cloud:
                yield from _type(index, region, cloud, kind, form)
        yield from _zones(index, region)


def _type(index: int, region: Plain, cloud: str, kind: offers.Kind, form: object) -> Iterator[Mistake]:
    place, (section, key) = str(region.get("name")), _WHERE[kind]
    given = region.get(section)
    name = text_if_valid(form, given.get(key)) if isinstance(given, Mapping) else None
    rule = None if name is None else _against(cloud, kind, place, name)
    if name is not None and rule is not None:
        nearest = offers.nearest(cloud, kind, place, name)
        yield Mistake(
            path=path_of("regions", index, section, key),
            value=shown(name),
            rule=rule,
            remedy=f"write e.g. {nearest}" if nearest else "choose another one, or another region",
        )


def _against(cloud: str, kind: offers.Kind, place: str, name: str) -> str | None:
    """The rule that a type breaks; None when it may be had."""
    if kind == "machine" and (why := offers.unfit(cloud, name)) is not None:
        return why
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
