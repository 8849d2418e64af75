"""Flexible Server and Azure Managed Redis: private, encrypted, backed up, kept from deletion."""

from typing import Any

import pytest

from tests.support.clusters import made
from tests.support.data_services import waits_for
from tests.support.managed import managed, managed_in, named
from tests.support.rendering import Resource

pytestmark = pytest.mark.stack

SERVER = "azure-native:dbforpostgresql:Server"
CLUSTER = "azure-native:redisenterprise:RedisEnterprise"
LOCK = "azure-native:authorization:ManagementLockByScope"
DATA_SERVICES = {"database": SERVER, "cache": CLUSTER}
ENCRYPTION_USER = "e147488a-f6f5-4113-8e2d-b22465e65bf6"
DATABASE_KEY = "westeurope-database-encryption-"


def data_service(name: str, **options: bool) -> Resource:
    """Return Azure's resource of a data service."""
    return named(managed("azure", **options), "azure", name, DATA_SERVICES[name])


def server(**options: bool) -> dict[str, Any]:
    """Return the inputs of the database server."""
    return data_service("database", **options).inputs


def redis(**options: bool) -> dict[str, Any]:
    """Return the inputs of the cache's cluster."""
    return data_service("cache", **options).inputs


def redis_database() -> dict[str, Any]:
    """Return the inputs of the cache's only database."""
    return named(managed("azure"), "azure", "cache-database", "azure-native:redisenterprise:Database").inputs


def id_of(type_: str, name: str) -> str:
    """Return the id that the mocks give a resource."""
    path = type_.partition(":")[2].replace(":", "/")
    return f"/subscriptions/00000000-0000-0000-0000-000000000000/{path}/westeurope-{name}"


@pytest.mark.parametrize(
    ("name", "kind", "zone"),
    [
        ("database", "postgresqlServer", "privatelink.postgres.database.azure.com"),
        ("cache", "redisEnterprise", "privatelink.redis.azure.net"),
    ],
)
def test_a_data_service_has_a_private_endpoint_alone_and_its_own_name_leads_there(
    name: str, kind: str, zone: str
) -> None:
    stack, public = managed("azure"), {"database": server()["network"], "cache": redis()}[name]
    assert public["publicNetworkAccess"] == "Disabled"
    endpoint = named(stack, "azure", f"{name}-endpoint-endpoint", "azure-native:network:PrivateEndpoint").inputs
    assert endpoint["subnet"]["id"] == id_of("azure-native:network:Subnet", "network-managed-subnet")
    (link,) = endpoint["privateLinkServiceConnections"]
    assert (link["groupIds"], link["privateLinkServiceId"]) == ([kind], id_of(DATA_SERVICES[name], name))
    names = named(stack, "azure", f"{name}-endpoint-zone", "azure-native:privatedns:PrivateZone").inputs
    assert names["privateZoneName"] == zone
    asked = named(stack, "azure", f"{name}-endpoint-link", "azure-native:privatedns:VirtualNetworkLink").inputs
    assert asked["virtualNetwork"]["id"] == id_of("azure-native:network:VirtualNetwork", "network-vnet")
    assert asked["registrationEnabled"] is False


@pytest.mark.parametrize("name", DATA_SERVICES)
def test_the_connection_is_known_once_the_name_leads_there(name: str) -> None:
    stack = managed("azure")
    waited = waits_for(stack, stack.named(f"westeurope-{name}-connection"))
    assert f"westeurope-{name}-endpoint-names" in waited


@pytest.mark.parametrize("name", DATA_SERVICES)
def test_a_data_service_is_encrypted_with_a_key_of_its_own_that_its_identity_may_use(name: str) -> None:
    stack = managed("azure")
    key = named(stack, "azure", f"{name}-encryption-key", "azure-native:keyvault:Key").inputs
    home = {"database": "database-encryption-vault", "cache": "cluster-encryption-vault"}[name]
    assert key["vaultName"] == named(stack, "azure", home, "azure-native:keyvault:Vault").inputs["vaultName"]
    assert set(key["properties"]["keyOps"]) == {"wrapKey", "unwrapKey"}
    role = named(stack, "azure", f"{name}-encryption-use-role", "azure-native:authorization:RoleAssignment")
    assert role.inputs["roleDefinitionId"].endswith(ENCRYPTION_USER)
    assert role.name in waits_for(stack, data_service(name))
    identity = id_of("azure-native:managedidentity:UserAssignedIdentity", f"{name}-encryption-identity")
    if name == "database":
        assert server()["dataEncryption"]["type"] == "AzureKeyVault"
        assert server()["dataEncryption"]["primaryUserAssignedIdentityId"] == identity
        assert list(server()["identity"]["userAssignedIdentities"]) == [identity]
    else:
        customer = redis()["encryption"]["customerManagedKeyEncryption"]
        assert customer["keyEncryptionKeyIdentity"]["userAssignedIdentityResourceId"] == identity
        assert customer["keyEncryptionKeyUrl"].startswith("https://")
        assert redis()["identity"]["userAssignedIdentities"] == [identity]


def test_all_that_the_database_s_last_backup_needs_outlives_the_stack_in_a_group_of_its_own() -> None:
    # A restore needs key and identity: https://learn.microsoft.com/azure/postgresql/security/security-data-encryption
    stack = managed("azure")
    needed = {
        "database-encryption-group": "azure-native:resources:ResourceGroup",
        "database-encryption-vault": "azure-native:keyvault:Vault",
        "database-encryption-key": "azure-native:keyvault:Key",
        "database-encryption-identity": "azure-native:managedidentity:UserAssignedIdentity",
        "database-encryption-use-role": "azure-native:authorization:RoleAssignment",
    }
    found = {name: named(stack, "azure", name, type_) for name, type_ in needed.items()}
    assert all(one.retained for one in found.values())
    group = made(found["database-encryption-group"], "name")
    groups = [one.inputs["resourceGroupName"] for one in found.values() if "resourceGroupName" in one.inputs]
    assert set(groups) == {group}
    others = {r.inputs.get("resourceGroupName") for r in stack.resources if not r.name.startswith(DATABASE_KEY)}
    assert group not in others


def test_nothing_is_kept_of_the_cache_which_leaves_no_backup_but_the_key_that_goes_with_the_vault() -> None:
    stack = managed("azure")
    mine = [r for r in stack.resources if r.name.startswith("westeurope-cache-")]
    assert {r.type for r in mine if r.retained} == {"azure-native:keyvault:Key"}


def test_pulumi_deletes_no_key_of_a_vault() -> None:
    # The official provider would call the vault itself, in which the subscription's owner has no rights.
    keys = managed("azure").of_type("azure-native:keyvault:Key")
    assert len(keys) == 3
    assert all(key.retained for key in keys)


def test_the_database_takes_encrypted_connections_and_passwords_alone() -> None:
    parameters = {
        r.inputs["configurationName"]: r.inputs["value"]
        for r in managed("azure").of_type("azure-native:dbforpostgresql:Configuration")
    }
    assert parameters == {"require_secure_transport": "on", "ssl_min_protocol_version": "TLSv1.2"}
    login = server()["authConfig"]
    assert (login["passwordAuth"], login["activeDirectoryAuth"]) == ("Enabled", "Disabled")
    assert "administratorLoginPassword" in data_service("database").secret_paths


def test_parameters_are_changed_one_after_the_other() -> None:
    first, second = managed("azure").of_type("azure-native:dbforpostgresql:Configuration")
    assert first.urn in second.dependencies


def test_the_database_is_version_18_with_the_machine_that_was_asked_for() -> None:
    assert server()["version"] == "18"
    assert server()["sku"] == {"name": "Standard_D2ds_v5", "tier": "GeneralPurpose"}
    assert server(several=False)["sku"] == {"name": "Standard_B2s", "tier": "Burstable"}
    assert server()["storage"] == {"storageSizeGB": 64, "autoGrow": "Enabled"}
    assert "storage.storageSizeGB" in data_service("database").ignored


def test_a_region_without_the_newest_machines_gets_those_before() -> None:
    (made,) = managed_in("azure", "japaneast").of_type(SERVER)
    assert made.inputs["sku"] == {"name": "Standard_D2ds_v4", "tier": "GeneralPurpose"}


def test_the_database_has_backups_any_point_in_time_and_a_maintenance_window() -> None:
    assert server()["backup"] == {"backupRetentionDays": 14, "geoRedundantBackup": "Disabled"}
    window = server()["maintenanceWindow"]
    assert (window["customWindow"], window["dayOfWeek"], window["startHour"]) == ("Enabled", 4, 4)


def test_a_standby_and_failover_are_a_matter_of_numbers() -> None:
    assert (server()["highAvailability"]["mode"], redis()["highAvailability"]) == ("ZoneRedundant", "Enabled")
    alone = server(several=False)["highAvailability"]["mode"], redis(several=False)["highAvailability"]
    assert alone == ("Disabled", "Disabled")


def test_deletion_protection_is_a_lock_on_each() -> None:
    scopes = {r.inputs["scope"] for r in managed("azure").of_type(LOCK)}
    assert {id_of(type_, name) for name, type_ in DATA_SERVICES.items()} <= scopes
    assert managed("azure", protected=False).of_type(LOCK) == []


@pytest.mark.parametrize("name", DATA_SERVICES)
def test_public_authorities_sign_for_both(name: str) -> None:
    told = managed("azure").named(f"westeurope-{name}-connection").inputs["stringData"]
    assert told["ca.crt"].count("-----BEGIN CERTIFICATE-----") == 3


def test_the_cache_takes_encrypted_connections_alone_and_looks_like_one_redis() -> None:
    assert redis()["minimumTlsVersion"] == "1.2"
    found = redis_database()
    assert (found["clientProtocol"], found["clusteringPolicy"]) == ("Encrypted", "EnterpriseCluster")
    assert (found["databaseName"], found["port"], found["accessKeysAuthentication"]) == ("default", 10000, "Enabled")
    assert found["evictionPolicy"] == "AllKeysLRU"
    assert found["persistence"] == {"rdbEnabled": True, "rdbFrequency": "1h", "aofEnabled": False}
    assert redis()["sku"] == {"name": "Balanced_B1"}


def test_the_cache_s_key_is_escaped_in_the_url() -> None:
    told = managed("azure").named("westeurope-cache-connection").inputs["stringData"]
    assert told["password"].endswith("=")
    assert "=" not in told["url"]
