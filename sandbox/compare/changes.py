"""Reads the changes of a preview from the engine's JSON (`pulumi preview --json`). Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase
from typing import Any, Final

from sandbox.compare.trees import Stack

_COLOURS: Final = re.compile(r"\x1b\[[0-9;]*m|<\{%[^%]*%\}>")

_NAMED: Final = 3
"""Most resources that a message names."""


class Operation(Enum):
    """What happens to a resource, in the order of a report."""

    REPLACE = "replace"
    DELETE = "delete"
    UPDATE = "update"
    CREATE = "create"


_SILENT: Final = "The engine failed and did not say why."
_NO_DOCUMENT: Final = "The engine printed no preview in JSON, so its changes are unknown."

_OPERATIONS: Final[Mapping[str, Operation]] = {
    "create": Operation.CREATE,
    "import": Operation.CREATE,
    "update": Operation.UPDATE,
    "replace": Operation.REPLACE,
    "create-replacement": Operation.REPLACE,
    "delete-replaced": Operation.REPLACE,
    "import-replacement": Operation.REPLACE,
    "delete": Operation.DELETE,
}
"""By the engine's names. Other operations (same, read, refresh, discard) change nothing that is deployed."""

_HOLDS_DATA: Final = (
    "kubernetes:apps/v1:StatefulSet",
    "gcp:sql/databaseInstance:DatabaseInstance",
    "gcp:redis/instance:Instance",
    "gcp:storage/bucket:Bucket",
    "aws:rds/instance:Instance",
    "aws:elasticache/replicationGroup:ReplicationGroup",
    "aws:s3/bucket:Bucket",
    "azure-native:dbforpostgresql:Server",
    "azure-native:redisenterprise:RedisEnterprise",
    "azure-native:storage:StorageAccount",
)
"""Types that hold data. A StatefulSet's claims outlive it, but not their namespace or region."""


@dataclass(frozen=True)
class Change:
    """A resource that changes."""

    operation: Operation
    urn: str
    properties: tuple[str, ...] = ()
    """Properties that differ; for a replacement, those that cause it."""

    @property
    def type(self) -> str:
        """The type token, such as `kubernetes:core/v1:Secret`."""
        return self.urn.split("::")[2].rpartition("$")[2]

    @property
    def name(self) -> str:
        """The logical name."""
        return self.urn.split("::", 3)[3]

    @property
    def takes_away(self) -> bool:
        """Whether the existing resource is deleted."""
        return self.operation in (Operation.REPLACE, Operation.DELETE)

    @property
    def takes_data_away(self) -> bool:
        """Whether it deletes a resource that holds data."""
        return self.takes_away and self.type in _HOLDS_DATA

    def is_protected(self, patterns: tuple[str, ...]) -> bool:
        """Whether it deletes a resource whose type matches one of the patterns (`*:StatefulSet`)."""
        return self.takes_away and any(fnmatchcase(self.type, pattern) for pattern in patterns)


@dataclass(frozen=True, kw_only=True)
class Preview:
    """One stack's preview. `errors` is empty if it succeeded. A warning about several resources appears once."""

    changes: tuple[Change, ...] = ()
    unchanged: int = 0
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def of(self, operation: Operation) -> list[Change]:
        """The changes of one kind, sorted by name."""
        return sorted((item for item in self.changes if item.operation is operation), key=lambda item: item.urn)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The comparison of one stack."""

    stack: Stack
    preview: Preview | None = None
    """None if the stack was removed."""
    base_error: str = ""
    """Why the old tree could not be deployed; empty if it could."""
    worth: str = ""
    """Markdown about cost, capacity and carbon."""

    @property
    def failed(self) -> bool:
        """Whether the preview failed."""
        return self.preview is not None and bool(self.preview.errors)

    def protected(self, patterns: tuple[str, ...]) -> list[Change]:
        """The replacements and deletes of protected types."""
        return [change for change in self.preview.changes if change.is_protected(patterns)] if self.preview else []


def parse(printed: str, status: int = 0, said: str = "") -> Preview:
    """Parse the engine's standard output, with its exit status and its standard error `said`.

    An output without a JSON document is an error even if the engine succeeded: nothing is known of its changes.
    """
    document = _document(printed)
    if document is None:
        return Preview(errors=(_plain(said) or _SILENT if status else _NO_DOCUMENT,))
    changes = [change for step in document.get("steps") or () if (change := _change(step))]
    diagnostics = [item for item in document.get("diagnostics") or () if isinstance(item, dict)]
    errors = tuple(_of_resources(_message(item), _names([item])) for item in diagnostics if _is_error(item))
    if status and not errors:
        errors = (_plain(said) or _SILENT,)
    unique = {change.urn: change for change in changes}
    return Preview(
        changes=tuple(unique.values()),
        unchanged=_unchanged(document),
        errors=errors if status else (),
        warnings=tuple(_warnings(diagnostics)),
    )


def _unchanged(document: Mapping[str, Any]) -> int:
    """Number of unchanged resources. The preview lists only the stack itself of these, which does not count."""
    counted: int = (document.get("changeSummary") or {}).get("same", 0)
    return max(
        counted - any(step["op"] == "same" and _is_stack(step["urn"]) for step in document.get("steps") or ()), 0
    )


def _document(printed: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(printed[printed.index("{") :])
    except ValueError:
        return None
    return found


def _change(step: Mapping[str, Any]) -> Change | None:
    operation = _OPERATIONS.get(step["op"])
    if operation is None or _is_stack(step["urn"]):
        return None
    return Change(operation, step["urn"], _properties(step, operation))


def _is_stack(urn: str) -> bool:
    return "::pulumi:pulumi:Stack::" in urn


def _properties(step: Mapping[str, Any], operation: Operation) -> tuple[str, ...]:
    """Changed properties: paths if the provider gives them, else names of top-level properties."""
    details: Mapping[str, Any] = step.get("detailedDiff") or {}
    if operation is Operation.REPLACE:
        causes = [path for path, detail in details.items() if detail["kind"].endswith("-replace")]
        return tuple(sorted(causes or step.get("replaceReasons") or ()))
    return tuple(sorted(details or step.get("diffReasons") or ()))


def _is_error(diagnostic: Mapping[str, Any]) -> bool:
    return diagnostic.get("severity") in ("error", "info#err")


def _warnings(diagnostics: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    warned: dict[str, list[Mapping[str, Any]]] = {}
    for item in diagnostics:
        if item.get("severity") == "warning":
            warned.setdefault(_message(item), []).append(item)
    for message, items in warned.items():
        yield _of_resources(message, _names([item for item in items if not _is_stack(str(item.get("urn")))]))


def _names(diagnostics: Sequence[Mapping[str, Any]]) -> list[str]:
    """The logical names of the resources in the diagnostics, each once."""
    urns = [str(item.get("urn") or "") for item in diagnostics]
    return sorted({name for urn in urns for name in urn.split("::", 3)[3:]})


def _of_resources(message: str, names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}: {message}" if names else message


def _message(diagnostic: Mapping[str, Any]) -> str:
    return _plain(str(diagnostic.get("message", "")))


def _plain(text: str) -> str:
    return re.sub("^(error|warning): ", "", _COLOURS.sub("", text).strip()).strip()
