"""What each cloud offers in each region of the catalogue, and what a machine costs there. Data, and pure look-ups.

The tables are CSV files in this folder, and `sources.csv` says where each row is from and of when:

- `sizes.csv`: machines of nodes, databases and caches, a row for each family and the regions that have it.
- `regions.csv`: zones of each region, and whether it takes new databases with a standby in another zone.
- `prices.csv`: what a machine costs.

What the tables do not tell is unknown (None), and nobody is refused because of it: a family that is in no row, a region
that the family's source was not read for, a region that the catalogue does not know.
"""

from components.offers.fit import unfit
from components.offers.prices import HOURS_PER_MONTH, MachinePrice, machine_price, monthly_prices
from components.offers.regions import standby_in_another_zone, zones
from components.offers.sizes import Kind, here, nearest, offered, source_of, table, types
from components.offers.tables import Source

__all__ = [
    "HOURS_PER_MONTH",
    "Kind",
    "MachinePrice",
    "Source",
    "here",
    "machine_price",
    "monthly_prices",
    "nearest",
    "offered",
    "source_of",
    "standby_in_another_zone",
    "table",
    "types",
    "unfit",
    "zones",
]
