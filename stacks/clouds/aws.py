"""A region on AWS."""

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from components.cache import Cache
from components.cache.arguments import ManagedCacheArgs
from components.cluster import PublicAddress
from components.cluster.eks import EksAddress, EksCluster, EksClusterArgs, EksNetwork, EksNetworkArgs
from components.cluster.settings import AwsRegion
from components.database import Database
from components.database.arguments import ManagedDatabaseArgs
from components.storage import ObjectStore, ObjectStoreArgs
from components.versions import KUBERNETES_VERSION
from stacks.clouds import address_ranges, node_pool
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
        self._cloud = aws.Provider(f"{plan.name}-aws", region=plan.name, opts=pulumi.ResourceOptions(parent=self))
        self._network = EksNetwork(
            f"{plan.name}-network",
            EksNetworkArgs(
                region=plan.name,
                location=plan.name,
                addresses=address_ranges(plan),
                flow_logs=region.flow_logs,
                zones=region.zones,
            ),
            pulumi.ResourceOptions(parent=self, providers=[self._cloud]),
        )
        self.egress_addresses = self._network.egress_addresses
        self.register_outputs({"egress_addresses": self.egress_addresses})

    def public_address(self, name: str, only: int | None = None) -> PublicAddress:
        """An address in each zone, or in one."""
        child = pulumi.ResourceOptions(parent=self, providers=[self._cloud])
        return EksAddress(name, self._network, only, child).public

    def cluster(
        self, name: str, *, authorized_networks: Sequence[pulumi.Input[str]], opts: pulumi.ResourceOptions
    ) -> EksCluster:
        """The region's EKS cluster."""
        region = self._region
        self._cluster = EksCluster(
            name,
            EksClusterArgs(
                network=self._network,
                nodes=node_pool(region.nodes),
                authorized_networks=authorized_networks,
                deletion_protection=region.deletion_protection,
                kubernetes_version=region.kubernetes_version or KUBERNETES_VERSION,
                administrators=region.administrators,
                patches=region.patches,
            ),
            self._with_cloud(opts),
        )
        return self._cluster

    def database(self, name: str, args: ManagedDatabaseArgs, opts: pulumi.ResourceOptions) -> Database:
        """The region's PostgreSQL on RDS."""
        # The SDK has many services, and what is loaded is paid for in time and memory.
        from components.database.rds import Rds, RdsArgs

        region = self._region
        return Rds(
            name,
            RdsArgs(
                **vars(args),
                network=self._network,
                authority=region.rds_authorities or "",
                deletion_protection=region.deletion_protection,
                instance_class=region.instances.database,
            ),
            self._with_cloud(opts),
        )

    def cache(self, name: str, args: ManagedCacheArgs, opts: pulumi.ResourceOptions) -> Cache:
        """The region's cache on ElastiCache."""
        from components.cache.elasticache import ElastiCache, ElastiCacheArgs

        region = self._region
        return ElastiCache(
            name,
            ElastiCacheArgs(
                **vars(args),
                network=self._network,
                key_arn=self._cluster.encryption_key_arn,
                deletion_protection=region.deletion_protection,
                node_type=region.instances.cache,
            ),
            self._with_cloud(opts),
        )

    def object_store(
        self, name: str, *, principal: pulumi.Input[str], retention: int, opts: pulumi.ResourceOptions
    ) -> ObjectStore:
        """A bucket in the region."""
        from components.storage.s3 import S3Store

        args = ObjectStoreArgs(place=self._network.args, principal=principal, retention=retention)
        return S3Store(name, args, self._with_cloud(opts)).store

    def _with_cloud(self, opts: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(providers=[self._cloud]))
