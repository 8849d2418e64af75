"""Valkey on ElastiCache, the managed cache of AWS."""

from typing import Final

import pulumi
from pulumi_aws import elasticache

from components.authorities import AMAZON, public_authorities
from components.cache.instances import ELASTICACHE, ELASTICACHE_DATA_SHARE, smallest
from components.cache.managed import BACKUP_DAYS, MAINTENANCE_HOUR, Endpoint, ManagedCacheArgs, connect
from components.cache.settings import EVICTION
from components.cluster.eks import EksNetwork
from components.cluster.eks.managed_services import BACKUP_WINDOW, EksPrivateAccess, weekly_hour
from components.cluster.location import common_labels
from components.cluster.settings import AwsRegion
from components.connection import DataServiceComponent
from components.offers import here
from components.passwords import random_password

VERSION: Final = "8.1"
FAMILY: Final = "valkey8"
PORT: Final = 6379
TOKEN_LENGTH: Final = 64
TIERED: Final = "cache.r6gd."
"""Beginning of the names of nodes that also keep data on disks. AWS takes them only with data tiering."""


class ElastiCache(DataServiceComponent):
    """A cache with a password and TLS, in subnets without a route to or from the internet.

    Amazon's public authorities sign its certificate.
    `key_arn` encrypts backups.
    AWS has no deletion protection for caches, so with `deletion_protection` only Pulumi refuses to delete it.

    Outputs: those of `components.cache.Cache`.
    """

    def __init__(
        self,
        name: str,
        args: ManagedCacheArgs,
        *,
        region: AwsRegion,
        network: EksNetwork,
        key_arn: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:cache:ElastiCache", name, None, opts)
        self._region, self._network = region, network
        self._child = pulumi.ResourceOptions(parent=self)
        password = random_password(f"{name}-token", self._child, length=TOKEN_LENGTH).result
        group = self._group(name, args, password, key_arn)
        endpoint = Endpoint(
            host=group.primary_endpoint_address,
            port=PORT,
            addresses=str(network.args.addresses.managed),
            password=password,
            authority=public_authorities(AMAZON),
        )
        self.offer(connect(name, args, endpoint, self._child))

    def _group(
        self, name: str, args: ManagedCacheArgs, password: pulumi.Output[str], key_arn: pulumi.Input[str]
    ) -> elasticache.ReplicationGroup:
        region, place, several = self._region, self._network.args, args.settings.replicas > 1
        access = EksPrivateAccess(f"{name}-access", self._network, port=PORT, opts=self._child)
        node = region.instances.cache or _smallest(args, place.location)
        return elasticache.ReplicationGroup(
            name,
            region=place.location,
            description=f"Cache of {place.region}",
            engine="valkey",
            engine_version=VERSION,
            auto_minor_version_upgrade=True,
            node_type=node,
            data_tiering_enabled=True if node.startswith(TIERED) else None,
            num_cache_clusters=args.settings.replicas,
            automatic_failover_enabled=several,
            multi_az_enabled=several,
            port=PORT,
            parameter_group_name=self._parameters(name),
            subnet_group_name=self._subnets(name),
            security_group_ids=[access.security_group_id],
            transit_encryption_enabled=True,
            transit_encryption_mode="required",
            at_rest_encryption_enabled=True,
            kms_key_id=key_arn,
            auth_token=password,
            # A new password replaces the old one at once, because clients read it from the Secret.
            auth_token_update_strategy="SET",  # noqa: S106 - a strategy
            snapshot_retention_limit=BACKUP_DAYS,
            snapshot_window=BACKUP_WINDOW,
            maintenance_window=weekly_hour(args.maintenance_day, MAINTENANCE_HOUR),
            apply_immediately=True,
            tags=common_labels(place),
            opts=pulumi.ResourceOptions(parent=self, protect=region.deletion_protection),
        )

    def _subnets(self, name: str) -> pulumi.Output[str]:
        group = elasticache.SubnetGroup(
            f"{name}-subnets",
            region=self._network.args.location,
            subnet_ids=list(self._network.managed_subnet_ids.values()),
            tags=common_labels(self._network.args),
            opts=self._child,
        )
        subnets: pulumi.Output[str] = group.name
        return subnets

    def _parameters(self, name: str) -> pulumi.Output[str]:
        group = elasticache.ParameterGroup(
            f"{name}-parameters",
            region=self._network.args.location,
            family=FAMILY,
            parameters=[elasticache.ParameterGroupParameterArgs(name="maxmemory-policy", value=EVICTION)],
            tags=common_labels(self._network.args),
            opts=self._child,
        )
        parameters: pulumi.Output[str] = group.name
        return parameters


def _smallest(args: ManagedCacheArgs, location: str) -> str:
    asked = args.settings
    offered = here("aws", "cache", location, ELASTICACHE)
    return smallest(offered, memory=asked.memory, max_memory=asked.max_memory, data_share=ELASTICACHE_DATA_SHARE)
