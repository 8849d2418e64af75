"""Stacks that name types of machines and data services, and what the settings say of them."""

from collections.abc import Iterator
from typing import Any, get_args

from components import offers
from components.offers.sizes import ANY
from stacks import geography
from stacks.settings import SettingsError, parse
from tests.support.managed import COMMON
from tests.support.regions import MACHINES

WHERE = {"machine": "nodes.type", "database": "instances.database", "cache": "instances.cache"}


def stack(region: geography.CloudRegion, **changed: Any) -> dict[str, Any]:
    """Return a stack of one region with managed data services.

    `changed` overrides settings: `database` and `cache` those of the data services, other keys those of the region.
    """
    data_services = {key: changed.pop(key) for key in ("database", "cache") if key in changed}
    nodes_ = {"type": MACHINES[region.cloud], "min": 3, "max": 9}
    one = {"name": region.name, "cloud": region.cloud, "nodes": nodes_, **COMMON[region.cloud], **changed}
    return {
        "stage": "regional",
        "regions": [one],
        "database": {"engine": "postgresql", **data_services.get("database", {})},
        "cache": {"engine": "managed", **data_services.get("cache", {})},
    }


def naming(region: geography.CloudRegion, kind: offers.Kind, name: str) -> dict[str, Any]:
    """Return a stack whose region names a type."""
    section, key = WHERE[kind].split(".")
    given = {"min": 3, "max": 9, key: name} if kind == "machine" else {key: name}
    return stack(region, **{section: given})


def mistakes(values: dict[str, Any]) -> list[str]:
    """Return the messages of the settings about the values."""
    try:
        parse(values)
    except SettingsError as error:
        return [str(mistake) for mistake in error.mistakes]
    return []


def _kinds() -> Iterator[tuple[str, offers.Kind]]:
    for cloud in ("gcp", "aws", "azure"):
        for kind in get_args(offers.Kind):
            if (cloud, kind) != ("gcp", "cache"):
                yield cloud, kind


KINDS = tuple(_kinds())


def named(cloud: str, kind: str) -> list[str]:
    """List all names of types in the table, in any region."""
    rows = [row for row in offers.table() if (row.cloud, row.kind) == (cloud, kind)]
    return sorted({row.family.replace("#", size) for row in rows for size in row.sizes - {ANY}})
