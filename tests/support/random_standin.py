"""Call the stand-in of the random provider."""

from __future__ import annotations

from typing import Any

from sandbox.providers import generated
from sandbox.providers.generated import Change, Kind
from sandbox.providers.random.__main__ import Random
from sandbox.providers.random.kinds import KINDS
from sandbox.providers.server import EngineClient

_BY_NAME = {kind.name.rpartition(":")[2]: kind for kind in KINDS}


def kind(name: str) -> Kind:
    return _BY_NAME[name]


def make(name: str, **inputs: Any) -> tuple[str, dict[str, Any]]:
    assert generated.check(kind(name), inputs) == []
    return generated.create(kind(name), inputs)


def reasons(name: str, **inputs: Any) -> dict[str, str]:
    return {problem.property: problem.reason for problem in generated.check(kind(name), inputs)}


def changed(name: str, old: dict[str, Any], new: dict[str, Any]) -> dict[str, Change]:
    _, state = make(name, **old)
    return generated.changes(kind(name), state, new)


def urn(name: str) -> str:
    return f"urn:pulumi:test::project::{kind(name).name}::thing"


def provider() -> Random:
    return Random(EngineClient())
