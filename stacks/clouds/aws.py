"""A region on AWS."""

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from components.cache import Cache
from components.cache.managed import ManagedCacheArgs
from components.cluster import PublicAddress
from components.cluster.eks import EksAddress, EksCluster, EksNetwork, EksNetworkArgs
from components.cluster.settings import AwsRegion
from components.database import Database
from components.database.managed import ManagedDatabaseArgs
from components.storage import ObjectStore, ObjectStoreArgs
from stacks.clouds import CloudCluster
from stacks.topology import RegionPlan


class AwsCloud(pulumi.ComponentResource):
    """The region's provider and network.

    Outputs: `egress_addresses`.
    """

    egress_addresses: Sequence[pulumi.Output[str]]

    def __init__(
        self, name: str, plan: RegionPlan, region: AwsRegion, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("sacred-council:stack:AwsCloud", name, None, opts)
        self._region = region
        provider = aws.Provider(f"{plan.name}-aws", region=plan.name, opts=pulumi.ResourceOptions(parent=self))
        self._with_cloud = pulumi.ResourceOptions(providers=[provider])
        self._child = pulumi.ResourceOptions(parent=self, providers=[provider])
        place = EksNetworkArgs(
            region=plan.name,
            location=plan.name,
            addresses=plan.addresses,
            flow_logs=region.flow_logs,
            zones=region.zones,
        )
        self._network = EksNetwork(f"{plan.name}-network", place, self._child)
        self.egress_addresses = self._network.egress_addresses
        self.register_outputs({"egress_addresses": self.egress_addresses})

    def public_address(self, name: str, only: int | None = None) -> PublicAddress:
        """An address in each zone, or in one."""
        return EksAddress(name, self._network, only, self._child).public

    def cluster(
        self, name: str, *, authorized_networks: Sequence[pulumi.Input[str]], opts: pulumi.ResourceOptions
    ) -> "AwsRegionCluster":
        """The region's EKS cluster."""
        built = EksCluster(
            name,
            self._region,
            self._network,
            authorized_networks=authorized_networks,
            opts=pulumi.ResourceOptions.merge(opts, self._with_cloud),
        )
        return AwsRegionCluster(region=self._region, network=self._network, built=built, with_cloud=self._with_cloud)


class AwsRegionCluster(CloudCluster[AwsRegion, EksNetwork, EksCluster]):
    """The region's EKS cluster and AWS's managed services."""

    def database(self, name: str, args: ManagedDatabaseArgs, opts: pulumi.ResourceOptions) -> Database:
        """The region's PostgreSQL on RDS."""
        # Loading a service of the SDK costs time and memory.
        from components.database.rds import Rds

        return Rds(
            name,
            args,
            region=self.region,
            network=self.network,
            opts=self.in_cloud(opts),
        )

    def cache(self, name: str, args: ManagedCacheArgs, opts: pulumi.ResourceOptions) -> Cache:
        """The region's cache on ElastiCache."""
        from components.cache.elasticache import ElastiCache

        return ElastiCache(
            name,
            args,
            region=self.region,
            network=self.network,
            key_arn=self.built.encryption_key_arn,
            opts=self.in_cloud(opts),
        )

    def object_store(
        self, name: str, *, principal: pulumi.Input[str], retention: int, opts: pulumi.ResourceOptions
    ) -> ObjectStore:
        """A bucket in the region."""
        from components.storage.s3 import S3Store

        args = ObjectStoreArgs(place=self.network.args, principal=principal, retention=retention)
        return S3Store(name, args, self.in_cloud(opts)).store
