"""A region on Azure."""

from collections.abc import Sequence

import pulumi
import pulumi_azure_native as azure_native

from components.cache import Cache
from components.cache.managed import ManagedCacheArgs
from components.cluster import PublicAddress
from components.cluster.aks import AksAddress, AksAddresses, AksCluster, AksNetwork, AksNetworkArgs
from components.cluster.settings import AzureRegion
from components.database import Database
from components.database.managed import ManagedDatabaseArgs
from components.storage import ObjectStore, ObjectStoreArgs
from stacks.clouds import CloudCluster, maintenance_window
from stacks.topology import RegionPlan


class AzureCloud(pulumi.ComponentResource):
    """The region's provider and network; with `reserves_addresses` also the group of its load balancers' addresses.

    Outputs: `egress_addresses`.
    """

    egress_addresses: Sequence[pulumi.Output[str]]

    def __init__(
        self,
        name: str,
        plan: RegionPlan,
        region: AzureRegion,
        *,
        reserves_addresses: bool,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:stack:AzureCloud", name, None, opts)
        self._plan, self._region = plan, region
        provider = azure_native.Provider(
            f"{plan.name}-azure",
            subscription_id=region.subscription,
            location=plan.name,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self._with_cloud = pulumi.ResourceOptions(providers=[provider])
        self._child = pulumi.ResourceOptions(parent=self, providers=[provider])
        place = AksNetworkArgs(
            region=plan.name,
            location=plan.name,
            addresses=plan.addresses,
            flow_logs=region.flow_logs,
            zones=region.zones,
        )
        self._network = AksNetwork(f"{plan.name}-network", place, self._child)
        # The cluster needs the group, so the group exists before the first address.
        self._addresses = AksAddresses(f"{plan.name}-addresses", place, self._child) if reserves_addresses else None
        self.egress_addresses = self._network.egress_addresses
        self.register_outputs({"egress_addresses": self.egress_addresses})

    def public_address(self, name: str, only: int | None = None) -> PublicAddress:
        """An address of the region, in all its zones. Raises ValueError if the region reserves no addresses."""
        if self._addresses is None:
            raise ValueError(f"public_address: {name} is in {self._plan.name}, which reserves no addresses")
        return AksAddress(name, self._addresses, self._child).public

    def cluster(
        self, name: str, *, authorized_networks: Sequence[pulumi.Input[str]], opts: pulumi.ResourceOptions
    ) -> "AzureRegionCluster":
        """The region's AKS cluster."""
        built = AksCluster(
            name,
            self._region,
            self._network,
            authorized_networks=authorized_networks,
            maintenance=maintenance_window(self._plan),
            addresses=self._addresses,
            opts=pulumi.ResourceOptions.merge(opts, self._with_cloud),
        )
        return AzureRegionCluster(region=self._region, network=self._network, built=built, with_cloud=self._with_cloud)


class AzureRegionCluster(CloudCluster[AzureRegion, AksNetwork, AksCluster]):
    """The region's AKS cluster and Azure's managed services."""

    def database(self, name: str, args: ManagedDatabaseArgs, opts: pulumi.ResourceOptions) -> Database:
        """The region's PostgreSQL on Flexible Server."""
        # Loading a service of the SDK costs time and memory.
        from components.database.flexible_server import FlexibleServer

        return FlexibleServer(
            name,
            args,
            region=self.region,
            network=self.network,
            opts=self.in_cloud(opts),
        )

    def cache(self, name: str, args: ManagedCacheArgs, opts: pulumi.ResourceOptions) -> Cache:
        """The region's cache on Azure Managed Redis."""
        from components.cache.azure_managed_redis import AzureManagedRedis

        return AzureManagedRedis(
            name,
            args,
            region=self.region,
            network=self.network,
            vault=self.built.vault,
            opts=self.in_cloud(opts),
        )

    def object_store(
        self, name: str, *, principal: pulumi.Input[str], retention: int, opts: pulumi.ResourceOptions
    ) -> ObjectStore:
        """A container of blobs in the region."""
        from components.storage.blob import BlobStore

        args = ObjectStoreArgs(place=self.network.args, principal=principal, retention=retention)
        return BlobStore(name, args, self.in_cloud(opts)).store
