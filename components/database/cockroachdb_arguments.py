"""What one region's part of a CockroachDB cluster is told."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from components.database.cockroachdb_backup import BackupPlan
from components.database.cockroachdb_sql import Survival
from components.database.credentials import DatabaseCredentials
from components.peering import StorePeers
from components.quantities import quantity_bytes
from components.trust import RegionAuthority

MINIMUM_REPLICATED = 3


@dataclass(frozen=True, kw_only=True)
class CockroachDBArgs:
    """One region's part of a CockroachDB cluster.

    `nodes` is 1 or at least 3; `storage`, `cpu` and `memory` are per node; `storage_class` None is the cluster's
    default. `license_key` is needed seven days after a cluster of several nodes has started. `monitored_by` brings
    the ServiceMonitor kind; None goes without.

    `primary_region` names the region whose nodes the others join and which initialises the database; it may be this
    one. `peers` are the other regions (None: there are none), and `survive` is what the database survives the loss of.
    `backup` is the region's own (None: it takes none); `backed_up` are all regions that take backups.
    """

    region: str
    authority: RegionAuthority
    credentials: DatabaseCredentials
    namespace: pulumi.Input[str]
    client_namespace: pulumi.Input[str]
    primary_region: str
    monitored_by: pulumi.Resource | None = None
    nodes: int = 1
    storage: str = "10Gi"
    storage_class: pulumi.Input[str] | None = None
    cpu: str = "500m"
    memory: str = "1Gi"
    license_key: pulumi.Input[str] | None = None
    peers: StorePeers | None = None
    survive: Survival = "zone"
    backup: BackupPlan | None = None
    backed_up: Sequence[str] = ()

    def __post_init__(self) -> None:
        if self.nodes != 1 and self.nodes < MINIMUM_REPLICATED:
            raise ValueError(
                f"nodes: expected 1 or at least {MINIMUM_REPLICATED}, got {self.nodes}; two nodes lose the majority"
                " when one fails"
            )
        known = {self.region, *(self.peers.regions if self.peers else ())}
        if self.primary_region not in known:
            raise ValueError(f"primary_region: expected one of {', '.join(sorted(known))}, got {self.primary_region!r}")
        quantity_bytes("storage", self.storage)
        quantity_bytes("memory", self.memory)
