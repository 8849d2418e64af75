"""Settings of the database."""

from typing import Annotated, Final, Literal

from pydantic import Field

from components.settings import Model
from components.settings.values import Bytes, Cpu, Cron, Days, RegionName, one_or

MINIMUM_REPLICATED: Final = 3
"""Fewest nodes of which one can fail: the others are a majority."""

REGIONS_TO_SURVIVE_ONE: Final = 3
"""Fewest regions of which one can be lost: the others have a majority."""

DatabaseNodes = Annotated[
    int,
    one_or(MINIMUM_REPLICATED, "two nodes cannot outvote each other", f"write 1 or {MINIMUM_REPLICATED}"),
]


class BackupSettings(Model):
    """Backups of CockroachDB in the object storage of clouds. A cloud backs up its PostgreSQL by itself."""

    regions: Annotated[tuple[RegionName, ...], Field(strict=False)] | None = None
    """Names of the regions that take backups, each into the storage of its own cloud. Two regions on two clouds lose no
    backup when a cloud is lost. None: the primary region, if a cloud runs it. Empty: no region."""
    schedule: Cron = "@hourly"
    """How often the changes since the last backup are added, in UTC."""
    full: Literal["@daily", "@weekly"] = "@daily"
    """How often everything is written again, in UTC."""
    retention: Days = "30d"
    """How long a backup can be restored (docs/runbooks/restore-the-database.md). A full backup expires only after the
    next full backup and its incrementals exist: at least `2d` with `@daily`, and `14d` with `@weekly`."""


class DatabaseSettings(Model):
    """The database in each region."""

    engine: Literal["cockroachdb", "postgresql"] = "cockroachdb"
    """`cockroachdb` runs in the clusters, one database over all regions. `postgresql` is run by the cloud of the only
    region. To change over, see docs/runbooks/postgresql-to-cockroachdb.md."""
    nodes: DatabaseNodes = 1
    """Database nodes in each region. Before you lower the number, move data off the nodes that go:
    docs/runbooks/fewer-database-nodes.md. Of `postgresql`, 1 is one server, and more are a server with a standby in
    another zone."""
    survive: Literal["zone", "region"] = "zone"
    """Largest failure that loses neither data nor service. `region` needs `cockroachdb` and three regions or more."""
    primary_region: RegionName | None = None
    """Name of the region whose database the others join, and where the data has its home. Needed with several regions:
    the first region there was. A region without others that is named here is ready for more: it has its peer endpoints
    from the start. To change it, see docs/runbooks/remove-a-region.md#change-the-primary-region. None: no other region
    joins."""
    storage: Bytes = "10Gi"
    """Disk of a node. For a larger disk see docs/runbooks/volume-filling.md#larger-volumes. The disk of `postgresql`
    grows by itself."""
    cpu: Cpu = "500m"
    """Processor time of a node. `postgresql` takes the smallest machine that has `cpu` and `memory`, see `instances` of
    the clouds."""
    memory: Bytes = "1Gi"
    """Memory of a node."""
    backup: BackupSettings = BackupSettings()
    """Backups of CockroachDB, in the object storage of clouds. A cloud backs up its PostgreSQL by itself."""
