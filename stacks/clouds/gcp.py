"""A region on Google Cloud."""

from collections.abc import Sequence

import pulumi
import pulumi_gcp as gcp

from components.cache import Cache
from components.cache.managed import ManagedCacheArgs
from components.cluster import PublicAddress
from components.cluster.gke import GkeAddress, GkeCluster, GkeNetwork
from components.cluster.location import NetworkArgs
from components.cluster.settings import GcpRegion
from components.database import Database
from components.database.managed import ManagedDatabaseArgs
from components.storage import ObjectStore, ObjectStoreArgs
from stacks.clouds import CloudCluster, maintenance_window
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
        self._plan, self._region = plan, region
        provider = gcp.Provider(
            f"{plan.name}-gcp", project=region.project, region=plan.name, opts=pulumi.ResourceOptions(parent=self)
        )
        self._with_cloud = pulumi.ResourceOptions(providers=[provider])
        self._child = pulumi.ResourceOptions(parent=self, providers=[provider])
        place = NetworkArgs(region=plan.name, location=plan.name, addresses=plan.addresses, flow_logs=region.flow_logs)
        self._network = GkeNetwork(f"{plan.name}-network", place, self._child)
        self.egress_addresses = self._network.egress_addresses
        self.register_outputs({"egress_addresses": self.egress_addresses})

    def public_address(self, name: str, only: int | None = None) -> PublicAddress:
        """An address of the region. Load balancers are not zonal here."""
        return GkeAddress(name, self._network.args, self._child).public

    def cluster(
        self, name: str, *, authorized_networks: Sequence[pulumi.Input[str]], opts: pulumi.ResourceOptions
    ) -> "GcpRegionCluster":
        """The region's GKE cluster."""
        built = GkeCluster(
            name,
            self._region,
            self._network,
            authorized_networks=authorized_networks,
            maintenance=maintenance_window(self._plan),
            opts=pulumi.ResourceOptions.merge(opts, self._with_cloud),
        )
        return GcpRegionCluster(region=self._region, network=self._network, built=built, with_cloud=self._with_cloud)


class GcpRegionCluster(CloudCluster[GcpRegion, GkeNetwork, GkeCluster]):
    """The region's GKE cluster and Google's managed services."""

    def database(self, name: str, args: ManagedDatabaseArgs, opts: pulumi.ResourceOptions) -> Database:
        """The region's PostgreSQL on Cloud SQL."""
        # Loading a service of an SDK costs time and memory.
        from components.database.cloud_sql import CloudSql

        return CloudSql(
            name,
            args,
            region=self.region,
            network=self.network,
            ring_id=self.built.key_ring_id,
            opts=self.in_cloud(opts),
        )

    def cache(self, name: str, args: ManagedCacheArgs, opts: pulumi.ResourceOptions) -> Cache:
        """The region's cache on Memorystore."""
        from components.cache.memorystore import Memorystore

        return Memorystore(
            name,
            args,
            region=self.region,
            network=self.network,
            key_id=self.built.encryption_key_id,
            opts=self.in_cloud(opts),
        )

    def object_store(
        self, name: str, *, principal: pulumi.Input[str], retention: int, opts: pulumi.ResourceOptions
    ) -> ObjectStore:
        """A bucket in the region."""
        from components.storage.gcs import GcsStore

        args = ObjectStoreArgs(place=self.network.args, principal=principal, retention=retention)
        return GcsStore(name, args, self.in_cloud(opts)).store
