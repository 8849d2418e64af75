"""Redis on Azure Managed Redis, the managed cache of Azure."""

from dataclasses import dataclass
from typing import Final

import pulumi
from pulumi_azure_native import authorization, redisenterprise

from components.authorities import MICROSOFT, public_authorities
from components.cache.arguments import ManagedCacheArgs
from components.cache.instances import AZURE, AZURE_DATA_SHARE, smallest
from components.cache.managed import Endpoint, connect
from components.cluster.aks import AksNetwork
from components.cluster.aks.identity import AksEncryption
from components.cluster.aks.private_endpoint import AksPrivateEndpoint, AksPrivateEndpointArgs
from components.cluster.aks.store_key import AksStoreKey, AksStoreKeyArgs
from components.cluster.arguments import common_labels
from components.offers import here

PORT: Final = 10000
DATABASE: Final = "default"
"""Azure takes no other name for a cluster's one database."""
ENDPOINT: Final = "redisEnterprise"
ZONE: Final = "privatelink.redis.azure.net"
POLICIES: Final = {
    "allkeys-lfu": "AllKeysLFU",
    "allkeys-lru": "AllKeysLRU",
    "allkeys-random": "AllKeysRandom",
    "noeviction": "NoEviction",
    "volatile-lfu": "VolatileLFU",
    "volatile-lru": "VolatileLRU",
    "volatile-random": "VolatileRandom",
    "volatile-ttl": "VolatileTTL",
}
"""What Azure calls Redis's policies."""


@dataclass(frozen=True, kw_only=True)
class AzureManagedRedisArgs(ManagedCacheArgs):
    """`size` is a kind of Azure Managed Redis (None: the smallest known one of the region that is enough).

    With `replicas` Azure chooses how many nodes there are, and spreads them over the zones that the region has.
    `encryption` has the region's keys.
    """

    network: AksNetwork
    encryption: AksEncryption
    deletion_protection: bool
    size: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.policy not in POLICIES:
            raise ValueError(f"policy: expected one of {', '.join(POLICIES)}, got {self.policy!r}")


class AzureManagedRedis(pulumi.ComponentResource):
    """A Redis with a key for a password and TLS, reached through a private endpoint by its own name.

    Public authorities sign its certificate. Azure installs new versions by itself.

    It offers what `components.cache.Cache` promises: `url` (secret), `host`, `port`, `secret_name`.
    """

    url: pulumi.Output[str]
    host: pulumi.Output[str]
    port: pulumi.Output[int]
    secret_name: pulumi.Output[str]

    def __init__(self, name: str, args: AzureManagedRedisArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cache:AzureManagedRedis", name, None, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        cluster = self._cluster(name, args)
        database = self._database(name, args, cluster)
        private = AksPrivateEndpoint(
            f"{name}-endpoint",
            AksPrivateEndpointArgs(network=args.network, service=cluster.id, kind=ENDPOINT, zone=ZONE),
            self._child,
        )
        if args.deletion_protection:
            self._lock(name, cluster)
        endpoint = Endpoint(
            host=pulumi.Output.all(cluster.host_name, private.ready).apply(lambda known: str(known[0])),
            port=PORT,
            password=self._password(args, cluster, database),
            authority=public_authorities(MICROSOFT),
        )
        connection = connect(name, args, endpoint, self._child)
        self.url, self.host, self.port = connection.url, connection.host, connection.port
        self.secret_name = connection.secret_name
        self.register_outputs({"host": self.host, "port": self.port, "secret_name": self.secret_name})

    def _cluster(self, name: str, args: AzureManagedRedisArgs) -> redisenterprise.RedisEnterprise:
        key = AksStoreKey(
            f"{name}-encryption", AksStoreKeyArgs(network=args.network, encryption=args.encryption), self._child
        )
        return redisenterprise.RedisEnterprise(
            name,
            resource_group_name=args.network.resource_group_name,
            location=args.network.args.location,
            sku=redisenterprise.SkuArgs(name=args.size or _smallest(args)),
            high_availability="Enabled" if args.replicas > 1 else "Disabled",
            public_network_access="Disabled",
            minimum_tls_version="1.2",
            identity=redisenterprise.ManagedServiceIdentityArgs(
                type="UserAssigned", user_assigned_identities=[key.identity_id]
            ),
            encryption=redisenterprise.ClusterPropertiesEncryptionArgs(
                customer_managed_key_encryption=redisenterprise.ClusterPropertiesCustomerManagedKeyEncryptionArgs(
                    key_encryption_key_url=key.key_id,
                    key_encryption_key_identity=redisenterprise.ClusterPropertiesKeyEncryptionKeyIdentityArgs(
                        identity_type="userAssignedIdentity", user_assigned_identity_resource_id=key.identity_id
                    ),
                )
            ),
            tags=common_labels(args.network.args),
            opts=pulumi.ResourceOptions(parent=self, protect=args.deletion_protection),
        )

    def _database(
        self, name: str, args: AzureManagedRedisArgs, cluster: redisenterprise.RedisEnterprise
    ) -> redisenterprise.Database:
        return redisenterprise.Database(
            f"{name}-database",
            resource_group_name=args.network.resource_group_name,
            cluster_name=cluster.name,
            database_name=DATABASE,
            port=PORT,
            client_protocol="Encrypted",
            # Looks to clients like one Redis, however many shards Azure makes of it.
            clustering_policy="EnterpriseCluster",
            eviction_policy=POLICIES[args.policy],
            access_keys_authentication="Enabled",
            persistence=redisenterprise.PersistenceArgs(rdb_enabled=True, rdb_frequency="1h", aof_enabled=False),
            opts=self._child,
        )

    def _password(
        self,
        args: AzureManagedRedisArgs,
        cluster: redisenterprise.RedisEnterprise,
        database: redisenterprise.Database,
    ) -> pulumi.Output[str]:
        keys = redisenterprise.list_database_keys_output(
            resource_group_name=args.network.resource_group_name,
            cluster_name=cluster.name,
            database_name=database.name,
            opts=pulumi.InvokeOutputOptions(parent=self),
        )
        return pulumi.Output.secret(keys.apply(lambda known: str(known.primary_key)))

    def _lock(self, name: str, cluster: redisenterprise.RedisEnterprise) -> None:
        authorization.ManagementLockByScope(
            f"{name}-lock",
            scope=cluster.id,
            level="CanNotDelete",
            notes="Deletion protection: take it off in the stack's configuration.",
            opts=self._child,
        )


def _smallest(args: AzureManagedRedisArgs) -> str:
    offered = here("azure", "cache", args.network.args.location, AZURE)
    return smallest(offered, memory=args.memory, max_memory=args.max_memory, data_share=AZURE_DATA_SHARE)
