"""Settings of the trust ledger."""

from typing import Annotated, Final

from pydantic import Field

from components.settings import Model
from components.settings.values import Bytes, Count, Cpu, Image, RegionName, distinct

MOST_VALIDATORS: Final = 7
"""Most validators of a region. Every validator speaks with every other one."""

SNAPSHOTS_KEPT: Final = 2
"""Intervals of snapshots that the kept blocks reach back at least. One snapshot may just be in the making."""

ValidatorCount = Annotated[int, Field(ge=1, le=MOST_VALIDATORS)]
Regions = Annotated[tuple[RegionName, ...], Field(strict=False), distinct("a region")]


class LedgerApplicationSettings(Model):
    """The application of the ledger: it decides what a transaction is, and keeps what transactions say."""

    image: Image | None = None
    """Container image of an application that speaks ABCI at the socket of its variable `LEDGER_SOCKET`, and takes the
    transactions that admit and remove validators (docs/ledger.md). None: the key-value application of CometBFT."""
    cpu: Cpu = "250m"
    """Processor time of the image's container."""
    memory: Bytes = "256Mi"
    """Memory of the image's container."""


class LedgerSettings(Model):
    """The trust ledger, which all regions keep together: docs/ledger.md."""

    enabled: bool = False
    """Whether the regions keep a ledger. With four validators or more in all regions together, it goes on when one of
    them lies or dies. Write no personal data in it: a ledger does not forget."""
    genesis_regions: Regions = ()
    """Names of the regions whose first validators begin the ledger, in any order. They are in its genesis, which never
    changes: never add a region here, and never remove one. Needed with several regions. Empty: the only region."""
    former_genesis_regions: Regions = ()
    """Those of `genesisRegions` that have left the stack. Their public keys stay in the genesis."""
    validators: ValidatorCount = 1
    """Validators in each region. All but the first ones of the genesis regions join by a transaction."""
    application: LedgerApplicationSettings = LedgerApplicationSettings()
    """The application that the validators run."""
    retain_blocks: Count | None = None
    """Blocks that each validator keeps; older ones are deleted. It needs `ledger.snapshotInterval`, because a new
    validator could not read the deleted ones. None: all."""
    snapshot_interval: Count | None = None
    """Blocks between two snapshots of what the application keeps. New validators begin with a snapshot, and read the
    blocks since. It needs an `ledger.application.image` that makes snapshots. None: no snapshots, and new validators
    read all blocks."""
    storage: Bytes = "20Gi"
    """Disk of a validator. Without `ledger.retainBlocks` it fills as long as there is a ledger. For a larger disk see
    docs/runbooks/volume-filling.md#larger-volumes."""
    cpu: Cpu = "500m"
    """Processor time of a validator."""
    memory: Bytes = "512Mi"
    """Memory of a validator."""
