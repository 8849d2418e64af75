"""Reads a resource's properties: plain values, paths, and values that are not known yet. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pulumi_policy.proxy import UnknownValueError

from report.preview import UNKNOWN_VALUES

Props = Mapping[str, Any]


class Unknown:
    """A value that the engine learns only during the deployment."""

    def __repr__(self) -> str:
        return "not known yet"


UNKNOWN: Final = Unknown()


def plain(value: Any) -> Any:
    """A value of the policy SDK as dicts, lists and scalars; `UNKNOWN` where it is not known yet."""
    if isinstance(value, Mapping):
        return {key: _read(value, key) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_read(value, index) for index in range(len(value))]
    if isinstance(value, str) and value in UNKNOWN_VALUES:
        return UNKNOWN
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _read(container: Any, key: Any) -> Any:
    try:
        return plain(container[key])
    except UnknownValueError:
        return UNKNOWN


def values_at(value: Any, path: str) -> Iterator[Any]:
    """The values at a dotted path, in which `[]` stands for each element of a list.

    A missing value is None, a missing list has no elements, and a path below an unknown value yields that unknown.
    """
    step, _, rest = path.partition(".")
    key = step.removesuffix("[]")
    found = value.get(key) if isinstance(value, Mapping) else None
    if found is UNKNOWN:
        yield UNKNOWN
    elif step.endswith("[]"):
        for element in found if isinstance(found, list) else ():
            yield from values_at(element, rest) if rest and element is not UNKNOWN else [element]
    elif rest:
        yield from values_at(found, rest)
    else:
        yield found


def at(value: Any, path: str) -> Any:
    """The first value at a path; None when there is none."""
    return next(values_at(value, path), None)


def elements(value: Any, path: str) -> list[Any]:
    """The known elements of the list at a path."""
    return [element for element in values_at(value, f"{path}[]") if element is not UNKNOWN]


def mapping(value: Any, path: str) -> dict[str, Any]:
    """The map at a path; empty if missing or not known yet."""
    found = at(value, path)
    return found if isinstance(found, dict) else {}


def shown(value: Any) -> str:
    """A value in a message: short, and None as `missing`."""
    text = "missing" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
