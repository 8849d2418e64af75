"""What a resource is charged for, before anything is known of prices. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from components.quantities import quantity_bytes
from report.plan import Plan, Planned, at


@dataclass(frozen=True, kw_only=True)
class Charge:
    """`what` is paid for, as an `item` of the price list, and how much of it there is at least and at most.

    Without a quantity it is paid by use, which no plan tells. `note` says what a reader should know. `gib` is what it
    data services.
    """

    what: str
    item: str
    least: float | None = 1
    most: float | None = None
    note: str = ""
    gib: float = 0

    @property
    def highest(self) -> float | None:
        """The most there can be; what there is at least when it does not grow."""
        return self.least if self.most is None else self.most

    @property
    def by_use(self) -> bool:
        """Whether the quantity is known to nobody before the month is over."""
        return self.least is None


Charges = tuple[Charge, ...]
Charger = Callable[[Planned, Plan], Charges]

GIB: Final = 2**30


def gibibytes(quantity: object) -> float | None:
    """A Kubernetes quantity of storage in GiB; None when it is none."""
    try:
        return quantity_bytes("quantity", str(quantity)) / GIB
    except ValueError:
        return None


def number(inputs: object, path: str, default: float = 0) -> float:
    """The number at a path of the inputs; `default` where there is none."""
    found = at(inputs, path)
    try:
        return float(found)
    except (TypeError, ValueError):
        return default


def text(inputs: object, path: str, default: str = "unknown") -> str:
    """The text at a path of the inputs; `default` where there is none, or where it is not known yet."""
    found: Any = at(inputs, path)
    return default if found is None else str(found)


def by_use(*pairs: tuple[str, str]) -> Charges:
    """Charges that depend on use: pairs of what and item."""
    return tuple(Charge(what=what, item=item, least=None) for what, item in pairs)


def always(*charges: Charge) -> Charger:
    """The same charges whatever the inputs are."""
    return lambda _resource, _plan: charges
