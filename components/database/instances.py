"""Choose each cloud's machine for a PostgreSQL of a given size. Pure.

The lists, newest first, are the machines that the program chooses from.
`components.offers` records which of them each cloud region offers.
The settings can name a machine that is not listed here.
Sizes: the clouds' lists of instance classes, as of 2026.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from components.quantities import cpus, gibibytes, quantity_bytes

MIB: Final = 2**20


@dataclass(frozen=True, kw_only=True)
class Instance:
    """A machine type."""

    name: str
    cpus: int
    gibibytes: int
    """Memory in GiB."""
    burstable: bool = False
    """Whether it shares processors. Such a server may at times be slow or unavailable."""


def _family(form: str, sizes: Sequence[tuple[str, int]], gibibytes_each: int) -> tuple[Instance, ...]:
    """Machines of one family. `sizes` pairs the rest of the name with the CPUs; memory is proportional to CPUs."""
    return tuple(Instance(name=form.format(size), cpus=n, gibibytes=n * gibibytes_each) for size, n in sizes)


_AWS_SIZES: Final = (("large", 2), ("xlarge", 4), ("2xlarge", 8), ("4xlarge", 16), ("8xlarge", 32), ("16xlarge", 64))
_AZURE_SIZES: Final = tuple((str(n), n) for n in (2, 4, 8, 16, 32, 48, 64))

RDS: Final = (
    Instance(name="db.t4g.micro", cpus=2, gibibytes=1, burstable=True),
    Instance(name="db.t4g.small", cpus=2, gibibytes=2, burstable=True),
    Instance(name="db.t4g.medium", cpus=2, gibibytes=4, burstable=True),
    *_family("db.m7g.{}", _AWS_SIZES, 4),
    *_family("db.r7g.{}", _AWS_SIZES, 8),
    *_family("db.m6g.{}", _AWS_SIZES, 4),
    *_family("db.r6g.{}", _AWS_SIZES, 8),
)
RDS_LARGEST_DISK: Final = 65536
"""In GiB. Source: docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Storage.html (gp3, PostgreSQL)."""
RDS_LEAST_GROWTH: Final = 1.26
"""AWS rejects a growth limit below this multiple of the disk's size."""

FLEXIBLE_SERVER: Final = (
    Instance(name="Standard_B1ms", cpus=1, gibibytes=2, burstable=True),
    Instance(name="Standard_B2s", cpus=2, gibibytes=4, burstable=True),
    *_family("Standard_D{}ds_v5", _AZURE_SIZES, 4),
    *_family("Standard_E{}ds_v5", _AZURE_SIZES, 8),
    *_family("Standard_D{}ds_v4", _AZURE_SIZES, 4),
    *_family("Standard_E{}ds_v4", _AZURE_SIZES[:-1], 8),
    Instance(name="Standard_E64ds_v4", cpus=64, gibibytes=504),
)
FLEXIBLE_SERVER_DISKS: Final = (32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384)
"""Azure's disk sizes in GiB."""

CLOUD_SQL_LARGEST_DISK: Final = 65536
"""In GB. Source: cloud.google.com/sql/docs/postgres/instance-settings."""
CLOUD_SQL_MOST_CPUS: Final = 96
CLOUD_SQL_LEAST_MIB: Final = 3840
CLOUD_SQL_STEP_MIB: Final = 256
CLOUD_SQL_MOST_MIB_A_CPU: Final = 6656


def smallest(instances: Sequence[Instance], *, cpu: str, memory: str, standby: bool) -> str:
    """Return the smallest machine with at least `cpu` and `memory`. With `standby`, exclude burstable machines.

    Raises ValueError when no machine is large enough.
    """
    wanted_cpus, wanted_bytes = cpus("cpu", cpu), quantity_bytes("memory", memory)
    enough = [
        one
        for one in instances
        if one.cpus >= wanted_cpus and one.gibibytes * 2**30 >= wanted_bytes and not (standby and one.burstable)
    ]
    if not enough:
        raise ValueError(
            f"memory: no machine here has {cpu} CPUs and {memory}; ask for less, or name one (instances.database)"
        )
    return min(enough, key=lambda one: (not one.burstable, one.cpus, one.gibibytes)).name


def cloud_sql_tier(*, cpu: str, memory: str) -> str:
    """Return Cloud SQL's smallest custom machine with at least `cpu` and `memory`. Raise ValueError if none exists.

    Source: cloud.google.com/sql/docs/postgres/create-instance (1 or an even number of CPUs; 3.75 GB or more, in steps
    of 256 MB, at most 6.5 GB a CPU).
    """
    steps = -(-quantity_bytes("memory", memory) // (CLOUD_SQL_STEP_MIB * MIB))
    mib = max(steps * CLOUD_SQL_STEP_MIB, CLOUD_SQL_LEAST_MIB)
    count = max(math.ceil(cpus("cpu", cpu)), math.ceil(mib / CLOUD_SQL_MOST_MIB_A_CPU))
    count += count % 2 if count > 1 else 0
    if count > CLOUD_SQL_MOST_CPUS:
        raise ValueError(
            f"memory: Cloud SQL has no machine with {cpu} CPUs and {memory}; ask for less, or name one "
            "(instances.database)"
        )
    return f"db-custom-{count}-{max(mib, _least_mib(count))}"


def is_cloud_sql_machine(count: int, mib: int) -> bool:
    """Return whether Cloud SQL offers a custom machine with `count` CPUs and `mib` MiB of memory."""
    even = count == 1 or (count % 2 == 0 and 0 < count <= CLOUD_SQL_MOST_CPUS)
    return even and mib % CLOUD_SQL_STEP_MIB == 0 and _least_mib(count) <= mib <= count * CLOUD_SQL_MOST_MIB_A_CPU


def _least_mib(count: int) -> int:
    a_cpu = math.ceil(count * 0.9 * 1024 / CLOUD_SQL_STEP_MIB) * CLOUD_SQL_STEP_MIB
    return max(a_cpu, CLOUD_SQL_LEAST_MIB)


def rds_disk_limit(gib: int, times: int) -> int | None:
    """Return the growth limit in GiB of a disk of `gib`: `times` its size, capped by RDS. None: it cannot grow."""
    limit = min(gib * times, RDS_LARGEST_DISK)
    return limit if limit >= gib * RDS_LEAST_GROWTH else None


def azure_disk(storage: str) -> int:
    """Return the smallest Azure disk (GiB) that holds `storage`. Raise ValueError if none exists."""
    wanted = gibibytes("storage", storage)
    if wanted > FLEXIBLE_SERVER_DISKS[-1]:
        raise ValueError(f"storage: Azure's largest disk here has {FLEXIBLE_SERVER_DISKS[-1]}Gi, not {storage}")
    return next(size for size in FLEXIBLE_SERVER_DISKS if size >= wanted)


def sku_tier(size: str) -> str:
    """Return Azure's tier for a machine of Flexible Server. Raise ValueError for an unknown name."""
    tiers = {"Standard_B": "Burstable", "Standard_D": "GeneralPurpose", "Standard_E": "MemoryOptimized"}
    for beginning, tier in tiers.items():
        if size.startswith(beginning):
            return tier
    raise ValueError(f"size: {size!r} does not begin with {', '.join(tiers)}; write e.g. Standard_D2ds_v5")
