"""Databases, caches and storage of Azure. Times [INF]: PostgreSQL 8 minutes, Managed Redis 10."""

from __future__ import annotations

from typing import Final

from sandbox.providers.azure_native.make import identities, in_group, named
from sandbox.providers.azure_native.roles import data_service_may_not, key_needs
from sandbox.providers.cloud.kinds import Existing, Facts, Table, Values

REDIS_DATABASE: Final = "azure-native:redisenterprise:Database"
STORAGE_ACCOUNT: Final = "azure-native:storage:StorageAccount"
_POSTGRES: Final = "Microsoft.DBforPostgreSQL"
_REDIS: Final = "Microsoft.Cache"
_STORAGE: Final = "Microsoft.Storage"


def _redis_host(facts: Facts) -> str:
    return f"{facts.text('clusterName')}.{facts.text('location')}.redis.azure.net"


def _other_zones(facts: Facts, _existing: Existing) -> str | None:
    """Refuse an update between one zone and all zones: Azure converts accounts only on request.

    Source: https://learn.microsoft.com/azure/storage/common/redundancy-migration
    """
    for one in facts.others(STORAGE_ACCOUNT):
        same = one.inputs.get("accountName") == facts.text("accountName")
        if same and _in_all_zones(one.inputs) != _in_all_zones(facts.inputs):
            return "the redundancy cannot be updated: convert the account (az storage account migration start)"
    return None


def _in_all_zones(inputs: Values) -> bool:
    return str((inputs.get("sku") or {}).get("name")).endswith("ZRS")


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
    STORAGE_ACCOUNT: named(
        in_group(_STORAGE, "storageAccounts", "$accountName"),
        "accountName",
        "kind isHnsEnabled",
        longest=24,
        minutes=0.5,
        refusal=_other_zones,
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
