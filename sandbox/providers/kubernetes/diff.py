"""Compares what is there with what is wanted, property by property, and says which changes need a replacement."""

from __future__ import annotations

from typing import Any, Final

from sandbox.providers.base import DiffKind, PropertyDiff
from sandbox.providers.kubernetes import paths, quantities
from sandbox.providers.values import Unknown

_REPLACING: Final = {
    DiffKind.ADD: DiffKind.ADD_REPLACE,
    DiffKind.DELETE: DiffKind.DELETE_REPLACE,
    DiffKind.UPDATE: DiffKind.UPDATE_REPLACE,
}
_MISSING: Final = object()


class _Comparison:
    def __init__(self, force_new: list[paths.Path], *, lenient: bool) -> None:
        self._force_new = force_new
        self._lenient = lenient
        self.changes: dict[str, PropertyDiff] = {}

    def compare(self, path: paths.Path, old: Any, new: Any) -> None:
        """Record the changes between two values, either of which may be missing."""
        if new is _MISSING:
            self._record(path, DiffKind.DELETE, None)
        elif isinstance(new, Unknown):
            self._record(path, DiffKind.ADD if old is _MISSING else DiffKind.UPDATE, new)
        elif old is _MISSING:
            if new or not self._lenient:
                self._record(path, DiffKind.ADD, new)
        elif isinstance(old, dict) and isinstance(new, dict):
            self._compare_maps(path, old, new)
        elif isinstance(old, list) and isinstance(new, list):
            self._compare_lists(path, old, new)
        elif not equal(old, new) and not (self._lenient and _same_quantity(old, new)):
            self._record(path, DiffKind.DELETE if new is None else DiffKind.UPDATE, new)

    def _compare_maps(self, path: paths.Path, old: dict[str, Any], new: dict[str, Any]) -> None:
        for key in sorted(old.keys() | new.keys()):
            self.compare((*path, key), old.get(key, _MISSING), new.get(key, _MISSING))

    def _compare_lists(self, path: paths.Path, old: list[Any], new: list[Any]) -> None:
        for index in range(max(len(old), len(new))):
            before = old[index] if index < len(old) else _MISSING
            after = new[index] if index < len(new) else _MISSING
            self.compare((*path, index), before, after)

    def _record(self, path: paths.Path, kind: DiffKind, value: Any) -> None:
        if any(paths.touches(path, value, pattern) for pattern in self._force_new):
            kind = _REPLACING[kind]
        from_inputs = kind in (DiffKind.DELETE, DiffKind.DELETE_REPLACE)
        self.changes[paths.write(path)] = PropertyDiff(kind, input_diff=from_inputs)


def equal(old: Any, new: Any) -> bool:
    """Whether two plain values are the same; `1` and `1.0` are, `1` and `true` are not."""
    if isinstance(old, bool) or isinstance(new, bool):
        return old is new
    return bool(old == new)


def _same_quantity(old: Any, new: Any) -> bool:
    try:
        return quantities.canonical(old) == quantities.canonical(new)
    except ValueError:
        return False


def changes(
    old: dict[str, Any], new: dict[str, Any], force_new: list[paths.Path], *, lenient: bool = False
) -> dict[str, PropertyDiff]:
    """The changes that turn `old` into `new`, by property path; those that match `force_new` say so.

    A lenient comparison is for values that could not be normalized, because the API server is out of reach: quantities
    are equal if they mean the same, and empty values may be missing.
    """
    comparison = _Comparison(force_new, lenient=lenient)
    comparison.compare((), old, new)
    return comparison.changes


def without_ignored(found: dict[str, PropertyDiff], ignored: list[str]) -> dict[str, PropertyDiff]:
    """The changes that are not inside a property that the program tells the engine to ignore."""
    outer = [paths.parse(path) for path in ignored]
    return {
        path: change
        for path, change in found.items()
        if not any(paths.contains(pattern, paths.parse(path)) for pattern in outer)
    }


def replacing(found: dict[str, PropertyDiff]) -> list[str]:
    """The paths of the changes that cannot be made in place. Taking away all metadata is one."""
    return sorted(
        path
        for path, change in found.items()
        if change.kind.replaces or (path == "metadata" and change.kind is DiffKind.DELETE)
    )
