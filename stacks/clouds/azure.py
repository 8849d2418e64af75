"""A region on Azure."""

from collections.abc import Sequence

import pulumi
import pulumi_azure_native as azure_native

from components.cache import Cache
from components.cache.arguments import ManagedCacheArgs
from components.cluster import PublicAddress
from components.cluster.aks import AksAddress, AksAddresses, AksCluster, AksClusterArgs, AksNetwork, AksNetworkArgs
from components.cluster.settings import AzureRegion
from components.database import Database
from components.database.arguments import ManagedDatabaseArgs
from components.storage import ObjectStore, ObjectStoreArgs
from components.versions import KUBERNETES_VERSION
from stacks.clouds import address_ranges, maintenance_window, node_pool
from stacks.topology import RegionPlan


class AzureCloud(pulumi.ComponentResource):
    """The region's provider and network.

    Outputs: `egress_addresses`.
    """

    egress_addresses: Sequence[pulumi.Output[str]]

    def __init__(
        self, name: str, plan: RegionPlan, region: AzureRegion, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("sacred-council:stack:AzureCloud", name, None, opts)
        self._region = region
        self._cloud = azure_native.Provider(
            f"{plan.name}-azure",
            subscription_id=region.subscription,
            location=plan.name,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self._plan = plan
        place = AksNetworkArgs(
            region=plan.name,
            location=plan.name,
            addresses=address_ranges(plan),
            flow_logs=region.flow_logs,
            zones=region.zones,
        )
        self._child = pulumi.ResourceOptions(parent=self, providers=[self._cloud])
        self._network = AksNetwork(f"{plan.name}-network", place, self._child)
        self._addresses = self._reserve() if plan.peering_enabled else None
        self.egress_addresses = self._network.egress_addresses
        self.register_outputs({"egress_addresses": self.egress_addresses})

    def public_address(self, name: str, only: int | None = None) -> PublicAddress:
        """An address of the region, in all its zones. A region without peers must ask before it builds its cluster."""
        if self._addresses is None:
            self._addresses = self._reserve()
        return AksAddress(name, self._addresses, self._region.zones, self._child).public

    def _reserve(self) -> AksAddresses:
        return AksAddresses(f"{self._plan.name}-addresses", self._network.args, self._child)

    def cluster(
        self, name: str, *, authorized_networks: Sequence[pulumi.Input[str]], opts: pulumi.ResourceOptions
    ) -> AksCluster:
        """The region's AKS cluster."""
        region = self._region
        self._cluster = AksCluster(
            name,
            AksClusterArgs(
                network=self._network,
                nodes=node_pool(region.nodes),
                authorized_networks=authorized_networks,
                deletion_protection=region.deletion_protection,
                kubernetes_version=region.kubernetes_version or KUBERNETES_VERSION,
                admin_groups=region.admin_groups,
                upgrade_channel=region.upgrade_channel,
                maintenance=maintenance_window(self._plan),
                system_machine=region.system_machine,
                addresses=self._addresses,
            ),
            self._with_cloud(opts),
        )
        return self._cluster

    def database(self, name: str, args: ManagedDatabaseArgs, opts: pulumi.ResourceOptions) -> Database:
        """The region's PostgreSQL on Flexible Server."""
        # The SDK has many services, and what is loaded is paid for in time and memory.
        from components.database.flexible_server import FlexibleServer, FlexibleServerArgs

        region = self._region
        return FlexibleServer(
            name,
            FlexibleServerArgs(
                **vars(args),
                network=self._network,
                zones=region.zones,
                deletion_protection=region.deletion_protection,
                size=region.instances.database,
            ),
            self._with_cloud(opts),
        )

    def cache(self, name: str, args: ManagedCacheArgs, opts: pulumi.ResourceOptions) -> Cache:
        """The region's cache on Azure Managed Redis."""
        from components.cache.azure_managed_redis import AzureManagedRedis, AzureManagedRedisArgs

        region = self._region
        return AzureManagedRedis(
            name,
            AzureManagedRedisArgs(
                **vars(args),
                network=self._network,
                vault=self._cluster.vault,
                deletion_protection=region.deletion_protection,
                size=region.instances.cache,
            ),
            self._with_cloud(opts),
        )

    def object_store(
        self, name: str, *, principal: pulumi.Input[str], retention: int, opts: pulumi.ResourceOptions
    ) -> ObjectStore:
        """A container of blobs in the region."""
        from components.storage.blob import BlobStore

        args = ObjectStoreArgs(place=self._network.args, principal=principal, retention=retention)
        return BlobStore(name, args, self._region.zones, self._with_cloud(opts)).store

    def _with_cloud(self, opts: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(providers=[self._cloud]))
