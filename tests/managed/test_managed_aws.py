"""RDS and ElastiCache: private, encrypted, backed up, kept from deletion."""

from typing import Any

import pytest

from tests.support.clusters import made
from tests.support.data_services import waits_for
from tests.support.managed import CACHE, DATABASE, PEM, managed, managed_in, named, settings
from tests.support.rendering import render

pytestmark = pytest.mark.stack

RDS = "aws:rds/instance:Instance"
KEY = "aws:kms/key:Key"
GROUP = "aws:elasticache/replicationGroup:ReplicationGroup"
PORTS = {"database": 5432, "cache": 6379}


def server(**options: bool) -> dict[str, Any]:
    """Return the inputs of the database server."""
    return named(managed("aws", **options), "aws", "database", RDS).inputs


def cache(**options: bool) -> dict[str, Any]:
    """Return the inputs of the cache."""
    return named(managed("aws", **options), "aws", "cache", GROUP).inputs


def parameters(data_service: str, service: str) -> dict[str, str]:
    """Return the parameters of a data service, by name."""
    group = named(
        managed("aws"), "aws", f"{data_service}-parameters", f"aws:{service}/parameterGroup:ParameterGroup"
    ).inputs
    return {one["name"]: one["value"] for one in group["parameters"]}


@pytest.mark.parametrize(("data_service", "service"), [("database", "rds"), ("cache", "elasticache")])
def test_data_services_are_in_subnets_with_no_way_to_the_internet(data_service: str, service: str) -> None:
    stack = managed("aws")
    group = named(stack, "aws", f"{data_service}-subnets", f"aws:{service}/subnetGroup:SubnetGroup").inputs
    assert sorted(group["subnetIds"]) == [f"us-east-1-network-{zone}-managed-subnet-id" for zone in "abc"]
    routed = {r.inputs["subnetId"] for r in stack.of_type("aws:ec2/routeTableAssociation:RouteTableAssociation")}
    assert not routed & set(group["subnetIds"])


@pytest.mark.parametrize("data_service", PORTS)
def test_only_the_region_s_pods_reach_a_data_service_and_on_one_port(data_service: str) -> None:
    stack = managed("aws")
    rules = [
        r.inputs
        for r in stack.of_type("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
        if r.name.startswith(f"us-east-1-{data_service}-")
    ]
    assert [(one["fromPort"], one["toPort"], one["ipProtocol"]) for one in rules] == [
        (PORTS[data_service],) * 2 + ("tcp",)
    ]
    pods = named(
        stack, "aws", "network-pods-addresses", "aws:ec2/vpcIpv4CidrBlockAssociation:VpcIpv4CidrBlockAssociation"
    )
    assert [one["cidrIpv4"] for one in rules] == [pods.inputs["cidrBlock"]]
    group = named(stack, "aws", f"{data_service}-access-group", "aws:ec2/securityGroup:SecurityGroup").inputs
    assert not group.get("ingress")
    assert not group.get("egress")
    used = server()["vpcSecurityGroupIds"] if data_service == "database" else cache()["securityGroupIds"]
    assert used == [f"us-east-1-{data_service}-access-group-id"]


def test_the_database_is_not_public_and_takes_encrypted_connections_alone() -> None:
    assert server()["publiclyAccessible"] is False
    assert parameters("database", "rds") == {"rds.force_ssl": "1", "ssl_min_protocol_version": "TLSv1.2"}
    assert server()["caCertIdentifier"] == "rds-ca-rsa2048-g1"


def test_clients_verify_the_database_with_the_certificates_of_the_settings() -> None:
    assert managed("aws").named("us-east-1-database-connection").inputs["stringData"]["ca.crt"] == PEM


def test_the_database_is_version_18_with_the_machine_that_was_asked_for() -> None:
    assert (server()["engine"], server()["engineVersion"]) == ("postgres", "18")
    assert server()["autoMinorVersionUpgrade"]
    assert "allowMajorVersionUpgrade" not in server()
    assert (server()["instanceClass"], server(several=False)["instanceClass"]) == ("db.m7g.large", "db.t4g.medium")
    assert (server()["allocatedStorage"], server()["maxAllocatedStorage"]) == (50, 500)


@pytest.mark.parametrize(
    ("region", "database", "node"),
    [("af-south-1", "db.m6g.large", "cache.t4g.micro"), ("me-central-1", "db.m7g.large", "cache.t3.micro")],
)
def test_a_region_without_a_size_gets_the_next_one_that_it_has(region: str, database: str, node: str) -> None:
    stack = managed_in("aws", region)
    assert stack.of_type(RDS)[0].inputs["instanceClass"] == database
    assert stack.of_type(GROUP)[0].inputs["nodeType"] == node


@pytest.mark.parametrize(("node", "tiered"), [("cache.r6gd.xlarge", True), ("cache.r6g.xlarge", None)])
def test_a_cache_whose_nodes_have_disks_has_data_tiering(node: str, tiered: bool | None) -> None:
    # AWS: "This parameter must be set to true when using r6gd nodes", and nodes of other families do not have it.
    values = settings("aws", True, DATABASE, CACHE)
    (one,) = values["sacred-council:regions"]
    stack = render("regional", {**values, "sacred-council:regions": [{**one, "instances": {"cache": node}}]})
    assert stack.of_type(GROUP)[0].inputs.get("dataTieringEnabled") is tiered


def test_the_cache_is_encrypted_with_the_region_s_key_and_the_database_with_its_own() -> None:
    assert server()["storageEncrypted"]
    assert cache()["atRestEncryptionEnabled"]
    cluster = made(named(managed("aws"), "aws", "cluster-key", KEY), "arn")
    own = made(named(managed("aws"), "aws", "database-key", KEY), "arn")
    assert cache()["kmsKeyId"] == cluster
    assert server()["kmsKeyId"] == server()["performanceInsightsKmsKeyId"] == own != cluster


def test_the_key_of_the_database_s_last_snapshot_outlives_the_stack_and_no_other_does() -> None:
    keys = {r.name: r for r in managed("aws").of_type(KEY)}
    assert {name for name, key in keys.items() if key.retained} == {"us-east-1-database-key"}
    assert keys["us-east-1-database-key"].inputs["enableKeyRotation"]


def test_the_database_has_backups_any_point_in_time_and_a_last_snapshot() -> None:
    assert server()["backupRetentionPeriod"] == 14
    assert server()["skipFinalSnapshot"] is False
    assert server()["finalSnapshotIdentifier"] == "us-east-1-database-final-x7k2p9"
    assert server()["maintenanceWindow"] == "wed:04:00-wed:05:00"
    assert set(server()["enabledCloudwatchLogsExports"]) == {"postgresql", "upgrade"}


def test_a_standby_and_failover_are_a_matter_of_numbers() -> None:
    assert server()["multiAz"]
    assert (cache()["numCacheClusters"], cache()["automaticFailoverEnabled"], cache()["multiAzEnabled"]) == (
        3,
        True,
        True,
    )
    alone = cache(several=False)
    assert not server(several=False)["multiAz"]
    assert (alone["numCacheClusters"], alone["automaticFailoverEnabled"], alone["multiAzEnabled"]) == (1, False, False)


def test_deletion_protection_is_the_region_s() -> None:
    assert server()["deletionProtection"]
    assert not server(protected=False)["deletionProtection"]


def test_passwords_are_generated_and_secret() -> None:
    stack = managed("aws")
    database, group = named(stack, "aws", "database", RDS), named(stack, "aws", "cache", GROUP)
    assert database.inputs["password"] == "password-of-us-east-1-database-administrator-password"
    assert group.inputs["authToken"] == "password-of-us-east-1-cache-token"
    assert ("password" in database.secret_paths, "authToken" in group.secret_paths) == (True, True)


def test_the_cache_takes_encrypted_connections_alone_and_amazon_s_authorities_sign_for_it() -> None:
    assert cache()["transitEncryptionEnabled"]
    assert cache()["transitEncryptionMode"] == "required"
    told = managed("aws").named("us-east-1-cache-connection").inputs["stringData"]
    assert told["ca.crt"].count("-----BEGIN CERTIFICATE-----") == 4


def test_the_cache_drops_the_least_used_and_has_backups() -> None:
    assert parameters("cache", "elasticache") == {"maxmemory-policy": "allkeys-lru"}
    assert (cache()["engine"], cache()["engineVersion"], cache()["nodeType"]) == ("valkey", "8.1", "cache.t4g.small")
    assert cache()["autoMinorVersionUpgrade"]
    assert cache()["snapshotRetentionLimit"] == 7
    assert cache()["maintenanceWindow"] == "wed:04:00-wed:05:00"


@pytest.mark.parametrize(("data_service", "type_"), [("database", RDS), ("cache", GROUP)])
def test_a_data_service_waits_until_its_pods_are_let_in(data_service: str, type_: str) -> None:
    stack = managed("aws")
    assert f"us-east-1-{data_service}-access-pods" in waits_for(stack, named(stack, "aws", data_service, type_))


def test_the_logs_of_rds_are_forgotten_after_a_time() -> None:
    # RDS creates missing log groups, and those never expire. The names that RDS uses:
    # https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_LogAccess.Procedural.UploadtoCloudWatch.html
    stack = managed("aws")
    groups = {r.inputs["name"]: r for r in stack.of_type("aws:cloudwatch/logGroup:LogGroup")}
    instance = named(stack, "aws", "database", RDS)
    assert server()["enabledCloudwatchLogsExports"]
    for kind in server()["enabledCloudwatchLogsExports"]:
        group = groups[f"/aws/rds/instance/{server()['identifier']}/{kind}"]
        assert group.inputs["retentionInDays"] == 90
        assert group.urn in instance.dependencies
