"""Valkey on ElastiCache, the managed cache of AWS."""

from dataclasses import dataclass

import pulumi
import pulumi_random as random
from pulumi_aws import elasticache

from components.authorities import AMAZON, public_authorities
from components.cache.arguments import BACKUP_DAYS, ManagedCacheArgs
from components.cache.instances import ELASTICACHE, ELASTICACHE_DATA_SHARE, smallest
from components.cache.managed import Endpoint, connect
from components.cluster.arguments import common_labels
from components.cluster.eks import EksNetwork
from components.cluster.eks.private_access import EksPrivateAccess, EksPrivateAccessArgs
from components.offers import here

VERSION = "8.1"
FAMILY = "valkey8"
PORT = 6379
PASSWORD_LENGTH = 64
BACKUP_WINDOW = "02:00-03:00"
MAINTENANCE_WINDOW = "sun:04:00-sun:05:00"


@dataclass(frozen=True, kw_only=True)
class ElastiCacheArgs(ManagedCacheArgs):
    """`node_type` is a node of ElastiCache (None: the smallest known one of the region that is enough).

    `key_arn` encrypts backups.

    AWS has no deletion protection for caches: with `deletion_protection` Pulumi alone refuses.
    """

    network: EksNetwork
    key_arn: pulumi.Input[str]
    deletion_protection: bool
    node_type: str | None = None


class ElastiCache(pulumi.ComponentResource):
    """A cache with a password and TLS, in subnets with no way to or from the internet.

    Amazon's public authorities sign its certificate.

    It offers what `components.cache.Cache` promises: `url` (secret), `host`, `port`, `secret_name`.
    """

    url: pulumi.Output[str]
    host: pulumi.Output[str]
    port: pulumi.Output[int]
    secret_name: pulumi.Output[str]

    def __init__(self, name: str, args: ElastiCacheArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cache:ElastiCache", name, None, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        password = random.RandomPassword(
            f"{name}-token", length=PASSWORD_LENGTH, special=False, opts=self._child
        ).result
        group = self._group(name, args, password)
        endpoint = Endpoint(
            host=group.primary_endpoint_address,
            port=PORT,
            password=password,
            authority=public_authorities(AMAZON),
        )
        connection = connect(name, args, endpoint, self._child)
        self.url, self.host, self.port = connection.url, connection.host, connection.port
        self.secret_name = connection.secret_name
        self.register_outputs({"host": self.host, "port": self.port, "secret_name": self.secret_name})

    def _group(self, name: str, args: ElastiCacheArgs, password: pulumi.Output[str]) -> elasticache.ReplicationGroup:
        place, several = args.network.args, args.replicas > 1
        access = EksPrivateAccess(f"{name}-access", EksPrivateAccessArgs(network=args.network, port=PORT), self._child)
        return elasticache.ReplicationGroup(
            name,
            region=place.location,
            description=f"Cache of {place.region}",
            engine="valkey",
            engine_version=VERSION,
            auto_minor_version_upgrade=True,
            node_type=args.node_type or _smallest(args),
            num_cache_clusters=args.replicas,
            automatic_failover_enabled=several,
            multi_az_enabled=several,
            port=PORT,
            parameter_group_name=self._parameters(name, args),
            subnet_group_name=self._subnets(name, args),
            security_group_ids=[access.security_group_id],
            transit_encryption_enabled=True,
            transit_encryption_mode="required",
            at_rest_encryption_enabled=True,
            kms_key_id=args.key_arn,
            auth_token=password,
            # A new password is the only one at once: clients read the Secret, not a note of the old one.
            auth_token_update_strategy="SET",  # noqa: S106 - a strategy
            snapshot_retention_limit=BACKUP_DAYS,
            snapshot_window=BACKUP_WINDOW,
            maintenance_window=MAINTENANCE_WINDOW,
            apply_immediately=True,
            tags=common_labels(place),
            opts=pulumi.ResourceOptions(parent=self, protect=args.deletion_protection),
        )

    def _subnets(self, name: str, args: ElastiCacheArgs) -> pulumi.Output[str]:
        group = elasticache.SubnetGroup(
            f"{name}-subnets",
            region=args.network.args.location,
            subnet_ids=list(args.network.managed_subnet_ids.values()),
            tags=common_labels(args.network.args),
            opts=self._child,
        )
        subnets: pulumi.Output[str] = group.name
        return subnets

    def _parameters(self, name: str, args: ElastiCacheArgs) -> pulumi.Output[str]:
        group = elasticache.ParameterGroup(
            f"{name}-parameters",
            region=args.network.args.location,
            family=FAMILY,
            parameters=[elasticache.ParameterGroupParameterArgs(name="maxmemory-policy", value=args.policy)],
            tags=common_labels(args.network.args),
            opts=self._child,
        )
        parameters: pulumi.Output[str] = group.name
        return parameters


def _smallest(args: ElastiCacheArgs) -> str:
    offered = here("aws", "cache", args.network.args.location, ELASTICACHE)
    return smallest(offered, memory=args.memory, max_memory=args.max_memory, data_share=ELASTICACHE_DATA_SHARE)
