"""Rules between settings. They read plain values, so that they speak even when single settings are wrong. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from components.cache.settings import CacheSettings
from components.messaging.settings import MessagingSettings
from components.services.settings import ServiceSettings
from components.settings.values import bytes_if_valid
from components.settings.words import did_you_mean
from stacks.settings.backup_rules import broken_backup_rules, managed_backups
from stacks.settings.cloud_rules import broken_cloud_rules
from stacks.settings.data_service_rules import POSTGRESQL, broken_data_service_rules, section
from stacks.settings.edge_rules import broken_edge_rules
from stacks.settings.errors import Mistake, path_of, shown
from stacks.settings.gitops_rules import broken_gitops_rules
from stacks.settings.inheritance import Plain
from stacks.settings.offer_rules import broken_offer_rules
from stacks.settings.region_rules import broken_region_rules, listed_regions
from stacks.settings.stream_rules import broken_stream_rules

REGIONS_TO_SURVIVE_ONE: Final = 3
"""Regions that a database needs to lose one and keep a majority."""

_LEAVING: Final = "docs/runbooks/remove-a-region.md"

REPLICAS_TO_HALVE: Final = 3
"""Fewest replicas of a service that become fewer at night."""


def broken_rules(values: Plain) -> Iterator[Mistake]:
    """All mistakes between settings; what is malformed in itself is passed over."""
    regions = listed_regions(values)
    primary_named = section(values, "database").get("primaryRegion") is not None
    yield from broken_region_rules(regions, primary_named=primary_named, callers=_callers(values))
    yield from broken_cloud_rules(regions, callers=_callers(values))
    yield from broken_offer_rules(regions)
    if section(values, "database").get("engine") != POSTGRESQL:
        yield from _primary_region(values, [region.get("name") for region in regions.values()])
        yield from _survival(values, len(regions))
        yield from broken_backup_rules(values, regions)
    elif section(values, "database").get("backup") is not None:
        yield managed_backups()
    yield from _messaging_servers(values, len(regions))
    yield from broken_data_service_rules(values, regions)
    yield from _streams(values, [name for region in regions.values() if isinstance(name := region.get("name"), str)])
    yield from _replicas(values)
    yield from _nights(values)
    yield from _cache_memory(values)
    yield from broken_edge_rules(values, regions)
    yield from broken_gitops_rules(values, regions)


def _callers(values: Plain) -> Callable[[object], bool]:
    """Whose pods call the Kubernetes APIs of the other regions: everybody's with a mesh, else Argo CD's."""
    gitops = section(values, "gitops")
    hub = gitops.get("hub") or section(values, "database").get("primaryRegion")
    meshed = section(values, "mesh").get("enabled") is not False
    return lambda name: meshed or (gitops.get("enabled") is True and name == hub)


def _primary_region(values: Plain, names: list[object]) -> Iterator[Mistake]:
    primary_region, known = (
        section(values, "database").get("primaryRegion"),
        [name for name in names if isinstance(name, str)],
    )
    if primary_region is None and len(names) > 1:
        yield Mistake(
            path=path_of("database", "primaryRegion"),
            value="",
            rule="is missing: with several regions, the others join the database of one",
            remedy=(
                f"name the first region there was (one of {', '.join(known)}), and change it only as {_LEAVING} says"
            ),
        )
    if isinstance(primary_region, str) and known and primary_region not in known:
        meant = did_you_mean(primary_region, known)
        yield Mistake(
            path=path_of("database", "primaryRegion"),
            value=shown(primary_region),
            rule="is not the name of a region of this stack",
            remedy=f"{meant if meant.endswith('?') else f'{meant}.'} How a primary region leaves is in {_LEAVING}",
        )


def _survival(values: Plain, regions: int) -> Iterator[Mistake]:
    # Of a list with nothing well-formed in it, the list's own mistake says enough.
    if section(values, "database").get("survive") == "region" and 0 < regions < REGIONS_TO_SURVIVE_ONE:
        yield Mistake(
            path=path_of("database", "survive"),
            value=shown("region"),
            rule=f"needs at least {REGIONS_TO_SURVIVE_ONE} regions, not {regions}",
            remedy="add regions, or write zone",
        )


def _messaging_servers(values: Plain, regions: int) -> Iterator[Mistake]:
    servers = section(values, "messaging").get("servers", MessagingSettings().servers)
    primary_region = section(values, "database").get("primaryRegion")
    if (regions > 1 or primary_region is not None) and servers == 1 and type(servers) is int:
        where = f"{regions} regions" if regions > 1 else f"a stack with a primary region ({primary_region})"
        yield Mistake(
            path=path_of("messaging", "servers"),
            value=shown(servers),
            rule=f"is too few for {where}: a region that has others beside it needs servers that can vote",
            remedy="write 3 or 5; where streams exist already, see docs/runbooks/nats-more-servers.md first",
        )


def _streams(values: Plain, regions: Sequence[str]) -> Iterator[Mistake]:
    messaging, usual = section(values, "messaging"), MessagingSettings()
    servers, storage = messaging.get("servers", usual.servers), messaging.get("storage", usual.storage)
    if type(servers) is int:
        yield from broken_stream_rules(messaging, servers, str(storage), regions)


def _replicas(values: Plain) -> Iterator[Mistake]:
    usual = ServiceSettings()
    for name, service in section(values, "services").items():
        if not isinstance(service, Mapping):
            continue
        least = service.get("minReplicas", usual.min_replicas)
        most = service.get("maxReplicas", usual.max_replicas)
        if type(least) is type(most) is int and least > most >= 1:
            yield Mistake(
                path=path_of("services", name, "minReplicas"),
                value=shown(least),
                rule=f"must not be above maxReplicas, which is {most}",
                remedy=f"write {most} or less, or raise maxReplicas",
            )


def _nights(values: Plain) -> Iterator[Mistake]:
    for name, service in section(values, "services").items():
        if not isinstance(service, Mapping) or service.get("followTheSun") is not True:
            continue
        least = service.get("minReplicas", ServiceSettings().min_replicas)
        if type(least) is int and 1 <= least < REPLICAS_TO_HALVE:
            yield Mistake(
                path=path_of("services", name, "followTheSun"),
                value=shown(True),
                rule=f"changes nothing with a minReplicas of {least}: nights keep two of two",
                remedy=f"write a minReplicas of {REPLICAS_TO_HALVE} or more, or leave followTheSun out",
            )


def _cache_memory(values: Plain) -> Iterator[Mistake]:
    cache, usual = section(values, "cache"), CacheSettings()
    data, memory = cache.get("maxMemory", usual.max_memory), cache.get("memory", usual.memory)
    data_bytes, memory_bytes = bytes_if_valid(data), bytes_if_valid(memory)
    if data_bytes is not None and memory_bytes is not None and data_bytes >= memory_bytes:
        yield Mistake(
            path=path_of("cache", "maxMemory"),
            value=shown(data),
            rule=f"must be below memory, which is {memory}: Redis needs some for itself",
            remedy="write about half of memory, or raise memory",
        )
