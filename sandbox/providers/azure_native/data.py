"""Databases, caches and storage of Azure. Times [INF]: PostgreSQL 8 minutes, Managed Redis 10."""

from __future__ import annotations

from typing import Final

from sandbox.providers.azure_native.make import identities, in_group, named
from sandbox.providers.azure_native.roles import data_service_may_not, key_needs
from sandbox.providers.cloud.kinds import Facts, Table

REDIS_DATABASE: Final = "azure-native:redisenterprise:Database"
_POSTGRES: Final = "Microsoft.DBforPostgreSQL"
_REDIS: Final = "Microsoft.Cache"
_STORAGE: Final = "Microsoft.Storage"


def _redis_host(facts: Facts) -> str:
    return f"{facts.text('clusterName')}.{facts.text('location')}.redis.azure.net"


KINDS: Final[Table] = {
    "azure-native:dbforpostgresql:Server": named(
        in_group(_POSTGRES, "flexibleServers", "$serverName"),
        "serverName",
        "administratorLogin availabilityZone network.delegatedSubnetResourceId sourceServerResourceId",
        longest=63,
        minutes=8.0,
        refusal=data_service_may_not,
        last_backup=key_needs,
        outputs={
            "fullyQualifiedDomainName": lambda facts: f"{facts.text('serverName')}.postgres.database.azure.com",
            "state": lambda facts: "Ready",
            "identity": identities,
        },
    ),
    "azure-native:dbforpostgresql:Database": named(
        in_group(_POSTGRES, "flexibleServers", "$serverName", "databases", "$databaseName"),
        "databaseName",
        "serverName charset collation",
    ),
    "azure-native:dbforpostgresql:Configuration": named(
        in_group(_POSTGRES, "flexibleServers", "$serverName", "configurations", "$configurationName"),
        "configurationName",
        "serverName",
    ),
    "azure-native:redisenterprise:RedisEnterprise": named(
        in_group(_REDIS, "redisEnterprise", "$clusterName"),
        "clusterName",
        "zones",
        longest=60,
        minutes=10.0,
        refusal=data_service_may_not,
        outputs={"hostName": _redis_host, "resourceState": lambda facts: "Running", "identity": identities},
    ),
    REDIS_DATABASE: named(
        in_group(_REDIS, "redisEnterprise", "$clusterName", "databases", "$databaseName"),
        "databaseName",
        "clusterName clusteringPolicy modules port",
        minutes=2.0,
        outputs={"port": lambda facts: facts.inputs.get("port") or 10000},
    ),
    "azure-native:storage:StorageAccount": named(
        in_group(_STORAGE, "storageAccounts", "$accountName"),
        "accountName",
        "kind isHnsEnabled",
        longest=24,
        minutes=0.5,
        outputs={
            "primaryEndpoints": lambda facts: {"blob": f"https://{facts.text('accountName')}.blob.core.windows.net/"}
        },
    ),
    "azure-native:storage:BlobServiceProperties": named(
        in_group(_STORAGE, "storageAccounts", "$accountName", "blobServices", "$blobServicesName"),
        "blobServicesName",
        "accountName",
    ),
    "azure-native:storage:ManagementPolicy": named(
        in_group(_STORAGE, "storageAccounts", "$accountName", "managementPolicies", "$managementPolicyName"),
        "managementPolicyName",
        "accountName",
    ),
    "azure-native:storage:BlobContainer": named(
        in_group(
            _STORAGE, "storageAccounts", "$accountName", "blobServices", "default", "containers", "$containerName"
        ),
        "containerName",
        "accountName",
        longest=63,
    ),
}
