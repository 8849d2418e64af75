"""Replaces malformed settings with valid ones, so that rules can check all the others. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from stacks.settings.inheritance import Plain
from stacks.settings.malformed import Path, example_of, lists_of_maps, path_in
from stacks.settings.models import Settings

_ENTRIES: Final[Mapping[str, object]] = {
    **{key: {} for key in lists_of_maps()},
    "apiAccess": "203.0.113.0/24",
    "egressAddresses": "203.0.113.7",
    "dnsAddresses": "10.96.0.10",
}
"""Replacement of a malformed entry, by the key of its list. The entries after it keep their indexes.

A map then lacks required keys, which get examples. Any other list gets its default as a whole.
"""


@dataclass(frozen=True, kw_only=True)
class Filled:
    """Settings after replacing malformed values."""

    settings: Settings | None
    """None if a value could not be replaced."""
    replaced: frozenset[Path]
    """Paths of all replaced values."""


@dataclass(frozen=True)
class _Change:
    """A change at a path: remove the value, or replace it with an example or with another list entry."""

    place: Path
    kind: Literal["left out", "example", "entry"]


def validated(values: Plain) -> tuple[Settings | None, Sequence[ErrorDetails]]:
    """Validate plain values: the settings, or None and pydantic's errors."""
    try:
        return Settings.model_validate(dict(values)), ()
    except ValidationError as error:
        return None, error.errors()


def fill(values: Plain, errors: Sequence[ErrorDetails]) -> Filled:
    """The settings with valid values at the paths of the `errors`.

    Removes a malformed value, so that the setting has its default. A required setting gets an example instead. If the
    value is still malformed, the same happens to the map or list around it.
    """
    plain: dict[str, Any] = _copy(values)
    done: set[_Change] = set()
    replaced: set[Path] = set()
    settings: Settings | None = None
    while errors:
        changed: set[Path] = set()
        for error in errors:
            path = path_in(error)
            if any(path[: len(place)] == place for place in changed):
                continue
            change = _mend(plain, path, error, done)
            if change is None:
                return Filled(settings=None, replaced=frozenset(replaced))
            done.add(change)
            changed.add(change.place)
            # Removing an unknown key changes no setting.
            if error["type"] != "extra_forbidden" or change.place != path:
                replaced |= {path, change.place}
        settings, errors = validated(plain)
    return Filled(settings=settings, replaced=frozenset(replaced))


def _mend(plain: dict[str, Any], path: Path, error: ErrorDetails, done: set[_Change]) -> _Change | None:
    """Change the innermost part of `path` that can change and has not; return the change, or None."""
    for length in range(len(path), 0, -1):
        place = path[:length]
        change = _possible(_at(plain, place[:-1]), place, missing=length == len(path) and error["type"] == "missing")
        if change is not None and change not in done:
            _make(plain, change, error)
            return change
    return None


def _possible(container: object, place: Path, *, missing: bool) -> _Change | None:
    step = place[-1]
    if isinstance(container, dict) and step in container:
        return _Change(place, "left out")
    if isinstance(container, dict) and missing:
        return _Change(place, "example")
    if isinstance(container, list) and isinstance(step, int) and step < len(container) and place[-2] in _ENTRIES:
        return _Change(place, "entry")
    return None


def _make(plain: dict[str, Any], change: _Change, error: ErrorDetails) -> None:
    container, step = _at(plain, change.place[:-1]), change.place[-1]
    match change.kind:
        case "left out":
            del container[step]
        case "example":
            container[step] = _copy(example_of(error))
        case "entry":
            container[step] = _copy(_ENTRIES[str(change.place[-2])])


def _at(plain: dict[str, Any], path: Path) -> Any:
    """The value at a path; None if there is none."""
    found: Any = plain
    for step in path:
        if isinstance(found, dict):
            found = found.get(step)
        elif isinstance(found, list) and isinstance(step, int) and step < len(found):
            found = found[step]
        else:
            return None
    return found


def _copy(value: Any) -> Any:
    """A copy whose maps and lists can be changed."""
    if isinstance(value, Mapping):
        return {key: _copy(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_copy(inner) for inner in value]
    return value
