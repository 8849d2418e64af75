"""Rules about the sizes of stores that a cloud runs: some machine must have what is asked for. Pure."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final

from pydantic import BaseModel

from components.cache import instances as nodes
from components.database import instances as machines
from stacks.settings.errors import Mistake, path_of, shown
from stacks.settings.inheritance import Plain
from stacks.settings.models import Cache, Database
from stacks.settings.region_rules import Regions
from stacks.settings.values import Bytes, Cpu, text_if_valid

_SERVERS: Final = {"gcp": "Cloud SQL", "aws": "RDS", "azure": "Flexible Server"}
_CACHES: Final = {"aws": "ElastiCache", "azure": "Azure Managed Redis"}


def broken_database_sizes(database: Plain, regions: Regions) -> Iterator[Mistake]:
    """All mistakes of the sizes of a PostgreSQL; what is malformed in itself is passed over."""
    cpu, memory = _size(database, Database, "cpu"), _size(database, Database, "memory")
    standby = database.get("nodes", Database().nodes) != 1
    for index, region in regions.items():
        cloud = str(region.get("cloud"))
        if cpu and memory and cloud in _SERVERS and not _named(region, "database"):
            asked = {"cpu": cpu, "memory": memory}
            if not _there_is(partial(_machine, cloud, cpu=cpu, memory=memory, standby=standby)):
                yield _too_much("database", asked, f"machine of {_SERVERS[cloud]}", index)
        if cloud == "azure":
            yield from _azure_disk(_size(database, Database, "storage"))


def broken_cache_sizes(cache: Plain, regions: Regions) -> Iterator[Mistake]:
    """All mistakes of the sizes of managed caches; what is malformed in itself is passed over."""
    memory, data = _size(cache, Cache, "memory"), _size(cache, Cache, "maxMemory")
    for index, region in regions.items():
        cloud = str(region.get("cloud"))
        if memory and data and cloud in _CACHES and not _named(region, "cache"):
            asked = {"memory": memory, "maxMemory": data}
            if not _there_is(partial(_node, cloud, memory=memory, max_memory=data)):
                yield _too_much("cache", asked, f"node of {_CACHES[cloud]}", index)


def _machine(cloud: str, *, cpu: str, memory: str, standby: bool) -> str:
    if cloud == "gcp":
        return machines.cloud_sql_tier(cpu=cpu, memory=memory)
    known = {"aws": machines.RDS, "azure": machines.FLEXIBLE_SERVER}[cloud]
    return machines.smallest(known, cpu=cpu, memory=memory, standby=standby)


def _node(cloud: str, *, memory: str, max_memory: str) -> str:
    known, share = {
        "aws": (nodes.ELASTICACHE, nodes.ELASTICACHE_DATA_SHARE),
        "azure": (nodes.AZURE, nodes.AZURE_DATA_SHARE),
    }[cloud]
    return nodes.smallest(known, memory=memory, max_memory=max_memory, data_share=share)


def _there_is(chosen: Callable[[], object]) -> bool:
    try:
        chosen()
    except ValueError:
        return False
    return True


def _too_much(store: str, asked: Mapping[str, str], kind: str, region: int) -> Mistake:
    return Mistake(
        path=path_of(store),
        value=shown(asked),
        rule=f"is more than any {kind} has that is known here",
        remedy=f"write less, or name a larger one as regions[{region}].instances.{store}",
    )


def _azure_disk(storage: str | None) -> Iterator[Mistake]:
    if storage and not _there_is(partial(machines.azure_disk, storage)):
        yield Mistake(
            path=path_of("database", "storage"),
            value=shown(storage),
            rule="is more than the largest disk of Flexible Server has",
            remedy=f"write {machines.FLEXIBLE_SERVER_DISKS[-1]}Gi or less",
        )


def _named(region: Plain, store: str) -> bool:
    instances = region.get("instances")
    return isinstance(instances, Mapping) and instances.get(store) is not None


def _size(section: Plain, model: type[BaseModel], key: str) -> str | None:
    """The size called `key` as a text, or what it is when nobody says; None when it is malformed."""
    field = next(field for field in model.model_fields.values() if field.alias == key)
    return text_if_valid(Cpu if key == "cpu" else Bytes, section.get(key, field.default))
