"""A region on Google Cloud."""

from collections.abc import Sequence

import pulumi
import pulumi_gcp as gcp

from components.cache import Cache
from components.cache.arguments import ManagedCacheArgs
from components.cluster import NetworkArgs, PublicAddress
from components.cluster.gke import GkeAddress, GkeCluster, GkeClusterArgs, GkeNetwork
from components.cluster.settings import GcpRegion
from components.database import Database
from components.database.arguments import ManagedDatabaseArgs
from components.storage import ObjectStore, ObjectStoreArgs
from stacks.clouds import address_ranges, maintenance_window, node_pool
from stacks.topology import RegionPlan


class GcpCloud(pulumi.ComponentResource):
    """The region's provider and network.

    Outputs: `egress_addresses`.
    """

    egress_addresses: Sequence[pulumi.Output[str]]

    def __init__(
        self, name: str, plan: RegionPlan, region: GcpRegion, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("sacred-council:stack:GcpCloud", name, None, opts)
        self._region = region
        self._plan = plan
        self._cloud = gcp.Provider(
            f"{plan.name}-gcp", project=region.project, region=plan.name, opts=pulumi.ResourceOptions(parent=self)
        )
        self._network = GkeNetwork(
            f"{plan.name}-network",
            NetworkArgs(
                region=plan.name, location=plan.name, addresses=address_ranges(plan), flow_logs=region.flow_logs
            ),
            pulumi.ResourceOptions(parent=self, providers=[self._cloud]),
        )
        self.egress_addresses = self._network.egress_addresses
        self.register_outputs({"egress_addresses": self.egress_addresses})

    def public_address(self, name: str, only: int | None = None) -> PublicAddress:
        """An address of the region: load balancers stand in no zone."""
        child = pulumi.ResourceOptions(parent=self, providers=[self._cloud])
        return GkeAddress(name, self._network.args, child).public

    def cluster(
        self, name: str, *, authorized_networks: Sequence[pulumi.Input[str]], opts: pulumi.ResourceOptions
    ) -> GkeCluster:
        """The region's GKE cluster."""
        region = self._region
        self._cluster = GkeCluster(
            name,
            GkeClusterArgs(
                network=self._network,
                project=region.project,
                nodes=node_pool(region.nodes),
                authorized_networks=authorized_networks,
                deletion_protection=region.deletion_protection,
                maintenance=maintenance_window(self._plan),
                release_channel=region.release_channel,
                kubernetes_version=region.kubernetes_version,
            ),
            self._with_cloud(opts),
        )
        return self._cluster

    def database(self, name: str, args: ManagedDatabaseArgs, opts: pulumi.ResourceOptions) -> Database:
        """The region's PostgreSQL on Cloud SQL."""
        # Each SDK has many services, and what is loaded is paid for in time and memory.
        from components.database.cloud_sql import CloudSql, CloudSqlArgs

        region = self._region
        return CloudSql(
            name,
            CloudSqlArgs(
                **vars(args),
                network=self._network,
                project=region.project,
                ring_id=self._cluster.key_ring_id,
                deletion_protection=region.deletion_protection,
                tier=region.instances.database,
            ),
            self._with_cloud(opts),
        )

    def cache(self, name: str, args: ManagedCacheArgs, opts: pulumi.ResourceOptions) -> Cache:
        """The region's cache on Memorystore."""
        from components.cache.memorystore import Memorystore, MemorystoreArgs

        region = self._region
        return Memorystore(
            name,
            MemorystoreArgs(
                **vars(args),
                network=self._network,
                project=region.project,
                key_id=self._cluster.encryption_key_id,
                deletion_protection=region.deletion_protection,
            ),
            self._with_cloud(opts),
        )

    def object_store(
        self, name: str, *, principal: pulumi.Input[str], retention: int, opts: pulumi.ResourceOptions
    ) -> ObjectStore:
        """A bucket in the region."""
        from components.storage.gcs import GcsStore

        args = ObjectStoreArgs(place=self._network.args, principal=principal, retention=retention)
        return GcsStore(name, args, self._with_cloud(opts)).store

    def _with_cloud(self, opts: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(providers=[self._cloud]))
