"""The yearly carbon estimate of a plan's machines and disks. Pure.

Energy: coefficients of Cloud Carbon Footprint (Methodology, edition of 2023-09-12): watts of a processor at half
load, watts of a GB of memory (Google Cloud only, as there), watts of a TB on SSDs, and the overhead of each cloud's
data centres (PUE; for Azure the lower of its two figures). Grid: stacks/geography, yearly averages.
Not counted: control planes, managed services, networks, replicas that a cloud keeps by itself, and the manufacture of
the machines. The report lists machine types that are missing here as unknown.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from report.kubernetes import volumes
from report.machines import Machines, machines_of
from report.preview import UNKNOWN_CLOUD, Plan
from stacks import geography

SOURCE: Final = "Cloud Carbon Footprint, Methodology"
DATE: Final = "2023-09-12"
HOURS_PER_YEAR: Final = 8_760
LOAD: Final = 0.50
MEMORY_WATTS_PER_GB: Final = 0.392
SSD_WATTS_PER_TB: Final = 1.2
GB_PER_TB: Final = 1_000


@dataclass(frozen=True, kw_only=True)
class Power:
    """Power of a cloud's machines, in watts."""

    idle: float
    """Watts of an idle virtual processor."""
    busy: float
    """Watts of a busy virtual processor."""
    memory: float
    """Watts of a GB of memory."""
    overhead: float
    """Factor for the data centre (PUE)."""


POWERS: Final = {
    "gcp": Power(idle=0.71, busy=4.26, memory=MEMORY_WATTS_PER_GB, overhead=1.1),
    "aws": Power(idle=0.74, busy=3.5, memory=0, overhead=1.135),
    "azure": Power(idle=0.78, busy=3.76, memory=0, overhead=1.125),
}

SIZES: Final = {
    "e2-standard-2": (2, 8),
    "e2-standard-4": (4, 16),
    "e2-standard-8": (8, 32),
    "n2-standard-4": (4, 16),
    "m5.large": (2, 8),
    "m5.xlarge": (4, 16),
    "m6i.xlarge": (4, 16),
    "m7g.xlarge": (4, 16),
    "m7i.large": (2, 8),
    "m7i.xlarge": (4, 16),
    "m7i.2xlarge": (8, 32),
    "Standard_D2s_v5": (2, 8),
    "Standard_D4s_v5": (4, 16),
    "Standard_D8s_v5": (8, 32),
}
"""Virtual processors and GB of memory of machine types. Source: the vendors' documentation of each type."""


@dataclass(frozen=True, kw_only=True)
class Footprint:
    """A region's kWh and kg CO2eq a year, at least and at most; None if unknown."""

    region: str
    least_kwh: float | None
    most_kwh: float | None
    grams_per_kwh: int | None
    grid_year: int | None
    unknown: tuple[str, ...] = ()
    """What is missing from the figures."""

    @property
    def least_kg(self) -> float | None:
        """Kilograms a year at least."""
        return _kilograms(self.least_kwh, self.grams_per_kwh)

    @property
    def most_kg(self) -> float | None:
        """Kilograms a year with the most machines that the settings allow."""
        return _kilograms(self.most_kwh, self.grams_per_kwh)


def footprints(plan: Plan) -> tuple[Footprint, ...]:
    """The footprint of each region."""
    return tuple(_footprint(region, plan) for region in plan.regions)


def watts(machines: Machines) -> float | None:
    """Watts of one machine and its disk, with the data centre's overhead; None for an unknown type."""
    power, size = POWERS.get(machines.cloud), SIZES.get(machines.type)
    if power is None or size is None:
        return None
    processors, memory = size
    machines_watts = processors * (power.idle + LOAD * (power.busy - power.idle)) + memory * power.memory
    return machines_watts * power.overhead + disk_watts(machines.disk_gb, machines.cloud)


def disk_watts(gigabytes: float, cloud: str) -> float:
    """Watts of an SSD of this size, with the overhead of the cloud's data centre."""
    return gigabytes / GB_PER_TB * SSD_WATTS_PER_TB * POWERS[cloud].overhead


def _footprint(region: str, plan: Plan) -> Footprint:
    mine = [one for one in plan.resources if plan.region_of(one) == region]
    machines = [found for one in mine for found in machines_of(one, plan)]
    cloud = plan.clouds.get(region, UNKNOWN_CLOUD)
    known = geography.lookup(region)
    carbon = known.carbon if known else None
    missing = sorted({f"power of {one.type}" for one in machines if watts(one) is None})
    missing += [] if machines else ["machines: they are not part of this stack"]
    missing += [] if carbon else ["carbon intensity of the grid"]
    counted = bool(machines) and all(watts(one) is not None for one in machines)
    stored = disk_watts(sum(volumes(one) for one in mine), cloud) if cloud in POWERS else 0.0
    return Footprint(
        region=region,
        least_kwh=_kwh(((one.least, one) for one in machines), stored) if counted else None,
        most_kwh=_kwh(((one.most, one) for one in machines), stored) if counted else None,
        grams_per_kwh=carbon.grams_per_kwh if carbon else None,
        grid_year=carbon.year if carbon else None,
        unknown=tuple(missing),
    )


def _kwh(counted: Iterable[tuple[float, Machines]], stored: float) -> float:
    running = sum(count * (watts(one) or 0) for count, one in counted)
    return (running + stored) * HOURS_PER_YEAR / 1_000


def _kilograms(kwh: float | None, grams_per_kwh: int | None) -> float | None:
    return None if kwh is None or grams_per_kwh is None else kwh * grams_per_kwh / 1_000
