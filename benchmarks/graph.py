"""The critical path: the chain of resources that decides how long a stack takes, however much is made at once. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Duration = Callable[[Mapping[str, Any]], float]
"""Minutes that making a resource takes, given its entry in the state."""


@dataclass(frozen=True)
class Step:
    """A resource of the chain: its URN, how long it takes, and when it is ready (minutes)."""

    urn: str
    minutes: float
    ready: float


def waits_for(resource: Mapping[str, Any]) -> set[str]:
    """URNs of all that must be there before the engine makes the resource.

    Those are its dependencies, its parent, its provider, and what it is deleted with.
    """
    found = set(resource.get("dependencies") or ())
    for urns in (resource.get("propertyDependencies") or {}).values():
        found.update(urns or ())
    provider = str(resource.get("provider") or "").rpartition("::")[0]
    return {urn for urn in (*found, resource.get("parent"), provider, resource.get("deletedWith")) if urn}


def longest(resources: Iterable[Mapping[str, Any]], duration: Duration) -> list[Step]:
    """The chain of resources that is ready last, first one first.

    The resources come in an order in which each follows what it waits for, as the engine keeps and plans them.
    """
    ready: dict[str, Step] = {}
    before: dict[str, str | None] = {}
    for resource in resources:
        urn = resource["urn"]
        waited = [ready[other] for other in sorted(waits_for(resource)) if other in ready]
        last = max(waited, key=lambda step: step.ready, default=None)
        minutes = duration(resource)
        ready[urn] = Step(urn, minutes, minutes + (last.ready if last else 0.0))
        before[urn] = last.urn if last else None
    return _chain(ready, before)


def _chain(ready: Mapping[str, Step], before: Mapping[str, str | None]) -> list[Step]:
    end = max(ready.values(), key=lambda step: step.ready, default=None)
    chain: list[Step] = []
    urn = end.urn if end else None
    while urn is not None:
        chain.append(ready[urn])
        urn = before[urn]
    return chain[::-1]
