"""Rules about a cloud's offers: machines, zones, and sizes of managed data services. Pure."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final, assert_never

from components import offers
from components.cache import instances as nodes
from components.cluster.settings import AwsRegion, AzureRegion, ExistingRegion, GcpRegion
from components.database import instances as machines
from components.quantities import gibibytes, quantity_bytes
from stacks.settings.errors import Mistake, shown
from stacks.settings.models import Settings
from stacks.settings.rules.paths import regions_by_path

_SERVERS: Final = {"gcp": "Cloud SQL", "aws": "RDS", "azure": "Flexible Server"}
_CACHES: Final = {"gcp": "Memorystore", "aws": "ElastiCache", "azure": "Azure Managed Redis"}
_USES: Final[Mapping[str, offers.Use]] = {"systemMachine": "system", "nodes.gpu.type": "gpu"}
_LARGEST_DISKS: Final = {
    "gcp": machines.CLOUD_SQL_LARGEST_DISK,
    "aws": machines.RDS_LARGEST_DISK,
    "azure": machines.FLEXIBLE_SERVER_DISKS[-1],
}
_POD_SWITCHES: Final = (
    "database.engine",
    "cache.engine",
    "messaging.websocket.enabled",
    "streaming.enabled",
    "matching.enabled",
    "ledger.enabled",
)
"""Settings that say which data services have pods."""

ManagedRegionSettings = GcpRegion | AwsRegion | AzureRegion


def managed_regions(settings: Settings) -> Iterator[tuple[str, ManagedRegionSettings]]:
    """Each region on a cloud, with its path."""
    for path, region in regions_by_path(settings):
        if not isinstance(region, ExistingRegion):
            yield path, region


def regions_have_the_types(settings: Settings) -> Iterator[Mistake]:
    """A region offers the machines, databases and caches in its settings. Unknown types are allowed."""
    for path, region in managed_regions(settings):
        for key, kind, name in _types(region):
            fit = offers.unfit(region.cloud, _USES.get(key, kind), name)
            rule = fit or _against(region, kind, name)
            if rule is not None:
                nearest = _instead(settings, region, key, kind, name)
                yield Mistake(
                    path=f"{path}.{key}",
                    value=shown(name),
                    rule=rule,
                    remedy=f"write e.g. {nearest}" if nearest else "choose another one, or another region",
                    reads=(f"{path}.name",),
                )


def _instead(settings: Settings, region: ManagedRegionSettings, key: str, kind: offers.Kind, name: str) -> str | None:
    """A type that the region has. None: no type is known."""
    if key == "nodes.gpu.type":
        return next(iter(offers.gpu_types(region.cloud, region.name)), None)
    if key == "nodes.type":
        return _large_enough(region, max(_pods(settings, region).values()))
    return offers.nearest(region.cloud, kind, region.name, name)


def the_largest_pod_fits(settings: Settings) -> Iterator[Mistake]:
    """A node has room for each pod of the data services. Types of unknown size are allowed."""
    for path, region in managed_regions(settings):
        name = region.nodes.type
        known = offers.machine(region.cloud, name)
        refused = offers.unfit(region.cloud, "machine", name) or _against(region, "machine", name)
        if known is None or refused:
            continue
        pods, room = _pods(settings, region), offers.room(region.cloud, known.memory)
        key = max(pods, key=lambda one: pods[one])
        if pods[key] > room:
            larger = _large_enough(region, pods[key])
            yield Mistake(
                path=f"{path}.nodes.type",
                value=shown(name),
                rule=f"leaves {room:.1f} GiB of memory to pods, too little for {key}: {pods[key]:.1f} GiB",
                remedy=f"write e.g. {larger}, or a smaller {key}" if larger else f"write a smaller {key}",
                reads=(f"{path}.name", f"{path}.nodes.gpu", key, *_POD_SWITCHES),
            )


def _pods(settings: Settings, region: ManagedRegionSettings) -> Mapping[str, float]:
    """GiB that a pod of each data service asks for, by the path of the setting."""
    websocket = settings.messaging.websocket
    asked = {"messaging.memory": settings.messaging.memory}
    if settings.database.engine == "cockroachdb":
        asked["database.memory"] = settings.database.memory
    if settings.cache.engine == "redis":
        asked["cache.memory"] = settings.cache.memory
    if websocket.enabled:
        asked["messaging.websocket.memory"] = websocket.memory
    if settings.streaming.enabled:
        asked["streaming.memory"] = settings.streaming.memory
    if settings.matching.enabled and region.nodes.gpu is None:
        asked["matching.memory"] = settings.matching.memory
    if settings.ledger.enabled:
        asked["ledger.memory"] = settings.ledger.memory
    return {key: quantity_bytes(key, memory) / 2**30 for key, memory in asked.items()}


def _large_enough(region: ManagedRegionSettings, gib: float) -> str | None:
    """The type that is most like the region's and has room for a pod of so many GiB. None: no type is known."""

    def enough(name: str) -> bool:
        known = offers.machine(region.cloud, name)
        return known is not None and offers.room(region.cloud, known.memory) >= gib

    return offers.nearest(region.cloud, "machine", region.name, region.nodes.type, enough)


def _types(region: ManagedRegionSettings) -> Iterator[tuple[str, offers.Kind, str]]:
    """Types in the settings of a region: (key, kind, name)."""
    yield "nodes.type", "machine", region.nodes.type
    if region.nodes.gpu is not None:
        yield "nodes.gpu.type", "machine", region.nodes.gpu.type
    if isinstance(region, AzureRegion) and "system_machine" in region.model_fields_set:
        yield "systemMachine", "machine", region.system_machine
    if region.instances.database is not None:
        yield "instances.database", "database", region.instances.database
    if not isinstance(region, GcpRegion) and region.instances.cache is not None:
        yield "instances.cache", "cache", region.instances.cache


def _against(region: ManagedRegionSettings, kind: offers.Kind, name: str) -> str | None:
    """The rule that a type breaks; None if the region may offer it."""
    if offers.offered(region.cloud, kind, region.name, name) is not False:
        return None
    source = offers.source_of(region.cloud, kind, name)
    said = f" ({source.address}, {source.date})" if source else ""
    return f"is not available in {region.name} according to components/offers/sizes.csv{said}"


def machines_for_gpus_have_them(settings: Settings) -> Iterator[Mistake]:
    """Machines with GPUs have GPUs that the embedding servers can use. Which, the program must know."""
    for path, region in managed_regions(settings):
        machines = region.nodes.gpu
        if machines is not None and offers.gpus_of(region.cloud, machines.type) is None:
            known = offers.gpu_types(region.cloud, region.name)
            yield Mistake(
                path=f"{path}.nodes.gpu.type",
                value=shown(machines.type),
                rule="is no machine type whose GPUs are known (components/offers/gpus.csv)",
                remedy=f"write e.g. {known[0]}" if known else "remove nodes.gpu, or choose another region",
                reads=(f"{path}.name",),
            )


def regions_have_the_zones(settings: Settings) -> Iterator[Mistake]:
    """A region has the zones in its settings."""
    for path, region in managed_regions(settings):
        known = offers.zones(region.cloud, region.name)
        if isinstance(region, GcpRegion) or "zones" not in region.model_fields_set or not known:
            continue
        missing = [zone for zone in region.zones or () if zone not in known]
        if missing:
            yield Mistake(
                path=f"{path}.zones",
                value=shown(region.zones),
                rule=f"names zones that {region.name} does not have: {', '.join(missing)}",
                remedy=f"choose from {', '.join(known)}",
                reads=(f"{path}.name",),
            )


def a_machine_is_large_enough(settings: Settings) -> Iterator[Mistake]:
    """Some machine is as large as the PostgreSQL settings require."""
    database = settings.database
    cpu, memory, standby = database.cpu, database.memory, database.nodes != 1
    if database.engine != "postgresql":
        return
    for path, region in managed_regions(settings):
        if region.instances.database is None and not _there_is(
            partial(_machine, region, cpu=cpu, memory=memory, standby=standby)
        ):
            kind = f"machine of {_SERVERS[region.cloud]}"
            yield _too_much(path, "database", {"cpu": cpu, "memory": memory}, kind)


def standbys_are_not_burstable(settings: Settings) -> Iterator[Mistake]:
    """Burstable machines cannot have a standby on Azure."""
    # https://learn.microsoft.com/azure/reliability/reliability-postgresql-flexible-server
    if settings.database.engine != "postgresql" or settings.database.nodes == 1:
        return
    for path, region in managed_regions(settings):
        named = region.instances.database
        if isinstance(region, AzureRegion) and named is not None and named.startswith("Standard_B"):
            yield Mistake(
                path=f"{path}.instances.database",
                value=shown(named),
                rule="is a burstable machine, which cannot have a standby on Azure",
                remedy="write e.g. Standard_D2ds_v5, or database.nodes: 1",
            )


def a_disk_is_large_enough(settings: Settings) -> Iterator[Mistake]:
    """Some disk is as large as the PostgreSQL settings require."""
    storage = settings.database.storage
    if settings.database.engine != "postgresql":
        return
    for _, region in managed_regions(settings):
        largest = _LARGEST_DISKS[region.cloud]
        if gibibytes("storage", storage) > largest:
            yield Mistake(
                path="database.storage",
                value=shown(storage),
                rule=f"exceeds the largest disk that {_SERVERS[region.cloud]} has",
                remedy=f"write {largest}Gi or less",
            )


def a_cache_node_is_large_enough(settings: Settings) -> Iterator[Mistake]:
    """Some node is as large as the cache settings require."""
    memory, data = settings.cache.memory, settings.cache.max_memory
    if settings.cache.engine != "managed":
        return
    for path, region in managed_regions(settings):
        named = None if isinstance(region, GcpRegion) else region.instances.cache
        if named is None and not _there_is(partial(_node, region, memory=memory, max_memory=data)):
            yield _too_much(path, "cache", {"memory": memory, "maxMemory": data}, f"node of {_CACHES[region.cloud]}")


def _machine(region: ManagedRegionSettings, *, cpu: str, memory: str, standby: bool) -> str:
    match region:
        case GcpRegion():
            return machines.cloud_sql_tier(cpu=cpu, memory=memory)
        case AwsRegion():
            known = machines.RDS
        case AzureRegion():
            known = machines.FLEXIBLE_SERVER
        case _:
            assert_never(region)
    offered = offers.here(region.cloud, "database", region.name, known)
    return machines.smallest(offered, cpu=cpu, memory=memory, standby=standby)


def _node(region: ManagedRegionSettings, *, memory: str, max_memory: str) -> str:
    match region:
        case GcpRegion():
            return nodes.memorystore_size(memory)
        case AwsRegion():
            known, share = nodes.ELASTICACHE, nodes.ELASTICACHE_DATA_SHARE
        case AzureRegion():
            known, share = nodes.AZURE, nodes.AZURE_DATA_SHARE
        case _:
            assert_never(region)
    offered = offers.here(region.cloud, "cache", region.name, known)
    return nodes.smallest(offered, memory=memory, max_memory=max_memory, data_share=share)


def _there_is(chosen: Callable[[], object]) -> bool:
    try:
        chosen()
    except ValueError:
        return False
    return True


def _too_much(region: str, data_service: str, asked: Mapping[str, str], kind: str) -> Mistake:
    # Memorystore has only a memory size, no machine types.
    larger = "" if "Memorystore" in kind else f", or name a larger one as {region}.instances.{data_service}"
    return Mistake(
        path=data_service,
        value=shown(asked),
        rule=f"is more than any known {kind} has",
        remedy=f"write less{larger}",
        reads=(f"{region}.name", f"{region}.instances.{data_service}"),
    )


RULES: Final = (
    regions_have_the_types,
    the_largest_pod_fits,
    machines_for_gpus_have_them,
    regions_have_the_zones,
    a_machine_is_large_enough,
    standbys_are_not_burstable,
    a_disk_is_large_enough,
    a_cache_node_is_large_enough,
)
