"""Rules between settings. They read plain values, so that they speak even when single settings are wrong. Pure."""

from collections.abc import Iterator, Mapping
from typing import Final

from pydantic import TypeAdapter, ValidationError

from stacks import geography
from stacks.settings.errors import Mistake, closest, path_of, shown
from stacks.settings.models import Cache, Service
from stacks.settings.values import SLOT_LIMIT, Bytes, bytes_of

REGIONS_TO_SURVIVE_ONE: Final = 3
"""Regions that a database needs to lose one and keep a majority."""

Plain = Mapping[str, object]

_NEW_SLOT: Final = f"from {geography.FIRST_FREE_SLOT} to {SLOT_LIMIT}"


def broken_rules(values: Plain) -> Iterator[Mistake]:
    """All mistakes between settings; what is malformed in itself is passed over."""
    regions = _regions(values)
    yield from _repeated(regions, "name", "is the name of {0} already", "give each region a name of its own")
    yield from _repeated(regions, "context", "is the cluster of {0} already", "give each region a cluster of its own")
    yield from _shared_slots(regions)
    if len(regions) > 1:
        yield from _told_apart(regions)
    yield from _survival(values, len(regions))
    yield from _replicas(values)
    yield from _cache_memory(values)


def _regions(values: Plain) -> dict[int, Plain]:
    regions = values.get("regions")
    listed = regions if isinstance(regions, list | tuple) else []
    return {index: region for index, region in enumerate(listed) if isinstance(region, Mapping)}


def _repeated(regions: dict[int, Plain], key: str, rule: str, remedy: str) -> Iterator[Mistake]:
    first: dict[str, int] = {}
    for index, region in regions.items():
        value = region.get(key)
        if isinstance(value, str) and first.setdefault(value, index) != index:
            yield Mistake(
                path=path_of("regions", index, key),
                value=shown(value),
                rule=rule.format(f"regions[{first[value]}]"),
                remedy=remedy,
            )


def _shared_slots(regions: dict[int, Plain]) -> Iterator[Mistake]:
    first: dict[int, int] = {}
    for index, region in regions.items():
        slot = _slot(region)
        if slot is not None and first.setdefault(slot, index) != index:
            yield Mistake(
                path=path_of("regions", index, "slot"),
                value=shown(slot),
                rule=f"is the slot of regions[{first[slot]}] already, so that their addresses would overlap",
                remedy=f"choose a slot {_NEW_SLOT} that no other region has",
            )


def _slot(region: Plain) -> int | None:
    slot = region.get("slot")
    known = _known(region)
    if slot is None and known is not None:
        return known.slot
    return slot if isinstance(slot, int) and not isinstance(slot, bool) else None


def _known(region: Plain) -> geography.CloudRegion | None:
    name = region.get("name")
    return geography.lookup(name) if isinstance(name, str) else None


def _told_apart(regions: dict[int, Plain]) -> Iterator[Mistake]:
    for index, region in regions.items():
        if region.get("cloud") == "existing" and region.get("context") is None:
            yield Mistake(
                path=path_of("regions", index, "context"),
                value="",
                rule="is missing: with several regions each names its cluster",
                remedy="add a kubeconfig context; `kubectl config get-contexts` lists them",
            )
        if isinstance(region.get("name"), str) and _known(region) is None:
            yield from _unplaced(index, region)


def _unplaced(index: int, region: Plain) -> Iterator[Mistake]:
    meant = closest(str(region["name"]), [known.name for known in geography.CATALOGUE])
    hint = f"did you mean the name {meant}? Else " if meant else ""
    unknown = f"is missing: the catalogue does not know {shown(region['name'])}"
    if region.get("geography") is None:
        yield Mistake(
            path=path_of("regions", index, "geography"),
            value="",
            rule=unknown,
            remedy=f"{hint}add latitude, longitude, timeZone and languages below it",
        )
    if region.get("slot") is None:
        yield Mistake(
            path=path_of("regions", index, "slot"),
            value="",
            rule=unknown,
            remedy=f"{hint}add one {_NEW_SLOT} and never change it (0 if this region was the stack's only one before)",
        )


def _survival(values: Plain, regions: int) -> Iterator[Mistake]:
    if _section(values, "database").get("survive") == "region" and regions < REGIONS_TO_SURVIVE_ONE:
        yield Mistake(
            path=path_of("database", "survive"),
            value=shown("region"),
            rule=f"needs at least {REGIONS_TO_SURVIVE_ONE} regions, not {regions}",
            remedy="add regions, or write zone",
        )


def _replicas(values: Plain) -> Iterator[Mistake]:
    usual = Service()
    for name, service in _section(values, "services").items():
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


def _cache_memory(values: Plain) -> Iterator[Mistake]:
    cache, usual = _section(values, "cache"), Cache()
    data, memory = cache.get("maxMemory", usual.max_memory), cache.get("memory", usual.memory)
    data_bytes, memory_bytes = _bytes(data), _bytes(memory)
    if data_bytes is not None and memory_bytes is not None and data_bytes >= memory_bytes:
        yield Mistake(
            path=path_of("cache", "maxMemory"),
            value=shown(data),
            rule=f"must be below memory, which is {memory}: Redis needs some for itself",
            remedy="write about half of memory, or raise memory",
        )


def _section(values: Plain, key: str) -> Plain:
    section = values.get(key)
    return section if isinstance(section, Mapping) else {}


def _bytes(quantity: object) -> int | None:
    try:
        return bytes_of(TypeAdapter(Bytes).validate_python(quantity, strict=True))
    except ValidationError:
        return None
