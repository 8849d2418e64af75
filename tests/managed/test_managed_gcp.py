"""Cloud SQL and Memorystore: private, encrypted, backed up, kept from deletion."""

from typing import Any

import pytest

from tests.support.data_services import waits_for
from tests.support.managed import managed, named

pytestmark = pytest.mark.stack

SQL = "gcp:sql/databaseInstance:DatabaseInstance"
REDIS = "gcp:redis/instance:Instance"
GRANT = "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember"


def server(**options: bool) -> dict[str, Any]:
    """Return the inputs of the database server."""
    return named(managed("gcp", **options), "gcp", "database", SQL).inputs


def cache(**options: bool) -> dict[str, Any]:
    """Return the inputs of the cache."""
    return named(managed("gcp", **options), "gcp", "cache", REDIS).inputs


def test_the_database_has_a_private_way_alone_and_takes_encrypted_connections_alone() -> None:
    ip = server()["settings"]["ipConfiguration"]
    assert ip["ipv4Enabled"] is False
    assert ip["sslMode"] == "ENCRYPTED_ONLY"
    assert ip["serverCaMode"] == "GOOGLE_MANAGED_CAS_CA"
    assert "authorizedNetworks" not in ip
    assert ip["pscConfigs"] == [{"pscEnabled": True, "allowedConsumerProjects": ["my-project"]}]


def test_the_way_to_the_database_is_in_the_first_half_of_the_managed_range() -> None:
    stack = managed("gcp")
    subnet = named(stack, "gcp", "database-endpoint-subnet", "gcp:compute/subnetwork:Subnetwork")
    assert subnet.inputs["ipCidrRange"].endswith(".192.0/20")
    endpoint = named(stack, "gcp", "database-endpoint-endpoint", "gcp:compute/forwardingRule:ForwardingRule").inputs
    assert "/serviceAttachments/" in endpoint["target"]
    assert endpoint["loadBalancingScheme"] == ""


def test_the_database_is_called_by_the_name_in_its_certificate() -> None:
    stack = managed("gcp")
    zone = named(stack, "gcp", "database-endpoint-zone", "gcp:dns/managedZone:ManagedZone").inputs
    record = named(stack, "gcp", "database-endpoint-record", "gcp:dns/recordSet:RecordSet").inputs
    assert zone["visibility"] == "private"
    assert zone["dnsName"] == record["name"]
    assert record["name"].endswith(".us-central1.sql.goog.")
    host = stack.named("us-central1-database-connection").inputs["stringData"]["host"]
    assert f"{host}." == record["name"]


def test_the_database_is_version_18_with_the_machine_that_was_asked_for() -> None:
    settings = server()["settings"]
    assert server()["databaseVersion"] == "POSTGRES_18"
    assert (settings["tier"], settings["edition"]) == ("db-custom-2-4096", "ENTERPRISE")
    assert (settings["diskSize"], settings["diskAutoresize"]) == (50, True)
    assert "settings.diskSize" in named(managed("gcp"), "gcp", "database", SQL).ignored


def test_the_database_has_backups_any_point_in_time_and_a_last_backup() -> None:
    settings = server()["settings"]
    backups = settings["backupConfiguration"]
    assert backups["enabled"]
    assert backups["pointInTimeRecoveryEnabled"]
    assert backups["backupRetentionSettings"]["retainedBackups"] == 14
    assert settings["finalBackupConfig"] == {"enabled": True, "retentionDays": 14}
    assert settings["maintenanceWindow"] == {"day": 2, "hour": 4, "updateTrack": "stable"}


def test_the_cache_is_encrypted_with_the_region_s_key_and_the_database_with_its_own() -> None:
    keys = ("us-central1-database-encryption-key-id", "us-central1-cluster-encryption-key-id")
    assert (server()["encryptionKeyName"], cache()["customerManagedKey"]) == keys


def test_a_data_service_is_made_once_google_honours_its_service_s_grant_on_the_key() -> None:
    stack = managed("gcp")
    agents = {"database-encryption-use": "gcp-sa-cloud-sql", "cache-key": "cloud-redis"}
    for (name, agent), data_service, type_ in zip(agents.items(), ("database", "cache"), (SQL, REDIS), strict=True):
        grant = named(stack, "gcp", f"{name}-grant", GRANT)
        assert agent in grant.inputs["member"]
        assert grant.inputs["role"] == "roles/cloudkms.cryptoKeyEncrypterDecrypter"
        clock = named(stack, "gcp", f"{name}-time", "gcp:compute/healthCheck:HealthCheck")
        assert grant.urn in clock.dependencies
        assert {grant.name, clock.name} <= waits_for(stack, named(stack, "gcp", data_service, type_))


def test_key_and_grant_of_the_database_s_last_backup_outlive_the_stack_and_no_others_do() -> None:
    stack = managed("gcp")
    kept = {r.name for r in stack.resources if r.retained and r.type.startswith("gcp:kms/")}
    assert kept == {"us-central1-database-encryption-key", "us-central1-database-encryption-use-grant"}


def test_a_standby_and_failover_are_a_matter_of_numbers() -> None:
    assert (server()["settings"]["availabilityType"], cache()["tier"]) == ("REGIONAL", "STANDARD_HA")
    alone = server(several=False)["settings"]["availabilityType"], cache(several=False)["tier"]
    assert alone == ("ZONAL", "BASIC")


def test_deletion_protection_is_the_region_s() -> None:
    assert server()["deletionProtection"]
    assert server()["settings"]["deletionProtectionEnabled"]
    assert cache()["deletionProtection"]
    assert not server(protected=False)["deletionProtection"]
    assert not server(protected=False)["settings"]["deletionProtectionEnabled"]
    assert not cache(protected=False)["deletionProtection"]


def test_the_administrator_s_password_is_generated_and_secret() -> None:
    user = named(managed("gcp"), "gcp", "database-administrator", "gcp:sql/user:User")
    assert user.inputs["password"] == "password-of-us-central1-database-administrator-password"
    assert "password" in user.secret_paths


def test_the_cache_has_a_password_and_tls_and_the_network_alone_reaches_it() -> None:
    found = cache()
    assert found["authEnabled"]
    assert found["transitEncryptionMode"] == "SERVER_AUTHENTICATION"
    assert found["connectMode"] == "PRIVATE_SERVICE_ACCESS"
    assert found["authorizedNetwork"] == "us-central1-network-vpc-id"
    assert found["reservedIpRange"].startswith("us-central1-cache-private-services-range-")
    secret = managed("gcp").named("us-central1-cache-connection")
    assert "stringData.password" in secret.secret_paths or "stringData" in secret.secret_paths


def test_the_cache_s_addresses_are_in_the_second_half_of_the_managed_range() -> None:
    stack = managed("gcp")
    given = named(stack, "gcp", "cache-private-services-range", "gcp:compute/globalAddress:GlobalAddress").inputs
    assert given["address"].endswith(".208.0")
    assert (given["prefixLength"], given["purpose"], given["addressType"]) == (20, "VPC_PEERING", "INTERNAL")
    peering = named(stack, "gcp", "cache-private-services-peering", "gcp:servicenetworking/connection:Connection")
    assert peering.name in waits_for(stack, named(stack, "gcp", "cache", REDIS))
    assert (peering.inputs["deletionPolicy"], peering.inputs["updateOnCreationFail"]) == ("REMOVE_PEERING", True)


def test_the_cache_drops_the_least_used_and_keeps_what_was_asked_for() -> None:
    found = cache()
    assert found["redisConfigs"] == {"maxmemory-policy": "allkeys-lru", "maxmemory-gb": "0.5"}
    assert (found["memorySizeGb"], found["redisVersion"]) == (1, "REDIS_7_2")
    assert found["persistenceConfig"] == {"persistenceMode": "RDB", "rdbSnapshotPeriod": "ONE_HOUR"}
    (window,) = found["maintenancePolicy"]["weeklyMaintenanceWindows"]
    assert (window["day"], window["startTime"]["hours"]) == ("TUESDAY", 4)
