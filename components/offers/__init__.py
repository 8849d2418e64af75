"""The machine types that each cloud offers in each known region, and their prices. Data, and pure look-ups.

The tables are CSV files in this folder. `sources.csv` gives the origin and date of each row:

- `sizes.csv`: machines of nodes, databases and caches, one row per family and set of regions.
- `regions.csv`: zones of each region, and whether it accepts new databases with a standby in another zone.
- `machines.csv`: processors and GiB of machines, one row per family, `size=processors/GiB`.
- `prices.csv`: prices of machines.
- `gpus.csv` and `gpu_zones.csv`: GPUs of machine types, and the zones of Google Cloud that have those types.

Values that the tables lack are unknown (None), and an unknown value never refuses a setting, except that machines with
GPUs must be in `gpus.csv`. Examples of unknown values are a family
without a row, a region that the family's source does not cover, and a region outside the catalogue.
"""

from components.offers.fit import Use, has_eks, is_arm, is_special, unfit
from components.offers.gpus import Gpus, gpu_types, gpu_zones, gpus_of
from components.offers.machines import Machine, machine, room
from components.offers.prices import HOURS_PER_MONTH, MachinePrice, machine_price, monthly_prices
from components.offers.sizes import Kind, here, nearest, offered, source_of, table, types
from components.offers.tables import Source, standby_in_another_zone, zones

__all__ = [
    "HOURS_PER_MONTH",
    "Gpus",
    "Kind",
    "Machine",
    "MachinePrice",
    "Source",
    "Use",
    "gpu_types",
    "gpu_zones",
    "gpus_of",
    "has_eks",
    "here",
    "is_arm",
    "is_special",
    "machine",
    "machine_price",
    "monthly_prices",
    "nearest",
    "offered",
    "room",
    "source_of",
    "standby_in_another_zone",
    "table",
    "types",
    "unfit",
    "zones",
]
