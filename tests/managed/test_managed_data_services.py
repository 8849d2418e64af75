"""Data services that clouds run: on every cloud they offer callers the same interface as data services in a cluster."""

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from components.database import postgresql
from policy.rules.deletion import STATEFUL
from tests.platform import test_contracts as contracts
from tests.support.data_services import data_services, object_named, secret_texts, waits_for
from tests.support.managed import CLOUDS, REGIONS, managed, named
from tests.support.regions import (
    BECOMES_A_PEER,
    FIVE,
    IOWA,
    KNOWS_PEERS,
    MIXED,
    PRIMARY_REGION_KNOWS_PEERS,
    changed,
    of_region,
    rendered_with,
)
from tests.support.rendering import ROOT, Rendered

pytestmark = pytest.mark.stack

SERVERS = {"gcp": "CloudSql", "aws": "Rds", "azure": "FlexibleServer"}
CACHES = {"gcp": "Memorystore", "aws": "ElastiCache", "azure": "AzureManagedRedis"}
CACHE_PORTS = {"gcp": 6378, "aws": 6379, "azure": 10000}
SDKS = {"gcp": "pulumi_gcp", "aws": "pulumi_aws", "azure": "pulumi_azure_native"}
SERVICES = "sacred-council"
CONTRACTS: list[Callable[[Rendered], None]] = [
    contracts.test_every_resource_has_a_component_as_its_parent,
    contracts.test_every_component_registers_its_outputs,
    contracts.test_logical_names_are_unique,
    contracts.test_every_kubernetes_resource_has_an_explicit_provider,
    contracts.test_every_object_has_a_fixed_name_and_the_standard_labels,
    contracts.test_every_object_names_one_owner_of_its_fields,
    contracts.test_pulumi_waits_longer_for_a_job_than_the_job_may_run,
    contracts.test_every_namespaced_object_names_its_namespace,
    contracts.test_every_namespace_is_restricted_and_closed,
    contracts.test_secret_values_are_secret_in_state,
    contracts.test_no_config_map_holds_a_secret,
    contracts.test_chart_values_hold_no_secret,
]


def secret(cloud: str, data_service: str) -> dict[str, str]:
    """Return the connection Secret that clients of a data service read."""
    return secret_texts(object_named(managed(cloud), "Secret", f"{data_service}-connection", SERVICES))


def component(cloud: str, data_service: str) -> dict[str, Any]:
    """Return the outputs of a data service's component."""
    stack = managed(cloud)
    kind = f"sacred-council:{data_service}:{(SERVERS if data_service == 'database' else CACHES)[cloud]}"
    return stack.registered_outputs[named(stack, cloud, data_service, kind).urn]


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.__name__)
@pytest.mark.parametrize("cloud", CLOUDS)
def test_what_holds_for_every_stack_holds_with_managed_data_services(
    cloud: str, contract: Callable[[Rendered], None]
) -> None:
    contract(managed(cloud))


@pytest.mark.parametrize("cloud", CLOUDS)
def test_names_begin_with_the_region_s(cloud: str) -> None:
    strangers = [r.name for r in managed(cloud).resources if not r.name.startswith((REGIONS[cloud], "platform"))]
    assert strangers == []


@pytest.mark.parametrize("cloud", CLOUDS)
@pytest.mark.parametrize("data_service", ["database", "cache"])
def test_the_secret_has_the_keys_that_it_has_with_a_data_service_in_the_cluster(cloud: str, data_service: str) -> None:
    in_cluster = secret_texts(object_named(data_services(), "Secret", f"{data_service}-connection", SERVICES))
    assert secret(cloud, data_service).keys() == in_cluster.keys()
    assert all(secret(cloud, data_service).values())


@pytest.mark.parametrize("cloud", CLOUDS)
@pytest.mark.parametrize("data_service", ["database", "cache"])
def test_every_cloud_s_data_service_offers_the_same_outputs(cloud: str, data_service: str) -> None:
    offered = component(cloud, data_service)
    assert offered["secret_name"] == f"{data_service}-connection"
    assert (offered["host"], str(int(offered["port"]))) == tuple(
        secret(cloud, data_service)[key] for key in ("host", "port")
    )


@pytest.mark.parametrize("cloud", CLOUDS)
def test_the_database_is_verified_in_full(cloud: str) -> None:
    told = secret(cloud, "database")
    assert told["url"] == (
        f"postgresql://sacred_council:{told['password']}@{told['host']}:5432/sacred_council"
        "?sslmode=verify-full&sslrootcert=/etc/sacred-council/database/ca.crt"
    )
    assert told["password"] == "password-of-platform-database-credentials-password"
    assert told["ca.crt"].startswith("-----BEGIN CERTIFICATE-----\n")


@pytest.mark.parametrize("cloud", CLOUDS)
def test_the_cache_is_reached_over_tls_with_a_password(cloud: str) -> None:
    told = secret(cloud, "cache")
    assert told["port"] == str(CACHE_PORTS[cloud])
    assert told["url"].startswith("rediss://default:")
    assert told["url"].endswith(f"@{told['host']}:{told['port']}/0")
    assert len(told["password"]) >= 32
    assert told["ca.crt"].startswith("-----BEGIN CERTIFICATE-----\n")


@pytest.mark.parametrize("cloud", CLOUDS)
def test_objects_in_the_cluster_are_the_same_on_every_cloud(cloud: str) -> None:
    def objects(which: str) -> set[tuple[str, str, str]]:
        return {
            (r.inputs["kind"], r.inputs["metadata"].get("namespace", ""), r.inputs["metadata"]["name"])
            for r in managed(which).objects()
            if r.inputs["kind"] not in ("ClusterRole", "ClusterRoleBinding", "StorageClass")
            and r.inputs["metadata"].get("namespace") != "kube-system"
        }

    assert objects(cloud) == objects("gcp")


@pytest.mark.parametrize("cloud", CLOUDS)
def test_nothing_of_the_other_engines_is_left(cloud: str) -> None:
    stack = managed(cloud)
    namespaces = {r.inputs["metadata"]["name"] for r in stack.objects("Namespace")}
    assert namespaces & {"cockroachdb", "redis", "postgresql", "nats"} == {"postgresql", "nats"}
    assert {r.inputs["metadata"]["name"] for r in stack.objects("StatefulSet")} == {"nats"}


@pytest.mark.parametrize("cloud", CLOUDS)
def test_nothing_watches_what_is_not_there(cloud: str) -> None:
    stack = managed(cloud)
    monitors = {r.inputs["metadata"]["namespace"] for r in stack.objects("ServiceMonitor")}
    assert monitors & {"cockroachdb", "redis", "postgresql"} == set()
    (rules,) = stack.objects("PrometheusRule")
    groups = {group["name"] for group in rules.inputs["spec"]["groups"]}
    assert "sacred-council-messaging" in groups
    assert groups & {"sacred-council-database", "sacred-council-cache"} == set()
    dashboards = json.dumps([r.inputs["data"] for r in stack.objects("ConfigMap") if "dashboard-" in r.name])
    shown = json.dumps(rules.inputs["spec"]) + dashboards
    assert "nats_varz" in shown
    assert [word for word in ("cockroachdb", "redis_", "liveness_livenodes", "None") if word in shown] == []


@pytest.mark.parametrize("cloud", CLOUDS)
def test_pods_reach_the_addresses_of_managed_data_services_and_one_port_each(cloud: str) -> None:
    stack = managed(cloud)
    opened = {
        (r.inputs["metadata"]["namespace"], r.inputs["metadata"]["name"]): r.inputs["spec"]
        for r in stack.objects("NetworkPolicy")
        if "ipBlock" in str(r.inputs["spec"]) and "managed" not in r.name
        if r.inputs["metadata"]["name"] != "default-deny"
        if r.inputs["metadata"]["namespace"] in (SERVICES, "postgresql")
    }
    ranges = {
        key: [
            (to["ipBlock"]["cidr"], port["port"])
            for rule in spec["egress"]
            for to in rule["to"]
            for port in rule["ports"]
        ]
        for key, spec in opened.items()
    }
    (entry,) = stack.named(f"{REGIONS[cloud]}-managed-data-services-database").inputs["spec"]["addresses"]
    assert ranges == {
        (SERVICES, "to-database"): [(entry, 5432)],
        (SERVICES, "to-cache"): [(entry, CACHE_PORTS[cloud])],
        ("postgresql", postgresql.APP): [(entry, 5432)],
    }
    assert entry.startswith("10.")
    assert entry.endswith(".192.0/19")


@pytest.mark.parametrize("cloud", CLOUDS)
def test_the_mesh_lets_pods_out_to_the_data_services_and_services_wait_for_that(cloud: str) -> None:
    stack, region = managed(cloud), REGIONS[cloud]
    for data_service, port in {"database": 5432, "cache": CACHE_PORTS[cloud]}.items():
        entry = stack.named(f"{region}-managed-data-services-{data_service}").inputs
        assert entry["metadata"]["namespace"] == SERVICES
        assert [(one["number"], one["protocol"]) for one in entry["spec"]["ports"]] == [(port, "TCP")]
        assert (entry["spec"]["resolution"], entry["spec"]["exportTo"]) == ("NONE", ["."])
    deployments = [r for r in stack.objects("Deployment") if r.inputs["metadata"]["namespace"] == SERVICES]
    assert deployments
    for deployment in deployments:
        assert f"{region}-managed-data-services-cache" in waits_for(stack, deployment)


@pytest.mark.parametrize("cloud", CLOUDS)
def test_the_connection_is_known_once_the_application_s_user_is_there(cloud: str) -> None:
    stack, region = managed(cloud), REGIONS[cloud]
    waited = waits_for(stack, stack.named(f"{region}-database-connection"))
    assert f"{region}-database-bootstrap-job" in waited
    server = {"gcp": "database-administrator", "aws": "database", "azure": "database-endpoint-names"}
    job = waits_for(stack, stack.named(f"{region}-database-bootstrap-job"))
    assert f"{region}-{server[cloud]}" in job


@pytest.mark.parametrize("cloud", CLOUDS)
def test_the_cluster_and_the_servers_do_not_wait_for_each_other(cloud: str) -> None:
    stack, region = managed(cloud), REGIONS[cloud]
    types = {
        "gcp": ("gcp:sql/databaseInstance:DatabaseInstance", "gcp:redis/instance:Instance"),
        "aws": ("aws:rds/instance:Instance", "aws:elasticache/replicationGroup:ReplicationGroup"),
        "azure": ("azure-native:dbforpostgresql:Server", "azure-native:redisenterprise:RedisEnterprise"),
    }
    for type_ in types[cloud]:
        (server,) = stack.of_type(type_)
        assert f"{region}-cluster" not in waits_for(stack, server)


@pytest.mark.parametrize("cloud", CLOUDS)
def test_the_job_knows_the_administrator_and_a_verifier_and_no_password_of_the_application(cloud: str) -> None:
    stack, region = managed(cloud), REGIONS[cloud]
    known = secret_texts(object_named(stack, "Secret", postgresql.APP, "postgresql"))
    assert known["password"] == f"password-of-{region}-database-administrator-password"
    assert known["verifier"].startswith("SCRAM-SHA-256$4096:")
    password = "password-of-platform-database-credentials-password"
    holders = {(r.inputs["kind"], r.inputs["metadata"]["name"]) for r in stack.objects() if password in str(r.inputs)}
    assert holders == {("Secret", "database-connection")}


@pytest.mark.parametrize("cloud", CLOUDS)
def test_passwords_are_in_secrets_alone(cloud: str) -> None:
    stack, region = managed(cloud), REGIONS[cloud]
    passwords = [secret(cloud, "cache")["password"], f"password-of-{region}-database-administrator-password"]
    holders = {
        resource.inputs["kind"]
        for resource in stack.objects()
        if any(password in str(resource.inputs) for password in passwords)
    }
    assert holders == {"Secret"}


@pytest.mark.parametrize("cloud", CLOUDS)
def test_only_what_holds_data_is_protected_from_deletion(cloud: str) -> None:
    kinds = {
        "gcp": {"container/cluster:Cluster", "sql/databaseInstance:DatabaseInstance", "redis/instance:Instance"},
        "aws": {"eks/cluster:Cluster", "rds/instance:Instance", "elasticache/replicationGroup:ReplicationGroup"},
        "azure": {
            "containerservice:ManagedCluster",
            "dbforpostgresql:Server",
            "redisenterprise:RedisEnterprise",
        },
    }
    protected = {r.type.partition(":")[2] for r in managed(cloud).resources if r.protected}
    assert protected == kinds[cloud]
    assert [r.name for r in managed(cloud, protected=False).resources if r.protected] == []


@pytest.mark.parametrize("cloud", ["gcp", "aws"])
def test_the_policy_pack_sees_what_a_cloud_s_own_protection_protects(cloud: str) -> None:
    def seen(*, protected: bool) -> set[str]:
        kinds = {r.type: r.inputs for r in managed(cloud, protected=protected).resources if r.type in STATEFUL}
        return {kind for kind, inputs in kinds.items() if STATEFUL[kind](inputs)}

    # AWS has no deletion protection for caches.
    assert len(seen(protected=True)) == {"gcp": 3, "aws": 2}[cloud]
    assert seen(protected=False) == set()


def test_a_stack_with_managed_data_services_imports_the_sdk_of_its_cloud_only() -> None:
    imports = "import json, sys; from tests.support.managed import managed"
    code = f"{imports}; managed('aws'); print(json.dumps(sorted(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(SDKS.values()) & set(json.loads(run.stdout)) == {"pulumi_aws"}


@pytest.mark.parametrize("cloud", CLOUDS)
def test_every_type_is_of_the_region_s_cloud(cloud: str) -> None:
    used = {r.type.partition(":")[0].removesuffix("-native") for r in managed(cloud).resources}
    assert used & SDKS.keys() == {cloud}


@pytest.mark.parametrize("data_service", ["database", "cache"])
def test_a_data_service_may_have_had_any_other_engine_and_its_secret_stays_where_it_was(data_service: str) -> None:
    engines = {"database": {"CockroachDB", *SERVERS.values()}, "cache": {"Redis", *CACHES.values()}}[data_service]
    types = {f"sacred-council:{data_service}:{engine}" for engine in engines}
    in_cluster = rendered_with((IOWA,))
    for stack, region in [(in_cluster, IOWA[0]), *((managed(cloud), REGIONS[cloud]) for cloud in CLOUDS)]:
        (found,) = [r for r in stack.resources if r.name == f"{region}-{data_service}" and not r.custom]
        assert found.former_types | {found.type} == types
        assert stack.named(f"{region}-{data_service}-connection").parent == found.urn


def test_managed_caches_of_one_region_know_no_other_region() -> None:
    cache = {"engine": "managed", "replicas": 3}
    one, three, five = (rendered_with(regions, cache=cache) for regions in ((IOWA,), MIXED, FIVE))
    assert of_region(one, IOWA[0]).keys() <= of_region(three, IOWA[0]).keys()
    assert changed(one, three, IOWA[0]) <= KNOWS_PEERS | PRIMARY_REGION_KNOWS_PEERS | BECOMES_A_PEER
    for name, _ in MIXED:
        assert of_region(three, name).keys() == of_region(five, name).keys()
        assert changed(three, five, name) <= KNOWS_PEERS | PRIMARY_REGION_KNOWS_PEERS
        assert [rest for rest in changed(three, five, name) if "cache" in rest] == []


def _way(rule: dict[str, Any]) -> tuple[str, int]:
    ((to,), (port,)) = rule["to"], rule["ports"]
    return to["ipBlock"]["cidr"], port["port"]
