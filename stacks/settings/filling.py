"""Valid settings in the place of malformed ones, so that rules can check all the others. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from stacks.settings.inheritance import Plain
from stacks.settings.malformed import Path, example_of, path_in
from stacks.settings.models import Settings

_ENTRIES: Final[Mapping[str, object]] = {
    "regions": {},
    "streams": {},
    "apiAccess": "203.0.113.0/24",
    "egressAddresses": "203.0.113.7",
}
"""Replacement of a malformed entry, by the key of its list. The entries after it keep their indexes.

A region or a stream then lacks its required keys, which get examples. Any other list gets its default as a whole.
"""


@dataclass(frozen=True, kw_only=True)
class Filled:
    """Settings in which nothing is malformed any more."""

    settings: Settings | None
    """None if some value could not be replaced."""
    replaced: frozenset[Path]
    """Paths of all values that are not the user's."""


@dataclass(frozen=True)
class _Change:
    """A change at a path: the value is left out, or an example takes its place, or another entry of the list."""

    place: Path
    kind: Literal["left out", "example", "entry"]


def validated(values: Plain) -> tuple[Settings | None, Sequence[ErrorDetails]]:
    """The settings in plain values; or None, and pydantic's errors."""
    try:
        return Settings.model_validate(dict(values)), ()
    except ValidationError as error:
        return None, error.errors()


def fill(values: Plain, errors: Sequence[ErrorDetails]) -> Filled:
    """The settings with valid values in the places that the `errors` name.

    A malformed value is left out, so that the setting has its default. If the setting is required, it gets an example
    instead. If the value is malformed nevertheless, the map or list around it is left out in the same way.
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
            # To leave out a key that is no setting changes nothing.
            if error["type"] != "extra_forbidden" or change.place != path:
                replaced |= {path, change.place}
        settings, errors = validated(plain)
    return Filled(settings=settings, replaced=frozenset(replaced))


def _mend(plain: dict[str, Any], path: Path, error: ErrorDetails, done: set[_Change]) -> _Change | None:
    """Change the innermost place of `path` that can be changed and was not yet; None when there is none."""
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
    """What is at a path; None when there is nothing."""
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
