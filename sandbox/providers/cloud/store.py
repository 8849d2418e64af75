"""The resources of a simulated cloud: a file for each, by stack, provider and type.

Edit a file and `pulumi refresh` finds the change; delete it and the resource is gone. Secrets are not in the files.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from sandbox.providers.base import ProviderError
from sandbox.providers.values import Opaque, Secret

HIDDEN: Final = "[secret]"
"""Stands for a secret value in the files."""
_NAME_LENGTH: Final = 80


@dataclass(frozen=True, kw_only=True)
class Record:
    """One resource."""

    urn: str
    type: str
    id: str
    token: str
    """Seed of its computed values."""
    revision: int
    """1 at first; each update adds 1."""
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    made: float = 0.0
    """Creation time, in seconds since 1970."""

    @property
    def stack(self) -> str:
        """The stack that the resource belongs to."""
        return self.urn.split("::")[0].removeprefix("urn:pulumi:")


class Store:
    """The resources of one provider, in all stacks of a sandbox. `root` is the directory of all simulated clouds."""

    def __init__(self, root: Path, provider: str) -> None:
        self._root = root
        self._provider = provider

    def get(self, type_: str, resource_id: str, stack: str) -> Record | None:
        """The resource, None if it does not exist."""
        return _load(self._path(type_, resource_id, stack))

    def put(self, record: Record) -> None:
        """Create or change the resource's file atomically."""
        path = self._path(record.type, record.id, record.stack)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        hidden = asdict(record) | {"inputs": _hide(record.inputs), "outputs": _hide(record.outputs)}
        temporary = path.with_suffix(f".{os.getpid()}-{record.token[:8]}.new")
        temporary.touch(mode=0o600)
        temporary.write_text(json.dumps(hidden, indent=2, sort_keys=True) + "\n")
        temporary.replace(path)

    def remove(self, type_: str, resource_id: str, stack: str) -> None:
        """Delete the resource; one that is gone already counts as deleted."""
        self._path(type_, resource_id, stack).unlink(missing_ok=True)

    def remove_inside(self, resource_id: str, stack: str) -> None:
        """Delete all whose id is below a resource's."""
        for record in self.of_type("*"):
            if record.stack == stack and record.id.startswith(f"{resource_id}/"):
                self.remove(record.type, record.id, stack)

    def keep_backup(self, of: Record, needs: Sequence[str]) -> None:
        """Store the last backup of a deleted resource, with the needs for reading it."""
        path = self._backups(of.stack) / f"{_file_name(of.id)[-_NAME_LENGTH:]}.{of.token[:8]}.json"
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_text(json.dumps({"of": of.id, "needs": list(needs)}, indent=2, sort_keys=True) + "\n")

    def last_backups(self, stack: str) -> dict[str, list[str]]:
        """The stack's resources with a last backup, each with those of its needs that no longer exist."""
        there = {text for record in self.of_type("*") if record.stack == stack for text in _known_as(record)}
        kept = (json.loads(path.read_text()) for path in sorted(self._backups(stack).glob("*.json")))
        return {one["of"]: [need for need in one["needs"] if need not in there] for one in kept}

    def _backups(self, stack: str) -> Path:
        return self._root / ".backups" / stack / self._provider

    def of_type(self, type_: str) -> Iterator[Record]:
        """The resources of a type (`*`: of all), in all stacks."""
        folder = "*" if type_ == "*" else _file_name(type_)
        for path in sorted(self._root.glob(f"*/{self._provider}/{folder}/*.json")):
            record = _load(path)
            if record is not None:
                yield record

    def of_urn(self, type_: str, urn: str) -> Iterator[Record]:
        """The resources that were made for a resource of the program: during a replacement there are two."""
        return (record for record in self.of_type(type_) if record.urn == urn)

    def once(self, rule: str) -> bool:
        """Whether this is the first call ever for the rule."""
        path = self._root / ".faults" / hashlib.sha256(rule.encode()).hexdigest()[:16]
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            path.touch(exist_ok=False)
        except FileExistsError:
            return False
        return True

    def _path(self, type_: str, resource_id: str, stack: str) -> Path:
        digest = hashlib.sha256(resource_id.encode()).hexdigest()[:8]
        readable = _file_name(resource_id)[-_NAME_LENGTH:]
        return self._root / stack / self._provider / _file_name(type_) / f"{readable}.{digest}.json"


def _known_as(record: Record) -> Iterator[str]:
    """The id of a resource, and the addresses that it has among its outputs."""
    yield record.id
    yield from (value for value in record.outputs.values() if isinstance(value, str))


def reveal(stored: Any, recorded: Any) -> Any:
    """The stored value with its secrets put back from the engine's record; where that has none they are None."""
    if isinstance(recorded, Secret):
        return recorded if stored == HIDDEN else Secret(reveal(stored, recorded.value))
    if stored == HIDDEN:
        return recorded
    if isinstance(stored, dict):
        known = recorded if isinstance(recorded, dict) else {}
        return {key: reveal(value, known.get(key)) for key, value in stored.items()}
    if isinstance(stored, list):
        items = recorded if isinstance(recorded, list) else []
        return [reveal(value, items[index] if index < len(items) else None) for index, value in enumerate(stored)]
    return stored


def _hide(value: Any) -> Any:
    if isinstance(value, Secret):
        return HIDDEN
    if isinstance(value, Opaque):
        return None
    if isinstance(value, Mapping):
        return {key: _hide(item) for key, item in value.items()}
    return [_hide(item) for item in value] if isinstance(value, list) else value


def _load(path: Path) -> Record | None:
    try:
        return Record(**json.loads(path.read_text()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise ProviderError(f"{path} is damaged ({error}); repair it, or delete it if it may be gone") from error


def _file_name(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "_", text).strip("_") or "_"
