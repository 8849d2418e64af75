"""What a machine costs, by cloud, region and type."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from components.offers.tables import Source, rows, sources

HOURS_PER_MONTH: Final = 730


@dataclass(frozen=True, kw_only=True)
class MachinePrice:
    """On demand, with Linux, without tax: US dollars an hour, and who says so."""

    usd_per_hour: float
    source: Source

    @property
    def usd_per_month(self) -> float:
        """US dollars for a month."""
        return self.usd_per_hour * HOURS_PER_MONTH


def machine_price(cloud: str, region: str, name: str) -> MachinePrice | None:
    """The price of a type of machine in a region; None when it is unknown."""
    return _prices().get((cloud, region, name))


def monthly_prices(cloud: str, region: str) -> Mapping[str, float]:
    """US dollars a month of all types whose price in the region is known, in cents."""
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
