"""Refuse types that a region does not offer or that are unfit, from the same tables that the program uses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from components import offers
from sandbox.providers.cloud.kinds import Existing, Facts, Refusal, Table

Named = Callable[[Facts], Iterator[object]]
"""Returns the types of machines, databases or caches in a resource's inputs."""


@dataclass(frozen=True, kw_only=True)
class Offer:
    """Types of a `kind` in resources of one type; `named` finds them."""

    kind: offers.Kind
    named: Named
    use: offers.Use | Callable[[Facts], offers.Use] | None = None
    """What the cloud takes them for, or what says so by the resource. None: the kind."""


def at(path: str) -> Named:
    """The value at a dotted path of the inputs; `[]` after a step is each entry of a list."""
    return lambda facts: _values(facts.inputs, path.split("."))


def refusing(table: Table, cloud: str, place: Callable[[Facts], str], asked: Mapping[str, Offer]) -> Table:
    """The table of a cloud whose types in `asked` are refused where a region does not have what they name."""

    def with_offer(token: str, offer: Offer) -> Refusal:
        before = table[token].refusal

        def refusal(facts: Facts, existing: Existing) -> str | None:
            return (before(facts, existing) if before else None) or _missing(cloud, place(facts), offer, facts)

        return refusal

    return {**table, **{token: replace(table[token], refusal=with_offer(token, one)) for token, one in asked.items()}}


def _missing(cloud: str, region: str, offer: Offer, facts: Facts) -> str | None:
    use = offer.use(facts) if callable(offer.use) else offer.use or offer.kind
    for name in offer.named(facts):
        if not isinstance(name, str):
            continue
        if offers.offered(cloud, offer.kind, region, name) is False:
            return f"{name} is not available in {region}"
        if why := offers.unfit(cloud, use, name):
            return f"{name} {why}"
    return None


def _values(value: Any, steps: list[str]) -> Iterator[object]:
    if not steps:
        yield value
        return
    step, *rest = steps
    inner = value.get(step.removesuffix("[]")) if isinstance(value, Mapping) else None
    for one in inner or [] if step.endswith("[]") else [inner]:
        yield from _values(one, rest)
