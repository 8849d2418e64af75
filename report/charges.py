"""Charges of a resource, without prices. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from components.quantities import quantity_bytes
from report.preview import Plan, Planned, at


@dataclass(frozen=True, kw_only=True)
class Charge:
    """A part of a resource that the cloud charges for."""

    what: str
    """Name for readers."""
    item: str
    """Key in the price list."""
    least: float | None = 1
    """Lowest quantity. None: the charge depends on use, which no plan knows."""
    most: float | None = None
    """Highest quantity. None: the same as `least`."""
    note: str = ""
    """A remark for readers."""
    gib: float = 0
    """GiB that it stores."""

    @property
    def highest(self) -> float | None:
        """The highest quantity, which is `least` if the charge does not grow."""
        return self.least if self.most is None else self.most

    @property
    def by_use(self) -> bool:
        """Whether the quantity depends on use, so that no plan knows it."""
        return self.least is None


Charges = tuple[Charge, ...]
Charger = Callable[[Planned, Plan], Charges]

GIB: Final = 2**30

FREE_NETWORK: Final = "part of a network; traffic is charged where it leaves it"
FREE_RIGHTS: Final = "rights and identities have no price"
FREE_PART: Final = "part of something that is charged"
"""Reasons why resources of any cloud cost nothing."""


def gibibytes(quantity: object) -> float | None:
    """A Kubernetes quantity of storage in GiB; None if it is not one."""
    try:
        return quantity_bytes("quantity", str(quantity)) / GIB
    except ValueError:
        return None


def number(inputs: object, path: str, default: float = 0) -> float:
    """The number at a path of the inputs; `default` if there is none."""
    found = at(inputs, path)
    try:
        return float(found)
    except (TypeError, ValueError):
        return default


def text(inputs: object, path: str, default: str = "unknown") -> str:
    """The text at a path of the inputs; `default` if it is missing or not known yet."""
    found: Any = at(inputs, path)
    return default if found is None else str(found)


def by_use(*pairs: tuple[str, str]) -> Charges:
    """Charges that depend on use, from pairs of (what, item)."""
    return tuple(Charge(what=what, item=item, least=None) for what, item in pairs)


def always(*charges: Charge) -> Charger:
    """The same charges for any inputs."""
    return lambda _resource, _plan: charges
