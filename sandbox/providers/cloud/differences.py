"""Compare the recorded inputs of a resource with new ones, property by property."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from sandbox.providers.base import Diff, DiffKind, PropertyDiff
from sandbox.providers.cloud import names
from sandbox.providers.cloud.kinds import Kind
from sandbox.providers.values import plain

_MISSING = object()


def compare(kind: Kind, old: Mapping[str, Any], new: Mapping[str, Any], ignored: Collection[str] = ()) -> Diff:
    """The verdict: which paths changed, and which of them cannot change in place.

    A resource with a name from the program is deleted before its replacement, because names are unique.
    """
    details = {
        path: PropertyDiff(_replacing(change) if _is_below(path, kind.immutable) else change, input_diff=True)
        for path, change in _changes("", _own(old), _own(new))
        if not _is_below(path, ignored)
    }
    replaces = sorted(path for path, change in details.items() if change.kind.replaces)
    is_taken = kind.name_input is not None and not names.is_automatic(kind, dict(new))
    same_name = kind.name_input not in details
    return Diff(details=details, replaces=replaces, delete_before_replace=bool(replaces) and is_taken and same_name)


def _own(inputs: Mapping[str, Any]) -> dict[str, Any]:
    return {name: plain(value) for name, value in inputs.items() if not name.startswith("__") and value is not None}


def _replacing(change: DiffKind) -> DiffKind:
    return DiffKind[f"{change.name}_REPLACE"]


def _is_below(path: str, parents: Collection[str]) -> bool:
    """Whether the path is one of the parents or inside one. List indexes are ignored."""
    names_only = "".join(part.partition("]")[2] if index else part for index, part in enumerate(path.split("[")))
    candidates = {path, names_only}
    return any(
        one == parent or one.startswith((f"{parent}.", f"{parent}[")) for one in candidates for parent in parents
    )


def _changes(path: str, old: Any, new: Any) -> Iterator[tuple[str, DiffKind]]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            inner = _inside(path, str(key))
            yield from _changes(inner, old.get(key, _MISSING), new.get(key, _MISSING))
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            yield from _changes(f"{path}[{index}]", _item(old, index), _item(new, index))
    elif old is _MISSING or old is None:
        if new is not _MISSING and new is not None:
            yield path, DiffKind.ADD
    elif new is _MISSING or new is None:
        yield path, DiffKind.DELETE
    elif old != new:
        yield path, DiffKind.UPDATE


def _inside(path: str, key: str) -> str:
    """The path of a property. Keys that are not plain names are quoted."""
    if not re.fullmatch(r"[\w$-]+", key):
        return f"{path}[{json.dumps(key)}]"
    return f"{path}.{key}" if path else key


def _item(values: list[Any], index: int) -> Any:
    return values[index] if index < len(values) else _MISSING
