"""Check the inputs of a resource against its SDK."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sandbox.providers.cloud.sdk import Shape, Source, Type
from sandbox.providers.values import Opaque, Secret, Unknown

Failure = tuple[str, str]
"""The path of a property, and its problem."""

_WORDS: Final[Mapping[str, str]] = {
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "list": "a list",
    "map": "a map",
    "object": "a map",
}
_PYTHON: Final[Mapping[str, tuple[type, ...]]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "list": (list,),
    "map": (dict,),
    "object": (dict,),
}


def check(source: Source, inputs: Mapping[str, Any]) -> list[Failure]:
    """All problems of a resource's inputs. Unknown values pass."""
    return list(_Checker(source).properties(source.name, source.inputs(), inputs, ""))


def unknown_names(what: str, known: Iterable[str], given: Iterable[str], path: str = "") -> list[Failure]:
    """A failure for each unknown name. Names that begin with `__` belong to the engine or the stand-in."""
    known = sorted(known)
    strange = [name for name in given if name not in known and not name.startswith("__")]
    return [(path + name, f"{what} has no property {name}; {hint(name, known)}") for name in strange]


def hint(name: str, known: list[str]) -> str:
    """Suggest the closest known name."""
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]}?" if close else f"it has {', '.join(known) or 'none'}"


@dataclass(frozen=True)
class _Checker:
    source: Source

    def properties(self, what: str, shape: Shape, given: Mapping[str, Any], path: str) -> Iterator[Failure]:
        values = {name: value for name, value in given.items() if value is not None}
        yield from unknown_names(what, shape, values, path)
        for name, expected in shape.items():
            if name in values:
                yield from self.value(expected.type, values[name], path + name)
            elif expected.required:
                yield path + name, f"{what} needs {name}; set it to {_WORDS.get(expected.type.kind, 'a value')}"

    def value(self, expected: Type, value: Any, path: str, *, secret: bool = False) -> Iterator[Failure]:
        if isinstance(value, Secret):
            yield from self.value(expected, value.value, path, secret=True)
        elif expected.kind == "any" or value is None or isinstance(value, Unknown | Opaque):
            return
        elif not _fits(expected, value):
            shown = "a secret of another type" if secret else repr(value)
            yield path, f"{path} is {shown}; it must be {_WORDS[expected.kind]}"
        else:
            yield from self._inside(expected, value, path, secret)

    def _inside(self, expected: Type, value: Any, path: str, secret: bool) -> Iterator[Failure]:
        if expected.kind == "list" and expected.item:
            for index, item in enumerate(value):
                yield from self.value(expected.item, item, f"{path}[{index}]", secret=secret)
        elif expected.kind == "map" and expected.item:
            for key, item in value.items():
                yield from self.value(expected.item, item, f"{path}.{key}", secret=secret)
        elif expected.kind == "object":
            shape = self.source.object(expected.name)
            if shape is not None:
                yield from self.properties(path, shape, value, f"{path}.")


def _fits(expected: Type, value: Any) -> bool:
    # In Python, a bool is an int.
    is_right_bool = isinstance(value, bool) == (expected.kind == "boolean")
    return is_right_bool and isinstance(value, _PYTHON[expected.kind])
