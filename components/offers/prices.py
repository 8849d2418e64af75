"""Prices of machines by cloud, region and type."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from components.offers.tables import Source, rows, sources

HOURS_PER_MONTH: Final = 730


@dataclass(frozen=True, kw_only=True)
class MachinePrice:
    """The on-demand price of a machine with Linux, without tax."""

    usd_per_hour: float
    """US dollars per hour."""
    source: Source

    @property
    def usd_per_month(self) -> float:
        """US dollars per month."""
        return self.usd_per_hour * HOURS_PER_MONTH


def machine_price(cloud: str, region: str, name: str) -> MachinePrice | None:
    """Return the price of a machine type in a region. None: unknown."""
    return _prices().get((cloud, region, name))


def monthly_prices(cloud: str, region: str) -> Mapping[str, float]:
    """Return US dollars per month, rounded to cents, of all types with a known price in the region."""
    return {
        name: round(price.usd_per_month, 2)
        for (its_cloud, its_region, name), price in sorted(_prices().items())
        if (its_cloud, its_region) == (cloud, region)
    }


@cache
def _prices() -> Mapping[tuple[str, str, str], MachinePrice]:
    return {
        (row["cloud"], row["region"], row["type"]): MachinePrice(
            usd_per_hour=float(row["usd_per_hour"]), source=sources()[row["source"]]
        )
        for row in rows("prices")
    }
