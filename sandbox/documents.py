"""Reads Kubernetes YAML, with several documents in one text, like Kubernetes' own tools."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

# If available, libyaml's parser is ten times as fast, and definitions take megabytes.
_Base: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc, valid-type]
    """Reads dates and `=` as strings and no base 60 numbers, like Kubernetes."""


_LEFT_OUT: Final = frozenset({"tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:value"})
_INT: Final = re.compile(r"^(?:[-+]?0b[0-1_]+|[-+]?0o?[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+)$")
_FLOAT: Final = re.compile(
    r"^(?:[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
)
_PATTERNS: Final = {"tag:yaml.org,2002:int": _INT, "tag:yaml.org,2002:float": _FLOAT}
_Loader.yaml_implicit_resolvers = {
    first: [(tag, _PATTERNS.get(tag, pattern)) for tag, pattern in resolvers if tag not in _LEFT_OUT]
    for first, resolvers in _Base.yaml_implicit_resolvers.items()
}


class DocumentError(ValueError):
    """The text is not YAML, or a document is not an object."""


def read(text: str, origin: str) -> list[dict[str, Any]]:
    """The objects of a text: lists are flattened, empty documents left out. Raises `DocumentError` with the origin."""
    try:
        documents = [document for document in yaml.load_all(text, Loader=_Loader) if document]
    except yaml.YAMLError as error:
        raise DocumentError(f"{origin} is not YAML: {error}") from error
    for document in documents:
        if not isinstance(document, dict):
            raise DocumentError(f"{origin} holds a {type(document).__name__} where a Kubernetes object was expected")
    return [item for document in documents for item in _objects(document)]


def read_mapping(text: str, origin: str) -> dict[str, Any]:
    """The single mapping of a text, such as a chart's values; empty for an empty text."""
    try:
        document = next(yaml.load_all(text, Loader=_Loader), None)
    except yaml.YAMLError as error:
        raise DocumentError(f"{origin} is not YAML: {error}") from error
    if document is not None and not isinstance(document, dict):
        raise DocumentError(f"{origin} holds a {type(document).__name__}; expected a mapping")
    return document or {}


def read_file(path: Path) -> list[dict[str, Any]]:
    """The objects of a file."""
    return read(path.read_text(), str(path))


def _objects(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    kind, items = document.get("kind"), document.get("items")
    if isinstance(kind, str) and kind.endswith("List") and isinstance(items, list):
        for item in items:
            yield from _objects(item)
    else:
        yield document
