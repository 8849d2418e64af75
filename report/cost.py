"""Monthly cost of a plan: a line for each charge, and sums of the known ones. Pure."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from report import amazon, google, kubernetes, microsoft
from report.charges import Charge
from report.preview import Plan, Planned
from report.prices import Price, price_of

CHARGERS: Final = {**google.CHARGERS, **amazon.CHARGERS, **microsoft.CHARGERS, **kubernetes.CHARGERS}
FREE: Final = {**google.FREE, **amazon.FREE, **microsoft.FREE}
FREE_PACKAGES: Final = {
    "kubernetes": "runs on machines, which are charged",
    "pulumi": "exists in the state only",
    "random": "exists in the state only",
    "sacred-council": "a component: its parts are charged",
    "tls": "exists in the state only",
}
UNSEEN: Final = "unlisted"
"""Prefix of the item of a resource type that the tables do not list."""

Kind = Literal["priced", "by use", "unknown"]


@dataclass(frozen=True, kw_only=True)
class Line:
    """One charge of one resource. `least` and `most` are US dollars a month, None if unknown."""

    region: str
    part: str
    resource: str
    charge: Charge
    price: Price | None

    @property
    def kind(self) -> Kind:
        """Whether its price and its quantity are known."""
        if self.price is None:
            return "unknown"
        return "by use" if self.charge.by_use else "priced"

    @property
    def least(self) -> float | None:
        """Lowest cost."""
        return self._cost(self.charge.least)

    @property
    def most(self) -> float | None:
        """Cost after all growth that the settings allow."""
        return self._cost(self.charge.highest)

    def _cost(self, quantity: float | None) -> float | None:
        return None if self.price is None or quantity is None else self.price.usd * quantity


@dataclass(frozen=True, kw_only=True)
class Sum:
    """US dollars a month."""

    least: float
    most: float
    unknown: int
    """Number of lines without a price, which the sum leaves out."""
    by_use: int
    """Number of lines that depend on use, which the sum leaves out."""


def lines(plan: Plan) -> tuple[Line, ...]:
    """All charges of the plan, sorted by region, part and resource."""
    found = (line for resource in plan.resources for line in _lines_of(resource, plan))
    return tuple(sorted(found, key=lambda line: (line.region, line.part, line.resource, line.charge.what)))


def charges(resource: Planned, plan: Plan) -> tuple[Charge, ...]:
    """The charges of a resource. A type that the tables do not list gets one charge without a price."""
    charger = CHARGERS.get(resource.type)
    if charger:
        return charger(resource, plan)
    return () if free_because(resource.type) else (Charge(what=resource.type, item=f"{UNSEEN}.{resource.type}"),)


def free_because(kind: str) -> str | None:
    """Why a resource type is free; None if it is not or if the tables do not list it."""
    return FREE.get(kind) or FREE_PACKAGES.get(kind.partition(":")[0])


def total(found: Iterable[Line]) -> Sum:
    """The sum of some lines."""
    counted = list(found)
    return Sum(
        least=sum(line.least or 0 for line in counted),
        most=sum(line.most or 0 for line in counted),
        unknown=sum(line.kind == "unknown" for line in counted),
        by_use=sum(line.kind == "by use" for line in counted),
    )


def by(found: Iterable[Line], key: Callable[[Line], str]) -> dict[str, Sum]:
    """Sums of the lines with the same key, sorted by key."""
    counted = list(found)
    return {name: total(line for line in counted if key(line) == name) for name in sorted({*map(key, counted)})}


def _lines_of(resource: Planned, plan: Plan) -> Iterator[Line]:
    for charge in charges(resource, plan):
        yield Line(
            region=plan.region_of(resource),
            part=resource.part,
            resource=resource.name,
            charge=charge,
            price=price_of(charge.item, plan.region_of(resource)),
        )
