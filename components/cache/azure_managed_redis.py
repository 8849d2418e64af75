"""Redis on Azure Managed Redis, the managed cache of Azure."""

from typing import Final

import pulumi
from pulumi_azure_native import redisenterprise

from components.authorities import MICROSOFT, public_authorities
from components.cache.instances import AZURE, AZURE_DATA_SHARE, smallest
from components.cache.managed import Endpoint, ManagedCacheArgs, connect
from components.cluster.aks import AksNetwork
from components.cluster.aks.identity import AksVault, deletion_lock
from components.cluster.aks.managed_services import AksDataServiceKey, AksPrivateEndpoint, AksPrivateEndpointArgs
from components.cluster.location import common_labels
from components.cluster.settings import AzureRegion
from components.connection import DataServiceComponent
from components.offers import here

PORT: Final = 10000
DATABASE: Final = "default"
"""Azure accepts no other name for a cluster's only database."""
ENDPOINT: Final = "redisEnterprise"
ZONE: Final = "privatelink.redis.azure.net"
EVICTION: Final = "AllKeysLRU"
"""Azure's name for `components.cache.settings.EVICTION`."""


class AzureManagedRedis(DataServiceComponent):
    """A Redis with an access key as its password and TLS, reached by name through a private endpoint.

    Public authorities sign its certificate.
    Azure installs new versions by itself.
    With several `replicas` Azure chooses the number of nodes and spreads them over the region's zones.
    `vault` belongs to the region.

    Outputs: those of `components.cache.Cache`.
    """

    def __init__(
        self,
        name: str,
        args: ManagedCacheArgs,
        *,
        region: AzureRegion,
        network: AksNetwork,
        vault: AksVault,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:cache:AzureManagedRedis", name, None, opts)
        self._region, self._network = region, network
        self._child = pulumi.ResourceOptions(parent=self)
        cluster = self._cluster(name, args, vault)
        database = self._database(name, cluster)
        private = AksPrivateEndpoint(
            f"{name}-endpoint",
            AksPrivateEndpointArgs(network=network, service=cluster.id, kind=ENDPOINT, zone=ZONE),
            self._child,
        )
        if region.deletion_protection:
            deletion_lock(name, cluster.id, self._child)
        endpoint = Endpoint(
            host=pulumi.Output.all(cluster.host_name, private.ready).apply(lambda known: str(known[0])),
            port=PORT,
            addresses=str(network.args.addresses.managed),
            password=self._password(cluster, database),
            authority=public_authorities(MICROSOFT),
        )
        self.offer(connect(name, args, endpoint, self._child))

    def _cluster(self, name: str, args: ManagedCacheArgs, vault: AksVault) -> redisenterprise.RedisEnterprise:
        region, network, asked = self._region, self._network, args.settings
        key = AksDataServiceKey(f"{name}-encryption", network, vault, self._child)
        return redisenterprise.RedisEnterprise(
            name,
            resource_group_name=network.resource_group_name,
            location=network.args.location,
            sku=redisenterprise.SkuArgs(name=region.instances.cache or _smallest(args, network.args.location)),
            high_availability="Enabled" if asked.replicas > 1 else "Disabled",
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
            tags=common_labels(network.args),
            opts=pulumi.ResourceOptions(parent=self, protect=region.deletion_protection),
        )

    def _database(self, name: str, cluster: redisenterprise.RedisEnterprise) -> redisenterprise.Database:
        return redisenterprise.Database(
            f"{name}-database",
            resource_group_name=self._network.resource_group_name,
            cluster_name=cluster.name,
            database_name=DATABASE,
            port=PORT,
            client_protocol="Encrypted",
            # Clients see a single Redis, whatever the number of shards.
            clustering_policy="EnterpriseCluster",
            eviction_policy=EVICTION,
            access_keys_authentication="Enabled",
            persistence=redisenterprise.PersistenceArgs(rdb_enabled=True, rdb_frequency="1h", aof_enabled=False),
            opts=self._child,
        )

    def _password(
        self, cluster: redisenterprise.RedisEnterprise, database: redisenterprise.Database
    ) -> pulumi.Output[str]:
        keys = redisenterprise.list_database_keys_output(
            resource_group_name=self._network.resource_group_name,
            cluster_name=cluster.name,
            database_name=database.name,
            opts=pulumi.InvokeOutputOptions(parent=self),
        )
        return pulumi.Output.secret(keys.apply(lambda known: str(known.primary_key)))


def _smallest(args: ManagedCacheArgs, location: str) -> str:
    asked = args.settings
    offered = here("azure", "cache", location, AZURE)
    return smallest(offered, memory=asked.memory, max_memory=asked.max_memory, data_share=AZURE_DATA_SHARE)
