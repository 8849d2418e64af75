"""Real Redis servers, Sentinels and a real HAProxy run with the rendered configuration and scripts.

Each node has a loopback address. A mount namespace with its own hosts file gives the node the names that it has in
Kubernetes.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis.exceptions import AuthenticationError, ConnectionError, ReadOnlyError, ResponseError

from components.cache import redis_configuration as configuration
from tests.support.redis_pods import MIB, Pods, redis_binaries, redis_pods
from tests.support.servers import eventually

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(400)]

REPLICAS = 3


@pytest.fixture(scope="session")
def binaries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a redis-server and a redis-cli that support TLS."""
    return redis_binaries(tmp_path_factory.mktemp("redis-binaries"))


@pytest.fixture
def alone(tmp_path: Path, binaries: Path, private_hosts: list[str]) -> Iterator[Pods]:
    """A single node that answers."""
    with redis_pods(tmp_path, binaries, private_hosts, 1) as pods:
        eventually(lambda: pods.client().ping(), seconds=20, what="Redis answers")
        yield pods


@pytest.fixture
def replicated(tmp_path: Path, binaries: Path, private_hosts: list[str]) -> Iterator[Pods]:
    """Three nodes, two of which follow the first."""
    with redis_pods(tmp_path, binaries, private_hosts, REPLICAS) as pods:
        eventually(lambda: _hurry(pods), seconds=20, what="Sentinels answer")
        assert pods.settled() == 0
        eventually(lambda: _sentinels_know_each_other(pods), seconds=30, what="Sentinels know each other")
        yield pods


def _hurry(pods: Pods) -> bool:
    """Shorten the Sentinels' periods; return whether every Sentinel accepted."""
    periods = ("INFO-PERIOD", "500", "PUBLISH-PERIOD", "500")
    sentinels = [pods.sentinel(pod) for pod in range(pods.replicas)]
    return all(s.execute_command("SENTINEL", "DEBUG", *periods) for s in sentinels)  # type: ignore[no-untyped-call]


def _sentinels_know_each_other(pods: Pods) -> bool:
    states = [pods.sentinel(pod).sentinel_master(configuration.PRIMARY) for pod in range(pods.replicas)]
    known = [(state["num-other-sentinels"], state["num-slaves"]) for state in states if isinstance(state, dict)]
    return known == [(REPLICAS - 1, REPLICAS - 1)] * REPLICAS


def test_the_password_is_required(alone: Pods) -> None:
    assert alone.client().ping()
    with pytest.raises(AuthenticationError):
        alone.client(password="wrong").ping()


def test_a_client_without_tls_is_refused(alone: Pods) -> None:
    with pytest.raises(ConnectionError):
        alone.client(tls=False).ping()


def test_memory_is_bounded(alone: Pods) -> None:
    settings = alone.client().config_get("maxmemory*")
    assert (settings["maxmemory"], settings["maxmemory-policy"]) == (str(32 * MIB), "allkeys-lru")


def test_a_killed_node_keeps_what_it_was_told_a_second_ago(alone: Pods) -> None:
    alone.client().set("love", "infinite")
    eventually(lambda: alone.client().info("persistence")["aof_pending_bio_fsync"] == 0, seconds=5, what="synced")
    alone.stop(0, kill=True)
    alone.start()
    assert eventually(lambda: alone.client().get("love"), seconds=20, what="the key after the restart") == "infinite"


def test_checks_tell_a_live_node_from_a_dead_one(alone: Pods) -> None:
    assert (alone.run(0, "check.sh", "live"), alone.run(0, "check.sh", "ready")) == (0, 0)
    alone.stop(0)
    assert (alone.run(0, "check.sh", "live"), alone.run(0, "check.sh", "ready")) == (1, 1)


def test_a_killed_primary_is_replaced_and_comes_back_as_a_replica(replicated: Pods) -> None:
    replicated.client(0).set("love", "infinite")
    assert replicated.client(0).wait(REPLICAS - 1, 5000) == REPLICAS - 1
    replicated.stop(0, kill=True)
    successor = replicated.settled(1, 2)
    assert replicated.client(successor).get("love") == "infinite"
    replicated.client(successor).set("love", "conserved")
    replicated.start(0)
    assert replicated.settled() == successor
    eventually(lambda: replicated.client(0).get("love") == "conserved", seconds=20, what="the missed write")
    with pytest.raises(ReadOnlyError):
        replicated.client(0).set("love", "lost")
    assert [replicated.run(pod, "check.sh", check) for pod in range(3) for check in ("ready", "sentinel")] == [0] * 6


def test_a_primary_hands_over_before_it_leaves_and_all_remember_it_after_a_restart(replicated: Pods) -> None:
    assert replicated.run(0, "leave.sh") == 0
    successor = replicated.settled()
    assert successor != 0
    replicated.client(successor).set("love", "infinite")
    for pod in range(REPLICAS):
        replicated.stop(pod)
    replicated.start()
    assert replicated.settled() == successor
    assert replicated.client(successor).get("love") == "infinite"


def test_a_primary_that_never_comes_back_is_replaced_also_after_a_restart_of_all_others(replicated: Pods) -> None:
    for pod in range(REPLICAS):
        replicated.stop(pod)
    replicated.forget(0)
    replicated.start(1, 2)
    assert replicated.settled(1, 2) in (1, 2)


def test_a_primary_without_replicas_takes_no_writes(replicated: Pods) -> None:
    for pod in (1, 2):
        replicated.stop(pod, kill=True)

    def refused() -> bool:
        try:
            replicated.client(0).set("love", "lost")
        except ResponseError as error:
            return "NOREPLICAS" in str(error)
        return False

    assert eventually(refused, seconds=30, what="writes are refused")


@pytest.fixture
def haproxy() -> None:
    if not shutil.which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin"):
        pytest.skip("no haproxy on PATH: `apt-get install --no-install-recommends haproxy` brings it")


@pytest.mark.usefixtures("haproxy")
def test_the_proxy_always_leads_to_the_primary(replicated: Pods) -> None:
    replicated.start_proxy()
    assert eventually(lambda: replicated.through_proxy().set("love", "infinite"), seconds=20, what="a write")
    replicated.stop(0, kill=True)
    replicated.settled(1, 2)
    assert eventually(lambda: replicated.through_proxy().set("love", "conserved"), seconds=30, what="a write after")
    assert replicated.through_proxy().get("love") == "conserved"


@pytest.mark.usefixtures("haproxy")
def test_the_proxy_passes_by_a_dead_primary_before_its_checks_have_noticed(replicated: Pods) -> None:
    replicated.start_proxy(failed_checks=1000)
    assert eventually(lambda: replicated.through_proxy().set("love", "infinite"), seconds=20, what="a write")
    replicated.stop(0, kill=True)
    replicated.settled(1, 2)
    assert eventually(lambda: replicated.through_proxy().set("love", "conserved"), seconds=30, what="a write after")
    assert [replicated.through_proxy().get("love") for _ in range(10)] == ["conserved"] * 10
