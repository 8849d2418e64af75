"""Redis: nodes, Sentinels, the proxy, network policies and connection."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.cache import redis_configuration as configuration
from tests.support.data_services import (
    allowed,
    container,
    data_services,
    object_named,
    secret_texts,
    unchanging,
    waits_for,
)

pytestmark = pytest.mark.unit

NAMESPACE = "redis"
PASSWORD = "password-of-here-cache-password"


@given(st.integers(1, 99))
def test_a_quorum_is_a_majority_that_two_halves_cannot_have(replicas: int) -> None:
    assert replicas / 2 < configuration.quorum(replicas) <= replicas / 2 + 1


@given(st.integers(1, 9), st.integers(1, 9))
def test_more_nodes_leave_the_names_of_the_others(few: int, more: int) -> None:
    few, more = sorted((few, more))
    assert configuration.nodes(more, "redis")[:few] == configuration.nodes(few, "redis")


@given(replicas=st.integers(1, 9), max_memory=st.integers(2**20, 2**40))
def test_only_encrypted_connections_are_offered(replicas: int, max_memory: int) -> None:
    for text in (
        configuration.render_redis(replicas=replicas, max_memory=max_memory),
        configuration.render_sentinel(replicas=replicas),
    ):
        lines = text.splitlines()
        assert "port 0" in lines
        assert "tls-replication yes" in lines
        assert [line for line in lines if line.startswith("tls-port")]


def test_a_single_node_waits_for_no_replica() -> None:
    assert "min-replicas" not in configuration.render_redis(replicas=1, max_memory=2**20)
    assert "min-replicas-to-write 1" in configuration.render_redis(replicas=3, max_memory=2**20)


def test_growing_replaces_nothing() -> None:
    sets = [object_named(data_services(nodes), "StatefulSet", "redis", NAMESPACE) for nodes in (1, 3)]
    assert unchanging(sets[0]) == unchanging(sets[1])
    kept = {r.urn for r in data_services(1).resources if "redis" in str(r.inputs) or "cache" in r.name}
    assert kept <= {r.urn for r in data_services(3).resources}


def test_clients_keep_their_address_when_replicas_come() -> None:
    def secret(nodes: int) -> dict[str, str]:
        return secret_texts(object_named(data_services(nodes), "Secret", "cache-connection", "sacred-council"))

    one, three = secret(1), secret(3)
    assert three.items() >= one.items()
    assert one["url"] == f"rediss://default:{PASSWORD}@redis.redis.svc:6379/0"
    assert three.keys() - one.keys() == {"primary", "sentinels"}
    assert three["sentinels"].split(",")[0] == "redis-0.redis-headless.redis.svc:26379"


@pytest.mark.parametrize(("nodes", "behind"), [(1, "redis"), (3, "redis-proxy")])
def test_the_service_leads_to_the_node_that_takes_writes(nodes: int, behind: str) -> None:
    service = object_named(data_services(nodes), "Service", "redis", NAMESPACE)
    assert service["spec"]["selector"] == {"app.kubernetes.io/name": behind}


def test_the_names_that_clients_use_are_in_the_certificate() -> None:
    names = data_services(3).named("here-cache-certificate-request").inputs["dnsNames"]
    assert {"redis.redis.svc", "*.redis-headless.redis.svc", "localhost"} <= set(names)


@pytest.mark.parametrize(("nodes", "containers"), [(1, ["redis", "exporter"]), (3, ["redis", "exporter", "sentinel"])])
def test_sentinels_come_with_replicas(nodes: int, containers: list[str]) -> None:
    pod = object_named(data_services(nodes), "StatefulSet", "redis", NAMESPACE)["spec"]["template"]
    assert [c["name"] for c in pod["spec"]["containers"]] == containers


def test_each_pod_knows_itself_among_all_nodes() -> None:
    pod = object_named(data_services(3), "StatefulSet", "redis", NAMESPACE)["spec"]["template"]
    values = {e["name"]: e.get("value") for e in container(pod, "redis")["env"]}
    itself = str(values["SELF"]).replace("$(POD_NAME)", "redis-1")
    assert itself in str(values["NODES"]).split()


def test_the_clients_wait_for_the_proxy_too() -> None:
    found = data_services(3)
    waited = waits_for(found, found.named("here-cache-connection"))
    assert {"here-cache-statefulset", "here-cache-proxy-deployment"} <= waited


def test_network_policies_open_only_what_is_needed() -> None:
    alone = {("redis", 6379), ("sacred-council", 6379), ("redis-proxy", 6379), ("monitoring", 9121)}
    assert allowed(data_services(1), "redis", NAMESPACE, "ingress") == alone
    assert allowed(data_services(3), "redis", NAMESPACE, "ingress") == alone | {
        ("redis", 26379),
        ("sacred-council", 26379),
    }
    assert allowed(data_services(3), "redis", NAMESPACE, "egress") == {("redis", 6379), ("redis", 26379)}
    assert allowed(data_services(3), "redis-proxy", NAMESPACE, "ingress") == {
        ("sacred-council", 6379),
        ("monitoring", 8405),
    }
    assert allowed(data_services(3), "redis-proxy", NAMESPACE, "egress") == {("redis", 6379)}


def test_the_password_is_only_in_secrets() -> None:
    holders = {r.inputs["kind"] for r in data_services(3).objects() if PASSWORD in str(r.inputs)}
    assert holders == {"Secret"}


def test_pods_restart_with_new_settings_and_new_passwords() -> None:
    def checksum(nodes: int) -> str:
        pod = object_named(data_services(nodes), "StatefulSet", "redis", NAMESPACE)["spec"]["template"]
        return str(pod["metadata"]["annotations"]["sacred-council.love/checksum"])

    assert checksum(1) != checksum(3)
    assert re.fullmatch("[0-9a-f]{64}", checksum(1))
    paths = data_services(1).named("here-cache-statefulset").secret_paths
    assert paths == frozenset()


def test_without_monitoring_nothing_of_it_is_needed() -> None:
    assert data_services(3, bare=True).objects("ServiceMonitor") == []
