"""The parts of a stack's regions that the sandbox needs, and the record of their control planes."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from sandbox.layout import SandboxError

REGIONS_KEY = "sacred-council:regions"
SITES_KEY = "sacred-council:edgeSites"
SLOTS = 64
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")


@dataclass(frozen=True, kw_only=True)
class Region:
    """A region of a stack, or one of its edge sites: each has a cluster."""

    name: str
    context: str
    """The kubeconfig context that the program uses."""
    cloud: str = "existing"


@dataclass(frozen=True, kw_only=True)
class ControlPlane:
    """The record of a control plane."""

    name: str
    context: str
    slot: int
    """Address slot, 0 to 63."""
    stacks: tuple[str, ...]
    """The stacks that use it."""
    cloud: str = "existing"


def parse_regions(document: Any, source: str) -> list[Region]:
    """The regions and edge sites in a stack file's parsed YAML; `source` is its name for error messages."""
    config = document.get("config") if isinstance(document, Mapping) else None
    entries = config.get(REGIONS_KEY) if isinstance(config, Mapping) else None
    if not isinstance(entries, list) or not entries:
        raise SandboxError(
            f"{source}: config key {REGIONS_KEY} must be a list with at least one region, "
            "for example `- {name: local, cloud: existing}`."
        )
    sites = config.get(SITES_KEY) if isinstance(config, Mapping) else None
    regions = [
        *(_region(entry, f"{source}: {REGIONS_KEY}[{index}]") for index, entry in enumerate(entries)),
        *(_site(entry, f"{source}: {SITES_KEY}[{index}]") for index, entry in enumerate(sites or [])),
    ]
    _require_unique([region.name for region in regions], f"{source}: {REGIONS_KEY}", "name")
    _require_unique([region.context for region in regions], f"{source}: {REGIONS_KEY}", "context")
    return regions


def _region(entry: Any, where: str) -> Region:
    name = entry.get("name") if isinstance(entry, Mapping) else None
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise SandboxError(
            f"{where}.name is {name!r}; use lower-case letters, digits and hyphens, for example `name: local`."
        )
    context = entry.get("context") or name
    if not isinstance(context, str):
        raise SandboxError(f"{where}.context is {context!r}; it must be the name of a kubeconfig context.")
    # The program itself refuses any other mistake.
    return Region(name=name, context=context, cloud=str(entry.get("cloud")))


def _site(entry: Any, where: str) -> Region:
    # The clusters of sites are always there already.
    return replace(_region(entry, where), cloud="existing")


def _require_unique(values: list[str], where: str, field: str) -> None:
    twice = sorted({value for value in values if values.count(value) > 1})
    if twice:
        raise SandboxError(f"{where}: {field} {twice[0]!r} is used more than once; every region needs its own.")


def read_regions(path: Path) -> list[Region]:
    """The regions of the stack file at `path`."""
    try:
        document = yaml.safe_load(path.read_text())
    except FileNotFoundError:
        known = sorted(file.name.split(".")[1] for file in path.parent.glob("Pulumi.*.yaml"))
        raise SandboxError(
            f"{path.name} does not exist; the stacks of this project are: {', '.join(known) or 'none'}."
        ) from None
    except yaml.YAMLError as error:
        raise SandboxError(f"{path.name} is not valid YAML: {error}") from None
    return parse_regions(document, path.name)


def assign(record: Mapping[str, ControlPlane], stack: str, regions: list[Region]) -> dict[str, ControlPlane]:
    """The record after assigning the regions to `stack`. Known regions keep their slot, new ones get a free one.

    Raises `SandboxError` for a region that another stack uses.
    """
    _require_unshared(record, stack, regions)
    planes = dict(record)
    for region in regions:
        known = planes.get(region.name)
        slot = known.slot if known else _free_slot(planes)
        planes[region.name] = ControlPlane(
            name=region.name, context=region.context, slot=slot, stacks=(stack,), cloud=region.cloud
        )
    return planes


def _require_unshared(record: Mapping[str, ControlPlane], stack: str, regions: list[Region]) -> None:
    """Raise if another stack uses a region: stacks have objects of the same names and cannot share a cluster."""
    used = {region.name: record[region.name].stacks for region in regions if region.name in record}
    taken = {name: [user for user in users if user != stack] for name, users in used.items()}
    others = sorted({user for users in taken.values() for user in users})
    if others:
        names = ", ".join(name for name, users in taken.items() if users)
        remedy = " and ".join(f"`make down STACK={other}`" for other in others)
        raise SandboxError(
            f"Stack {stack}: the control planes of these regions are in use by {' and '.join(others)}: {names}. "
            f"Two stacks cannot be in one cluster, not even for a preview. Take the other down first: {remedy}."
        )


def release(
    record: Mapping[str, ControlPlane], stack: str, keep: Collection[str] = ()
) -> tuple[dict[str, ControlPlane], list[ControlPlane]]:
    """The record without `stack`, except in the regions to `keep`; and the control planes that no stack uses now."""
    without = [
        plane if plane.name in keep else replace(plane, stacks=tuple(user for user in plane.stacks if user != stack))
        for plane in record.values()
    ]
    kept = {plane.name: plane for plane in without if plane.stacks}
    return kept, [plane for plane in without if not plane.stacks]


def _free_slot(planes: Mapping[str, ControlPlane]) -> int:
    taken = {plane.slot for plane in planes.values()}
    for slot in range(SLOTS):
        if slot not in taken:
            return slot
    raise SandboxError(f"All {SLOTS} control planes of the sandbox are in use; take a stack down first.")


def load_record(path: Path) -> dict[str, ControlPlane]:
    """The recorded control planes by name; empty if the file is missing."""
    try:
        entries = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise SandboxError(f"{path} is damaged ({error}); delete it and run `make up` again.") from None
    return {entry["name"]: ControlPlane(**{**entry, "stacks": tuple(entry["stacks"])}) for entry in entries}


def save_record(path: Path, planes: Mapping[str, ControlPlane]) -> None:
    """Write the record so that a reader never sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".new")
    temporary.write_text(json.dumps([asdict(plane) for _, plane in sorted(planes.items())], indent=2) + "\n")
    temporary.replace(path)
