"""Data services that a region's cloud runs: their arguments, the same for every cloud."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from components.cache import Cache
from components.cache.managed import ManagedCacheArgs
from components.connection import DataService
from components.context import RegionContext
from components.database import Database
from components.database.cockroachdb_jobs import BackupPlan
from components.database.credentials import DatabaseCredentials
from components.database.managed import ManagedDatabaseArgs
from components.matching.index import VECTOR
from components.mesh import DataServiceEntries
from components.settings.values import days_of
from stacks.clouds import RegionCluster, maintenance_window
from stacks.data_services import managed
from stacks.settings import Settings
from stacks.topology import RegionPlan


@dataclass(frozen=True, kw_only=True)
class ManagedDataServices:
    """Builds the managed data services of one region in its cloud."""

    plan: RegionPlan
    settings: Settings
    context: RegionContext
    cluster: RegionCluster

    def database(self, credentials: DatabaseCredentials, opts: pulumi.ResourceOptions) -> Database:
        """The region's PostgreSQL."""
        args = ManagedDatabaseArgs(
            context=self.context,
            settings=self.settings.database,
            credentials=credentials,
            maintenance_day=maintenance_window(self.plan).day,
            extensions=(VECTOR,) if self.settings.matching.enabled else (),
        )
        return self.cluster.database(f"{self.plan.name}-database", args, opts)

    def cache(self, opts: pulumi.ResourceOptions) -> Cache:
        """The region's cache."""
        args = ManagedCacheArgs(
            context=self.context,
            settings=self.settings.cache,
            maintenance_day=maintenance_window(self.plan).day,
        )
        return self.cluster.cache(f"{self.plan.name}-cache", args, opts)

    def backup(self, *, namespace: str, service_account: str, opts: pulumi.ResourceOptions) -> BackupPlan | None:
        """Where the region's backups go; None if the region takes none.

        Pods in `namespace` with the ServiceAccount `service_account` may write to the storage.
        """
        region, settings = self.plan.name, self.settings.database.backup
        if region not in self.settings.backup_regions:
            return None
        identity = self.cluster.workload_identity(namespace=namespace, service_account=service_account)
        if identity is None:
            raise ValueError(f"backup.regions: {region} has no cloud whose storage it could use")
        store = self.cluster.object_store(
            f"{region}-backups", principal=identity.principal, retention=days_of(settings.retention), opts=opts
        )
        return BackupPlan(store=store, identity=identity, schedule=settings.schedule, full=settings.full)

    def admit(
        self,
        data_services: Mapping[DataService, pulumi.Input[int]],
        ready: Sequence[pulumi.Resource],
    ) -> list[pulumi.Resource]:
        """Let pods in the mesh connect to those `data_services` (port by service) that the cloud runs.

        `ready` is the mesh's control plane.
        """
        ports = {
            data_service: port for data_service, port in data_services.items() if data_service in managed(self.settings)
        }
        if not ports:
            return []
        entries = DataServiceEntries(
            f"{self.plan.name}-managed-data-services",
            self.context,
            ports,
            addresses=str(self.plan.addresses.managed),
            ready=ready,
        )
        return [entries]
