"""The stand-ins of the clouds: missing or recent grants, and resources that must outlive a destroy."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from components.grants import GRANT_WAIT, seconds_left
from sandbox.providers.base import ProviderError, Values
from sandbox.providers.cloud.behaviour import GRANT_MINUTES
from sandbox.providers.cloud.store import Store
from tests.support.cloud_standins import AKS, GKE, create, delete, diff, read, update

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("simulated_clouds")]

GROUP = "azure-native:resources:ResourceGroup"
SUBNET = "azure-native:network:Subnet"
ADDRESS = "azure-native:network:PublicIPAddress"
ACCOUNT = "azure-native:storage:StorageAccount"
IDENTITY = "azure-native:managedidentity:UserAssignedIdentity"
ROLE = "azure-native:authorization:RoleAssignment"
VAULT = "azure-native:keyvault:Vault"
VAULT_KEY = "azure-native:keyvault:Key"
POOL = "azure-native:containerservice:AgentPool"
POSTGRES = "azure-native:dbforpostgresql:Server"
REDIS = "azure-native:redisenterprise:RedisEnterprise"
CRYPTO_KEY = "gcp:kms/cryptoKey:CryptoKey"
GRANT = "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember"
CLOUD_SQL = "gcp:sql/databaseInstance:DatabaseInstance"
MEMORYSTORE = "gcp:redis/instance:Instance"
SCHEDULE = "azure-native:containerservice:MaintenanceConfiguration"
NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
AWS_ROLE = "aws:iam/role:Role"
AWS_KEY = "aws:kms/key:Key"
RDS = "aws:rds/instance:Instance"

# https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
NETWORK_CONTRIBUTOR = "4d97b98b-1d4f-4787-a291-c67834d212e7"
CRYPTO_USER = "12338af0-0e69-4776-bea7-57ae8d297424"
SERVICE_ENCRYPTION_USER = "e147488a-f6f5-4113-8e2d-b22465e65bf6"
# https://cloud.google.com/iam/docs/service-agents
SQL_AGENT = "serviceAccount:service-123456789012@gcp-sa-cloud-sql.iam.gserviceaccount.com"
REDIS_AGENT = "serviceAccount:service-123456789012@cloud-redis.iam.gserviceaccount.com"
GKE_AGENT = "serviceAccount:service-123456789012@container-engine-robot.iam.gserviceaccount.com"
ENCRYPTER = "roles/cloudkms.cryptoKeyEncrypterDecrypter"

Made = tuple[str, Values, Values]


def in_azure(token: str, name: str = "thing", **inputs: Any) -> Made:
    return create(token, {"resourceGroupName": "g", "location": "westeurope", **inputs}, name=name)


def role(identity: Made, scope: str, role_id: str) -> Made:
    given = {"scope": scope, "principalId": identity[2]["principalId"], "principalType": "ServicePrincipal"}
    definition = f"/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/{role_id}"
    return create(ROLE, {**given, "roleDefinitionId": definition}, name=f"{role_id[:4]}-{scope[-9:]}")


def vault_key() -> tuple[Made, Made]:
    properties = {"sku": {"family": "A", "name": "standard"}, "tenantId": "t"}
    vault = in_azure(VAULT, properties=properties)
    key = create(VAULT_KEY, {"resourceGroupName": "g", "vaultName": vault[2]["name"], "properties": {"kty": "RSA"}})
    return vault, key


def aks(identity: Made, subnet: Made, key: Made) -> Values:
    return {
        "identity": {"type": "UserAssigned", "userAssignedIdentities": [identity[0]]},
        "agentPoolProfiles": [{"name": "system1", "mode": "System", "vmSize": "small", "vnetSubnetID": subnet[0]}],
        "securityProfile": {"azureKeyVaultKms": {"enabled": True, "keyId": key[2]["keyUriWithVersion"]}},
        "tags": {"region": "europe-west1"},
    }


def postgres(identity: Made, key: Made) -> Values:
    encryption = {
        "type": "AzureKeyVault",
        "primaryKeyURI": key[2]["keyUriWithVersion"],
        "primaryUserAssignedIdentityId": identity[0],
    }
    return {"dataEncryption": encryption}


def redis(identity: Made, key: Made) -> Values:
    own = {
        "keyEncryptionKeyUrl": key[2]["keyUriWithVersion"],
        "keyEncryptionKeyIdentity": {"userAssignedIdentityResourceId": identity[0]},
    }
    return {
        "sku": {"name": "Balanced_B0"},
        "publicNetworkAccess": "Disabled",
        "encryption": {"customerManagedKeyEncryption": own},
    }


def subnet() -> Made:
    return create(SUBNET, {"resourceGroupName": "g", "virtualNetworkName": "v", "addressPrefix": "10.0.0.0/24"})


def test_a_cluster_of_azure_needs_roles_on_its_subnets_and_on_its_key() -> None:
    identity, nodes, (vault, key) = in_azure(IDENTITY), subnet(), vault_key()
    with pytest.raises(ProviderError, match=r"LinkedAuthorizationFailed.*subnets/join"):
        in_azure(AKS, **aks(identity, nodes, key))
    role(identity, nodes[0], NETWORK_CONTRIBUTOR)
    with pytest.raises(ProviderError, match=r"Forbidden.*has no access to the key"):
        in_azure(AKS, **aks(identity, nodes, key))
    role(identity, vault[0], CRYPTO_USER)
    assert in_azure(AKS, **aks(identity, nodes, key))[0]


def test_machines_of_azure_need_a_role_of_the_cluster_on_their_subnet() -> None:
    identity, nodes, (vault, key) = in_azure(IDENTITY), subnet(), vault_key()
    role(identity, nodes[0], NETWORK_CONTRIBUTOR)
    role(identity, vault[0], CRYPTO_USER)
    cluster = in_azure(AKS, **aks(identity, nodes, key))[2]["name"]
    place = {"resourceGroupName": "g", "virtualNetworkName": "v"}
    other = create(SUBNET, {**place, "subnetName": "other", "addressPrefix": "10.0.1.0/24"}, name="other")
    pool = {"resourceGroupName": "g", "resourceName": cluster, "agentPoolName": "n2", "vnetSubnetID": other[0]}
    with pytest.raises(ProviderError, match=r"LinkedAuthorizationFailed.*subnets/join.*other"):
        create(POOL, pool)
    role(identity, other[0], NETWORK_CONTRIBUTOR)
    assert create(POOL, pool)[0]


def node_group(role_arn: str) -> Values:
    sizes = {"minSize": 1, "maxSize": 2, "desiredSize": 1}
    return {"clusterName": "c", "nodeRoleArn": role_arn, "subnetIds": ["subnet-1"], "scalingConfig": sizes}


def test_machines_of_aws_need_a_role_that_all_of_aws_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SACRED_COUNCIL_MODEL_TIMES", "1")
    with pytest.raises(ProviderError, match="does not exist or is too new"):
        create(NODE_GROUP, node_group("arn:aws:iam::123456789012:role/strange"))
    arn = create(AWS_ROLE, {"assumeRolePolicy": "{}"})[2]["arn"]
    with pytest.raises(ProviderError, match="does not exist or is too new"):
        create(NODE_GROUP, node_group(arn))
    monkeypatch.setenv("SACRED_COUNCIL_MODEL_TIMES", "0.002")
    time.sleep(GRANT_MINUTES * 60 * 0.002)
    assert create(NODE_GROUP, node_group(arn))[0]


def test_without_modelled_times_a_role_of_aws_is_known_at_once() -> None:
    arn = create(AWS_ROLE, {"assumeRolePolicy": "{}"})[2]["arn"]
    assert create(NODE_GROUP, node_group(arn))[0]


def test_aks_takes_hours_of_a_week_for_its_releases_and_a_window_for_upgrades() -> None:
    # As `az aks maintenanceconfiguration` does: https://learn.microsoft.com/azure/aks/planned-maintenance
    place = {"resourceGroupName": "g", "resourceName": "c"}
    hours = {"timeInWeek": [{"day": "Tuesday", "hourSlots": [0, 1, 2, 3]}]}
    weekly = {"schedule": {"weekly": {"dayOfWeek": "Tuesday", "intervalWeeks": 1}}}
    upgrades = {"maintenanceWindow": {**weekly, "startTime": "00:00", "durationHours": 4}}
    for name, right, wrong in (("default", hours, upgrades), ("aksManagedAutoUpgradeSchedule", upgrades, hours)):
        with pytest.raises(ProviderError, match="InvalidParameter"):
            create(SCHEDULE, {**place, "configName": name, **wrong}, name=name)
        assert create(SCHEDULE, {**place, "configName": name, **right}, name=name)[0]
    late = {"timeInWeek": [{"day": "Tuesday", "hourSlots": [24]}]}
    with pytest.raises(ProviderError, match="hourSlots must be 0 to 23"):
        create(SCHEDULE, {**place, "configName": "default", **late}, name="late")


@pytest.mark.parametrize(("token", "given"), [(POSTGRES, postgres), (REDIS, redis)])
def test_a_data_service_of_azure_needs_a_role_on_its_key(token: str, given: Any) -> None:
    identity, (vault, key) = in_azure(IDENTITY), vault_key()
    role(identity, vault[0], CRYPTO_USER)
    with pytest.raises(ProviderError, match=r"Forbidden.*has no access to the key"):
        in_azure(token, **given(identity, key))
    role(identity, vault[0], SERVICE_ENCRYPTION_USER)
    assert in_azure(token, **given(identity, key))[0]


def test_a_role_of_azure_does_nothing_at_first(monkeypatch: pytest.MonkeyPatch) -> None:
    identity, (vault, key) = in_azure(IDENTITY), vault_key()
    monkeypatch.setenv("SACRED_COUNCIL_MODEL_TIMES", "1")
    granted = role(identity, vault[0], SERVICE_ENCRYPTION_USER)
    with pytest.raises(ProviderError, match="or too new"):
        in_azure(POSTGRES, **postgres(identity, key))
    waited = seconds_left([granted[2]["createdOn"]], datetime.fromisoformat(granted[2]["createdOn"]))
    assert GRANT_MINUTES * 60 < waited <= GRANT_WAIT.total_seconds()


def test_who_waits_for_the_time_of_a_role_is_let_in(monkeypatch: pytest.MonkeyPatch) -> None:
    identity, (vault, key) = in_azure(IDENTITY), vault_key()
    monkeypatch.setenv("SACRED_COUNCIL_MODEL_TIMES", "0.002")
    granted = role(identity, vault[0], SERVICE_ENCRYPTION_USER)
    time.sleep(seconds_left([granted[2]["createdOn"]], datetime.now(UTC)))
    assert in_azure(POSTGRES, **postgres(identity, key))[0]


def test_without_modelled_times_nobody_waits() -> None:
    identity, (vault, _) = in_azure(IDENTITY), vault_key()
    granted = role(identity, vault[0], SERVICE_ENCRYPTION_USER)
    assert seconds_left([granted[2]["createdOn"]], datetime.now(UTC)) == 0


@pytest.mark.parametrize(
    ("token", "agent", "given"),
    [
        (GKE, GKE_AGENT, lambda key: {"databaseEncryption": {"state": "ENCRYPTED", "keyName": key}}),
        (CLOUD_SQL, SQL_AGENT, lambda key: {"databaseVersion": "POSTGRES_18", "encryptionKeyName": key}),
        (MEMORYSTORE, REDIS_AGENT, lambda key: {"memorySizeGb": 1, "customerManagedKey": key}),
    ],
)
def test_a_service_of_google_needs_its_own_grant_on_the_key(token: str, agent: str, given: Any) -> None:
    key = create(CRYPTO_KEY, {"keyRing": "r"})[0]
    place = {"location" if token == GKE else "region": "europe-west1"}
    create(GRANT, {"cryptoKeyId": key, "role": ENCRYPTER, "member": "user:me@example.org"})
    with pytest.raises(ProviderError, match="Unable to delegate the access of CMEK"):
        create(token, {**place, **given(key)})
    create(GRANT, {"cryptoKeyId": key, "role": ENCRYPTER, "member": agent})
    assert create(token, {**place, **given(key)})[0]


def test_the_keys_of_a_vault_of_azure_are_not_the_deployers_to_delete_and_go_with_the_vault() -> None:
    group = create(GROUP, {"resourceGroupName": "g", "location": "westeurope"})
    vault, key = vault_key()
    with pytest.raises(ProviderError, match=r"Forbidden.*Microsoft\.KeyVault/vaults/keys/delete"):
        delete(VAULT_KEY, key[0])
    assert read(VAULT_KEY, key[0], key[2], key[1])[0] == key[0]
    delete(GROUP, group[0])
    assert read(VAULT, vault[0], vault[2], vault[1])[0] == read(VAULT_KEY, key[0], key[2], key[1])[0] == ""


def test_azure_changes_no_machine_and_adds_no_pool_by_way_of_the_cluster() -> None:
    pool = {"name": "system1", "mode": "System", "vmSize": "small"}
    given = {"resourceGroupName": "g", "location": "westeurope", "tags": {"region": "europe-west1"}}
    made = create(AKS, {**given, "agentPoolProfiles": [pool]})
    with pytest.raises(ProviderError, match=r"PropertyChangeNotAllowed.*vmSize"):
        update(AKS, made, {**given, "agentPoolProfiles": [{**pool, "vmSize": "big"}]})
    with pytest.raises(ProviderError, match="A new agent pool was introduced"):
        update(AKS, made, {**given, "agentPoolProfiles": [pool, {**pool, "name": "more"}]})
    assert update(AKS, made, {**given, "agentPoolProfiles": [{**pool, "count": 3}]})


def test_azure_wants_a_pool_for_its_own_pods() -> None:
    with pytest.raises(ProviderError, match="at least one system agent pool"):
        in_azure(AKS, agentPoolProfiles=[{"name": "nodes", "mode": "User"}], tags={"region": "europe-west1"})


def test_azure_changes_no_machine_of_a_pool_and_takes_short_names_only() -> None:
    given = {"resourceGroupName": "g", "resourceName": "c", "agentPoolName": "n1", "vmSize": "small"}
    made = create(POOL, given)
    with pytest.raises(ProviderError, match=r"PropertyChangeNotAllowed.*vmSize"):
        update(POOL, made, {**given, "vmSize": "big"})
    with pytest.raises(ProviderError, match="agent pool name"):
        create(POOL, {**given, "agentPoolName": "nodes-of-zone-1"})


def test_a_nat_gateway_of_azure_stands_in_one_zone() -> None:
    with pytest.raises(ProviderError, match="one zone only"):
        in_azure("azure-native:network:NatGateway", zones=["1", "2", "3"], sku={"name": "Standard"})


def test_azure_takes_two_zones_of_an_address_for_all_and_never_changes_them() -> None:
    # hashicorp/terraform-provider-azurerm issues 16470 and 18741, Azure/azure-cli issue 16653.
    given = {"resourceGroupName": "g", "publicIpAddressName": "a", "location": "westeurope", "zones": ["1", "2"]}
    resource_id, inputs, outputs = create(ADDRESS, given)
    assert outputs["zones"] == ["1", "2", "3"]
    _, _, found = read(ADDRESS, resource_id, outputs, inputs)
    assert found["zones"] == ["1", "2", "3"]
    assert diff(ADDRESS, found, given).replaces == ["zones[2]"]
    one = create(ADDRESS, {**given, "publicIpAddressName": "b", "zones": ["2"]})[2]
    assert one["zones"] == ["2"]


def test_azure_makes_no_account_of_one_zone_one_of_all_zones_in_an_update() -> None:
    given = {"resourceGroupName": "g", "accountName": "a", "location": "westeurope", "kind": "StorageV2"}
    made = create(ACCOUNT, {**given, "sku": {"name": "Standard_LRS"}})
    with pytest.raises(ProviderError, match="the redundancy cannot be updated"):
        update(ACCOUNT, made, {**given, "sku": {"name": "Standard_ZRS"}})
    assert update(ACCOUNT, made, {**given, "sku": {"name": "Standard_GRS"}})


def window(start: str, end: str, recurrence: str) -> Values:
    window = {"startTime": f"2026-01-05T{start}:00Z", "endTime": f"2026-01-05T{end}:00Z", "recurrence": recurrence}
    return {"location": "europe-west1", "maintenancePolicy": {"recurringWindow": window}}


def test_gke_refuses_windows_of_less_than_48_hours_in_32_days() -> None:
    # https://cloud.google.com/kubernetes-engine/docs/concepts/maintenance-windows-and-exclusions
    with pytest.raises(ProviderError, match="48h maintenance availability"):
        create(GKE, window("00:00", "08:00", "FREQ=WEEKLY;BYDAY=MO"))
    assert create(GKE, window("00:00", "12:00", "FREQ=WEEKLY;BYDAY=MO"))[0]
    assert create(GKE, window("00:00", "06:00", "FREQ=WEEKLY;BYDAY=MO,TH"), name="two-days")[0]


@pytest.fixture
def clouds(simulated_clouds: Path) -> Path:
    return simulated_clouds / "clouds"


@pytest.mark.parametrize("kept", [True, False])
def test_the_last_backup_of_cloud_sql_can_be_read_as_long_as_its_key_and_grant_are_there(
    clouds: Path, kept: bool
) -> None:
    key = create(CRYPTO_KEY, {"keyRing": "r"})[0]
    grant = create(GRANT, {"cryptoKeyId": key, "role": ENCRYPTER, "member": SQL_AGENT})[0]
    settings = {"tier": "db-custom-1-3840", "finalBackupConfig": {"enabled": True}}
    given = {"region": "europe-west1", "databaseVersion": "POSTGRES_18", "encryptionKeyName": key}
    server = create(CLOUD_SQL, {**given, "settings": settings})[0]
    delete(CLOUD_SQL, server)
    if not kept:
        delete(GRANT, grant)
        delete(CRYPTO_KEY, key)
    assert Store(clouds, "gcp").last_backups("test") == {server: [] if kept else [key, grant]}


@pytest.mark.parametrize("kept", [True, False])
def test_the_last_snapshot_of_rds_can_be_read_as_long_as_its_key_is_there(clouds: Path, kept: bool) -> None:
    key = create(AWS_KEY, {})
    server = create(RDS, {"instanceClass": "db.t4g.micro", "kmsKeyId": key[2]["arn"]})[0]
    delete(RDS, server)
    if not kept:
        delete(AWS_KEY, key[0])
    assert Store(clouds, "aws").last_backups("test") == {server: [] if kept else [key[2]["arn"]]}


@pytest.mark.parametrize(
    ("plugin", "token", "given"),
    [
        ("gcp", CLOUD_SQL, {"region": "europe-west1", "databaseVersion": "POSTGRES_18"}),
        ("aws", RDS, {"instanceClass": "db.t4g.micro", "skipFinalSnapshot": True}),
    ],
)
def test_a_database_that_is_asked_for_no_last_backup_leaves_none(
    clouds: Path, plugin: str, token: str, given: Values
) -> None:
    delete(token, create(token, given)[0])
    assert Store(clouds, plugin).last_backups("test") == {}


@pytest.mark.parametrize("kept", [True, False])
def test_the_last_backup_of_azure_needs_its_key_the_identity_and_the_role(clouds: Path, kept: bool) -> None:
    group = create(GROUP, {"resourceGroupName": "g", "location": "westeurope"})
    identity, (vault, key) = in_azure(IDENTITY), vault_key()
    granted = role(identity, vault[0], SERVICE_ENCRYPTION_USER)
    server = create(POSTGRES, {"resourceGroupName": "other", "location": "westeurope", **postgres(identity, key)})[0]
    delete(POSTGRES, server)
    if not kept:
        delete(GROUP, group[0])
    needs = [key[2]["keyUriWithVersion"], identity[0], granted[0]]
    assert Store(clouds, "azure-native").last_backups("test") == {server: [] if kept else needs}
