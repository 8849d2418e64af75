"""The outputs of a resource: its inputs and the cloud's additions. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.providers.cloud.kinds import Facts, Kind
from sandbox.providers.values import UNKNOWN, Secret, has_secret

Values = dict[str, Any]


def made(kind: Kind, facts: Facts, given: Mapping[str, Any]) -> Values:
    """The outputs of an existing resource. Values from secrets stay secret."""
    added = {name: _sealed(kind, given, name, make(facts)) for name, make in kind.outputs.items()}
    return _echo(given) | added


def planned(kind: Kind, given: Mapping[str, Any]) -> Values:
    """The outputs of a planned resource. Values that the cloud decides are unknown."""
    return _echo(given) | {name: _sealed(kind, given, name, UNKNOWN) for name in kind.outputs}


def planned_update(kind: Kind, olds: Mapping[str, Any], given: Mapping[str, Any]) -> Values:
    """The outputs after a planned update. The cloud's values stay, except those that change each time."""
    kept = {name: olds[name] for name in kind.outputs if name in olds and name not in kind.changing}
    changed = {name: _sealed(kind, given, name, UNKNOWN) for name in kind.changing}
    return _echo(given) | kept | changed


def _echo(given: Mapping[str, Any]) -> Values:
    return {name: value for name, value in given.items() if not name.startswith("__") and value is not None}


def _sealed(kind: Kind, given: Mapping[str, Any], name: str, value: Any) -> Any:
    return Secret(value) if name in kind.secret or has_secret(given.get(name)) else value
