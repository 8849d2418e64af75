"""Rules about the sizes of data services that a cloud runs: some machine must have what is asked for. Pure."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final

from pydantic import BaseModel

from components import offers
from components.cache import instances as nodes
from components.cache.settings import CacheSettings
from components.database import instances as machines
from components.database.settings import DatabaseSettings
from components.quantities import gibibytes
from components.settings.values import Bytes, Cpu, text_if_valid
from stacks.settings.errors import Mistake, path_of, shown
from stacks.settings.inheritance import Plain
from stacks.settings.region_rules import Regions

_SERVERS: Final = {"gcp": "Cloud SQL", "aws": "RDS", "azure": "Flexible Server"}
_CACHES: Final = {"gcp": "Memorystore", "aws": "ElastiCache", "azure": "Azure Managed Redis"}

_LARGEST_DISKS: Final = {
    "gcp": machines.CLOUD_SQL_LARGEST_DISK,
    "aws": machines.RDS_LARGEST_DISK,
    "azure": machines.FLEXIBLE_SERVER_DISKS[-1],
}


def broken_database_sizes(database: Plain, regions: Regions) -> Iterator[Mistake]:
    """All mistakes of the sizes of a PostgreSQL; what is malformed in itself is passed over."""
    cpu, memory = _size(database, DatabaseSettings, "cpu"), _size(database, DatabaseSettings, "memory")
    standby = database.get("nodes", DatabaseSettings().nodes) != 1
    for index, region in regions.items():
        cloud = str(region.get("cloud"))
        if cpu and memory and cloud in _SERVERS and not _named(region, "database"):
            asked = {"cpu": cpu, "memory": memory}
            if not _there_is(partial(_machine, region, cpu=cpu, memory=memory, standby=standby)):
                yield _too_much("database", asked, f"machine of {_SERVERS[cloud]}", index)
        if cloud == "azure" and standby:
            yield from _burstable(index, region)
        if cloud in _SERVERS:
            yield from _disk(cloud, _size(database, DatabaseSettings, "storage"))


def broken_cache_sizes(cache: Plain, regions: Regions) -> Iterator[Mistake]:
    """All mistakes of the sizes of managed caches; what is malformed in itself is passed over."""
    memory, data = _size(cache, CacheSettings, "memory"), _size(cache, CacheSettings, "maxMemory")
    for index, region in regions.items():
        cloud = str(region.get("cloud"))
        if memory and data and cloud in _CACHES and not _named(region, "cache"):
            asked = {"memory": memory, "maxMemory": data}
            if not _there_is(partial(_node, region, memory=memory, max_memory=data)):
                yield _too_much("cache", asked, f"node of {_CACHES[cloud]}", index)


def _machine(region: Plain, *, cpu: str, memory: str, standby: bool) -> str:
    cloud = str(region.get("cloud"))
    if cloud == "gcp":
        return machines.cloud_sql_tier(cpu=cpu, memory=memory)
    known = {"aws": machines.RDS, "azure": machines.FLEXIBLE_SERVER}[cloud]
    offered = offers.here(cloud, "database", str(region.get("name")), known)
    return machines.smallest(offered, cpu=cpu, memory=memory, standby=standby)


def _node(region: Plain, *, memory: str, max_memory: str) -> str:
    cloud = str(region.get("cloud"))
    if cloud == "gcp":
        return nodes.memorystore_size(memory)
    known, share = {
        "aws": (nodes.ELASTICACHE, nodes.ELASTICACHE_DATA_SHARE),
        "azure": (nodes.AZURE, nodes.AZURE_DATA_SHARE),
    }[cloud]
    offered = offers.here(cloud, "cache", str(region.get("name")), known)
    return nodes.smallest(offered, memory=memory, max_memory=max_memory, data_share=share)


def _there_is(chosen: Callable[[], object]) -> bool:
    try:
        chosen()
    except ValueError:
        return False
    return True


def _too_much(data_service: str, asked: Mapping[str, str], kind: str, region: int) -> Mistake:
    # Memorystore has memory and no machines that could be named.
    larger = "" if "Memorystore" in kind else f", or name a larger one as regions[{region}].instances.{data_service}"
    return Mistake(
        path=path_of(data_service),
        value=shown(asked),
        rule=f"is more than any {kind} has that is known here",
        remedy=f"write less{larger}",
    )


def _burstable(index: int, region: Plain) -> Iterator[Mistake]:
    # https://learn.microsoft.com/azure/reliability/reliability-postgresql-flexible-server
    instances = region.get("instances")
    named = instances.get("database") if isinstance(instances, Mapping) else None
    if isinstance(named, str) and named.startswith("Standard_B"):
        yield Mistake(
            path=path_of("regions", index, "instances", "database"),
            value=shown(named),
            rule="is a burstable machine, and Azure gives those no standby",
            remedy="write e.g. Standard_D2ds_v5, or database.nodes: 1",
        )


def _disk(cloud: str, storage: str | None) -> Iterator[Mistake]:
    largest = _LARGEST_DISKS[cloud]
    if storage and gibibytes("storage", storage) > largest:
        yield Mistake(
            path=path_of("database", "storage"),
            value=shown(storage),
            rule=f"is more than the largest disk of {_SERVERS[cloud]} has",
            remedy=f"write {largest}Gi or less",
        )


def _named(region: Plain, data_service: str) -> bool:
    instances = region.get("instances")
    return isinstance(instances, Mapping) and instances.get(data_service) is not None


def _size(section: Plain, model: type[BaseModel], key: str) -> str | None:
    """The size called `key` as a text, or what it is when nobody says; None when it is malformed."""
    field = next(field for field in model.model_fields.values() if field.alias == key)
    return text_if_valid(Cpu if key == "cpu" else Bytes, section.get(key, field.default))
