"""The node agent, with a small server in the place of the API server: a pod from its start to its end."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox import manifests
from sandbox.controllers import netns
from sandbox.controllers.api import Api
from sandbox.controllers.names import Names
from sandbox.controllers.network import RegionNetwork
from sandbox.controllers.pods import NodeAgent
from sandbox.controllers.sample_runner import SampleRunner
from tests.support import live, pod_server
from tests.support.pod_server import PODS, SERVICES, Objects

pytestmark = [pytest.mark.engine, pytest.mark.campaign, pytest.mark.timeout(600)]

SLOT = 43
PORT = 9898


@pytest.fixture(scope="module")
def network() -> Iterator[RegionNetwork]:
    with live.internet("na") as internet:
        found = RegionNetwork(internet, "eu", SLOT)
        found.create()
        yield found


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[Objects, Api]]:
    with pod_server.serving(tmp_path) as (objects, kubeconfig):
        api = Api(kubeconfig)
        yield objects, api
        api.close()


@pytest.fixture
def objects(server: tuple[Objects, Api]) -> Objects:
    return server[0]


@pytest.fixture
def agent(server: tuple[Objects, Api], network: RegionNetwork, tmp_path: Path) -> Iterator[NodeAgent]:
    names = Names(server[1], tmp_path / "names", lambda _services, _slices: None)
    found = NodeAgent(network, server[1], [SampleRunner()], tmp_path / "pods", names)
    names.start()
    found.start()
    yield found
    found.stop()
    names.stop()


def _pod(network: RegionNetwork, name: str, number: int, **spec: Any) -> dict[str, Any]:
    template = live.deployment("agent", "eu", 1)["spec"]["template"]
    return {
        "metadata": {
            "name": name,
            "namespace": live.NAMESPACE,
            "uid": f"0000-0000000{number}",
            "labels": {"app": "agent"},
        },
        "spec": {**template["spec"], "nodeName": "eu-b", **spec},
        "status": {"podIP": str(network.addresses.pods_of(1)[number]), "phase": "Pending"},
    }


def _key(name: str) -> str:
    return f"{live.NAMESPACE}/{name}"


def _ready(objects: Objects, name: str) -> bool:
    pod = objects.pod(_key(name)) or {}
    conditions = pod.get("status", {}).get("conditions") or []
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def _delete(objects: Objects, name: str) -> None:
    pod = objects.pod(_key(name))
    assert pod is not None
    times = {"deletionTimestamp": "2026-01-01T00:00:00Z", "deletionGracePeriodSeconds": 20}
    objects.put(PODS, {**pod, "metadata": {**pod["metadata"], **times}})


def test_a_pod_is_marked_runs_and_becomes_ready_when_its_probe_passes(
    agent: NodeAgent, objects: Objects, network: RegionNetwork
) -> None:
    pod = _pod(network, "one", 1)
    objects.put(PODS, pod)
    live.await_true(lambda: _ready(objects, "one"), "the pod is ready")
    found = objects.pod(_key("one"))
    assert found is not None
    assert found["metadata"]["annotations"] == {manifests.RUN_ANNOTATION: "true"}
    assert found["status"]["phase"] == "Running"
    (status,) = found["status"]["containerStatuses"]
    assert (status["ready"], status["started"], status["restartCount"]) == (True, True, 0)
    answer = live.get(network.nodes["eu-a"], pod["status"]["podIP"], PORT)
    assert (answer["region"], answer["pod"], answer["node"]) == ("eu", "one", "eu-b")
    assert answer["client"] == network.addresses.node(0)


def test_a_failing_probe_takes_readiness_away_and_gives_it_back(
    agent: NodeAgent, objects: Objects, network: RegionNetwork
) -> None:
    pod = _pod(network, "two", 2)
    objects.put(PODS, pod)
    live.await_true(lambda: _ready(objects, "two"), "the pod is ready")
    node, address = network.nodes["eu-b"], pod["status"]["podIP"]
    live.get(node, address, PORT, "/readyz/disable", method="POST")
    live.await_true(lambda: not _ready(objects, "two"), "the pod is not ready")
    live.get(node, address, PORT, "/readyz/enable", method="POST")
    live.await_true(lambda: _ready(objects, "two"), "the pod is ready again")


def test_a_deleted_pod_answers_until_it_has_drained_and_then_leaves_nothing(
    agent: NodeAgent, objects: Objects, network: RegionNetwork
) -> None:
    pod = _pod(network, "three", 3)
    objects.put(PODS, pod)
    live.await_true(lambda: _ready(objects, "three"), "the pod is ready")
    namespace = agent.namespace_of(_key("three"))
    _delete(objects, "three")
    live.await_true(lambda: not _ready(objects, "three"), "it is not ready any more")
    # Its hook before the end sleeps for two seconds.
    assert live.answers(network.nodes["eu-b"], pod["status"]["podIP"], PORT)
    live.await_true(lambda: objects.pod(_key("three")) is None, "the pod is gone")
    assert namespace not in netns.listed(network.internet.prefix)
    assert not live.answers(network.nodes["eu-b"], pod["status"]["podIP"], PORT)


def test_a_pod_waits_for_its_secret_and_gets_its_new_content(
    agent: NodeAgent, objects: Objects, network: RegionNetwork
) -> None:
    volume = {"name": "tokens", "secret": {"secretName": "login", "defaultMode": 0o440}}
    pod = _pod(network, "four", 4, volumes=[volume], securityContext={"runAsUser": 10001, "fsGroup": 10001})
    objects.put(PODS, pod)
    path = f"/api/v1/namespaces/{live.NAMESPACE}/secrets/login"
    live.await_true(lambda: objects.pod(_key("four"))["status"].get("conditions") is not None, "the agent saw it")  # type: ignore[index]
    assert not _ready(objects, "four")
    objects.data[path] = {"data": {"password": base64.b64encode(b"first").decode()}}
    live.await_true(lambda: _ready(objects, "four"), "the pod is ready")
    (process,) = [
        each
        for each in netns.processes_in([agent.namespace_of(_key("four"))])
        if "sample.py" in " ".join(each.cmdline())
    ]
    file = Path(f"/proc/{process.pid}/cwd/var/run/tokens/password")
    assert file.read_bytes() == b"first"
    assert file.stat().st_gid == 10001
    objects.data[path] = {"data": {"password": base64.b64encode(b"second").decode()}}
    live.await_true(lambda: file.read_bytes() == b"second", "the new content is there")


def test_a_process_that_was_killed_runs_again(agent: NodeAgent, objects: Objects, network: RegionNetwork) -> None:
    objects.put(PODS, _pod(network, "five", 5))
    live.await_true(lambda: _ready(objects, "five"), "the pod is ready")
    for process in netns.processes_in([agent.namespace_of(_key("five"))]):
        process.kill()

    def restarted() -> bool:
        pod = objects.pod(_key("five"))
        assert pod is not None
        return bool(pod["status"]["containerStatuses"][0]["restartCount"] == 1 and _ready(objects, "five"))

    live.await_true(restarted, "it is ready after a restart")


def test_other_pods_are_left_alone(agent: NodeAgent, objects: Objects, network: RegionNetwork) -> None:
    other = _pod(network, "other", 6)
    other["spec"]["containers"] = [{"name": "redis", "image": "redis:8"}]
    objects.put(PODS, other)
    objects.put(PODS, _pod(network, "six", 7))
    live.await_true(lambda: _ready(objects, "six"), "the pod after it is ready")
    assert "annotations" not in (objects.pod(_key("other")) or {})["metadata"]
    assert agent.running == [_key("six")]


def test_names_of_services_reach_the_files_of_running_pods(
    agent: NodeAgent, objects: Objects, network: RegionNetwork
) -> None:
    objects.put(PODS, _pod(network, "seven", 8))
    live.await_true(lambda: _ready(objects, "seven"), "the pod is ready")
    (process,) = [
        each
        for each in netns.processes_in([agent.namespace_of(_key("seven"))])
        if "sample.py" in " ".join(each.cmdline())
    ]
    hosts = Path("/proc", str(process.pid), "root", "etc", "hosts")
    metadata = {"name": "late", "namespace": live.NAMESPACE}
    objects.put(SERVICES, {"metadata": metadata, "spec": {"clusterIP": "10.96.1.1"}})
    live.await_true(lambda: "10.96.1.1 late.council.svc.cluster.local" in hosts.read_text(), "the name is there")


def test_when_the_agent_stops_its_pods_are_simulated_ones_again(
    agent: NodeAgent, objects: Objects, network: RegionNetwork
) -> None:
    objects.put(PODS, _pod(network, "eight", 9))
    live.await_true(lambda: _ready(objects, "eight"), "the pod is ready")
    namespace = agent.namespace_of(_key("eight"))
    agent.stop()
    assert namespace not in netns.listed(network.internet.prefix)
    assert _ready(objects, "eight")
    assert manifests.RUN_ANNOTATION not in (objects.pod(_key("eight")) or {})["metadata"]["annotations"]
