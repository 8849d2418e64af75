"""Rules about data services that a cloud runs. They read plain values. Pure."""

from collections.abc import Iterator, Mapping
from typing import Final

from stacks.settings.errors import Mistake, path_of, shown
from stacks.settings.inheritance import Plain
from stacks.settings.region_rules import Regions
from stacks.settings.size_rules import broken_cache_sizes, broken_database_sizes

POSTGRESQL: Final = "postgresql"
MANAGED: Final = "managed"
MOST_REPLICAS: Final = 6
"""Replicas that every cloud's cache can have."""

_MOVE: Final = "docs/runbooks/postgresql-to-cockroachdb.md"
_AUTHORITIES: Final = "https://truststore.pki.rds.amazonaws.com"


def broken_data_service_rules(values: Plain, regions: Regions) -> Iterator[Mistake]:
    """All mistakes of data services that clouds run, in the regions of `listed_regions`."""
    database, cache = section(values, "database"), section(values, "cache")
    if database.get("engine") == POSTGRESQL:
        yield from _one_region(regions)
        yield from _no_primary_region(database)
        yield from _survives_no_region(database)
        yield from _needs_a_cloud("database", POSTGRESQL, "cockroachdb", regions)
        yield from _rds_authorities(regions)
        yield from broken_database_sizes(database, regions)
    if cache.get("engine") == MANAGED:
        yield from _needs_a_cloud("cache", MANAGED, "redis", regions)
        yield from _replicas(cache)
        yield from broken_cache_sizes(cache, regions)


def section(values: Plain, key: str) -> Plain:
    """The map at `key`; an empty one where there is none."""
    found = values.get(key)
    return found if isinstance(found, Mapping) else {}


def _one_region(regions: Regions) -> Iterator[Mistake]:
    if len(regions) > 1:
        yield Mistake(
            path=path_of("database", "engine"),
            value=shown(POSTGRESQL),
            rule=f"has one region, and this stack has {len(regions)}",
            remedy=f"write cockroachdb, which has them all; {_MOVE} moves the data first",
        )


def _no_primary_region(database: Plain) -> Iterator[Mistake]:
    primary_region = database.get("primaryRegion")
    if primary_region is not None:
        yield Mistake(
            path=path_of("database", "primaryRegion"),
            value=shown(primary_region),
            rule="is for cockroachdb: no other region joins a postgresql",
            remedy=f"remove it, or write engine: cockroachdb ({_MOVE})",
        )


def _survives_no_region(database: Plain) -> Iterator[Mistake]:
    if database.get("survive") == "region":
        yield Mistake(
            path=path_of("database", "survive"),
            value=shown("region"),
            rule="is not what postgresql can do: it has one region",
            remedy=f"write zone, or engine: cockroachdb and three regions ({_MOVE})",
        )


def _needs_a_cloud(data_service: str, engine: str, other: str, regions: Regions) -> Iterator[Mistake]:
    existing = [str(region.get("name")) for region in regions.values() if region.get("cloud") == "existing"]
    if existing:
        yield Mistake(
            path=path_of(data_service, "engine"),
            value=shown(engine),
            rule=f"is run by a region's cloud, and {', '.join(existing)} has none (cloud: existing)",
            remedy=f"write {other}, which runs in the cluster, or a region of gcp, aws or azure",
        )


def _rds_authorities(regions: Regions) -> Iterator[Mistake]:
    for index, region in regions.items():
        if region.get("cloud") == "aws" and region.get("rdsAuthorities") is None:
            bundle = f"{_AUTHORITIES}/{region.get('name')}/{region.get('name')}-bundle.pem"
            yield Mistake(
                path=path_of("regions", index, "rdsAuthorities"),
                value="",
                rule="is missing: clients verify the database with the certificates of RDS's own authorities",
                remedy=f"add what {bundle} has, here or for all regions below clouds.aws",
            )


def _replicas(cache: Plain) -> Iterator[Mistake]:
    replicas = cache.get("replicas")
    if isinstance(replicas, int) and replicas > MOST_REPLICAS:
        yield Mistake(
            path=path_of("cache", "replicas"),
            value=shown(replicas),
            rule=f"is more than the {MOST_REPLICAS} that a managed cache can have",
            remedy=f"write {MOST_REPLICAS} or less",
        )
