"""The critical path: the chain of resources that limits the time of a stack, even with full parallelism. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Duration = Callable[[Mapping[str, Any]], float]
"""Minutes that making a resource takes, given its entry in the state."""


@dataclass(frozen=True)
class Step:
    """A resource of the chain."""

    urn: str
    minutes: float
    """How long its creation takes."""
    ready: float
    """Minutes from the start until it is ready."""


def waits_for(resource: Mapping[str, Any]) -> set[str]:
    """URNs of all resources that must exist before the engine makes this one.

    These are its dependencies, its parent, its provider and the resource it is deleted with.
    """
    found = set(resource.get("dependencies") or ())
    for urns in (resource.get("propertyDependencies") or {}).values():
        found.update(urns or ())
    provider = str(resource.get("provider") or "").rpartition("::")[0]
    return {urn for urn in (*found, resource.get("parent"), provider, resource.get("deletedWith")) if urn}


def longest(resources: Iterable[Mapping[str, Any]], duration: Duration) -> list[Step]:
    """The chain of resources that is ready last, in order.

    `resources` must list each resource after its dependencies, like the engine's state and plan.
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
