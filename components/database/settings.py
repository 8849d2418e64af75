"""What can be configured of the database."""

from typing import Annotated, Final, Literal

from pydantic import Field

from components.settings import Model
from components.settings.values import Bytes, Cpu, Cron, Days, RegionName, counted

MINIMUM_REPLICATED: Final = 3
"""Fewest nodes of which one can fail: the others are a majority."""

REGIONS_TO_SURVIVE_ONE: Final = 3
"""Fewest regions of which one can be lost: the others have a majority."""

DatabaseNodes = Annotated[
    int,
    counted(
        lambda n: n == 1 or n >= MINIMUM_REPLICATED,
        f"must be 1, or {MINIMUM_REPLICATED} or more: two nodes cannot outvote each other",
        f"write 1 or {MINIMUM_REPLICATED}",
    ),
]


class BackupSettings(Model):
    """Backups of the database in object storage of the clouds."""

    regions: Annotated[tuple[RegionName, ...], Field(strict=False)] | None = None
    """Who takes them, each into its own cloud. None: the primary region, if a cloud runs it. Empty: nobody."""
    schedule: Cron = "@hourly"
    """How often what has changed is added, in UTC."""
    full: Literal["@daily", "@weekly"] = "@daily"
    """How often everything is written again. What restores need is in the last full one and what came after it."""
    retention: Days = "30d"


class DatabaseSettings(Model):
    """The database in each region."""

    engine: Literal["cockroachdb", "postgresql"] = "cockroachdb"
    """`cockroachdb` in the clusters, one over all regions; or `postgresql`, run by the cloud of the only region."""
    nodes: DatabaseNodes = 1
    """Of `postgresql`: 1 is one server; more are a server and a standby in another zone.

    docs/runbooks/fewer-database-nodes.md tells how the nodes of `cockroachdb` become fewer.
    """
    survive: Literal["zone", "region"] = "zone"
    """What may fail without loss of data or service. `region` needs three regions."""
    primary_region: RegionName | None = None
    """The region whose database the others join, and where it is at home. Needed with several regions.

    docs/runbooks/remove-a-region.md tells how it changes.
    """
    storage: Bytes = "10Gi"
    cpu: Cpu = "500m"
    memory: Bytes = "1Gi"
    backup: BackupSettings = BackupSettings()
