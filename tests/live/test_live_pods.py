"""Pods as processes in two regions, and real requests to them: Services, probes, endpoints, source ranges, the end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from functools import partial
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import psutil
import pytest

from sandbox import manifests
from sandbox.addresses import RegionAddresses
from sandbox.controllers import netns
from sandbox.controllers.network import prefix_of
from sandbox.controllers.region import RegionControllers
from sandbox.controllers.stack import StackControllers, clean
from sandbox.controlplane import Cluster
from sandbox.layout import PROJECT, Layout
from tests.support import live

pytestmark = [pytest.mark.engine, pytest.mark.campaign, pytest.mark.timeout(600)]

NAMES = ("eu", "us")
FIRST_SLOT = 20
REPLICAS = 2


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    live.require_networks()
    live.require_programs()
    return tmp_path_factory.mktemp("live")


@pytest.fixture(scope="module")
def clusters(folder: Path) -> Iterator[dict[str, Cluster]]:
    """Two regions, with a service each that allows no source from outside, one that does, and one for local nodes."""
    with live.regions(folder, NAMES, FIRST_SLOT) as found:
        for cluster in found:
            region = cluster.plane.name
            live.apply(cluster, live.namespace_object(), live.deployment("agent", region, REPLICAS))
            live.apply(
                cluster,
                live.service("agent", "agent"),
                live.service("open", "agent", type="LoadBalancer"),
                live.service(
                    "local", "agent", type="LoadBalancer", externalTrafficPolicy="Local", publishNotReadyAddresses=True
                ),
                live.service("closed", "agent", type="LoadBalancer", loadBalancerSourceRanges=["192.0.2.1/32"]),
                live.service("us-only", "agent", type="LoadBalancer", loadBalancerSourceRanges=[f"{_egress('us')}/32"]),
            )
        yield {cluster.plane.name: cluster for cluster in found}


def _egress(region: str) -> str:
    return RegionAddresses(FIRST_SLOT + NAMES.index(region)).egress


def _runs_all(region: RegionControllers) -> bool:
    return len(region.agent.running) == REPLICAS


def _all_ready(cluster: Cluster) -> bool:
    return len(_ready(cluster)) == REPLICAS


@pytest.fixture(scope="module")
def stack(folder: Path, clusters: dict[str, Cluster]) -> Iterator[StackControllers]:
    with live.controllers(folder, list(clusters.values())) as running:
        for name, region in running.regions.items():
            live.await_true(partial(_runs_all, region), f"the pods of {name} run")
            live.await_true(partial(_all_ready, clusters[name]), f"the pods of {name} are ready")
        yield running


def _ready(cluster: Cluster) -> list[dict[str, Any]]:
    return [
        pod
        for pod in live.objects(cluster, "pods")
        if any(each["type"] == "Ready" and each["status"] == "True" for each in pod["status"].get("conditions") or [])
        and "deletionTimestamp" not in pod["metadata"]
    ]


def _endpoints(cluster: Cluster) -> set[str]:
    """The addresses of the ready endpoints of Service agent."""
    slices = live.objects(cluster, "endpointslices", "--selector=kubernetes.io/service-name=agent")
    return {
        address
        for each in slices
        for endpoint in each["endpoints"] or []
        if endpoint["conditions"].get("ready")
        for address in endpoint["addresses"]
    }


def _somewhere_in(region: RegionControllers) -> str:
    """The network namespace of one of the region's pods."""
    return region.agent.namespace_of(region.agent.running[0])


def _who(namespace: str, address: str, count: int = 20) -> set[str]:
    return {str(live.get(namespace, address, 80)["pod"]) for _ in range(count)}


def test_pods_have_addresses_of_their_nodes_that_no_other_region_has(
    stack: StackControllers, clusters: dict[str, Cluster]
) -> None:
    seen: set[str] = set()
    for name, region in stack.regions.items():
        for pod in live.objects(clusters[name], "pods"):
            address, node = pod["status"]["podIP"], pod["spec"]["nodeName"]
            zone = list(region.network.nodes).index(node)
            assert IPv4Address(address) in region.network.addresses.pods_of(zone)
            assert address not in seen
            seen.add(address)
    assert seen


def test_a_pod_reaches_all_pods_behind_a_cluster_address(stack: StackControllers, clusters: dict[str, Cluster]) -> None:
    for name, region in stack.regions.items():
        address = live.cluster_address(clusters[name], "agent")
        namespace = _somewhere_in(region)
        live.await_true(partial(live.answers, namespace, address, 80), f"the Service of {name} answers")
        names = {pod["metadata"]["name"] for pod in live.objects(clusters[name], "pods")}
        assert _who(namespace, address) == names
        answer = live.get(namespace, address, 80, "/a?b=c", {"X-Sacred-Language": "nl"})
        assert (answer["region"], answer["service"], answer["path"]) == (name, "agent", "/a")
        assert answer["headers"]["x-sacred-language"] == "nl"


def test_pods_find_each_other_by_name(stack: StackControllers) -> None:
    namespace = _somewhere_in(stack.regions["eu"])
    hosts = stack.directory / "eu" / "names" / f"{live.NAMESPACE}.hosts"
    line = next(line for line in hosts.read_text().splitlines() if line.endswith(" agent"))
    assert "agent.council.svc.cluster.local" in line.split()
    assert live.answers(namespace, line.split()[0], 80)


def test_another_region_and_a_client_reach_a_load_balancers_address(
    stack: StackControllers, clusters: dict[str, Cluster]
) -> None:
    address = live.balancer_address(clusters["eu"], "open")
    other, client = _somewhere_in(stack.regions["us"]), stack.internet.client()
    for source in (other, client):
        live.await_true(partial(live.answers, source, address, 80), "the load balancer answers")
        assert live.get(source, address, 80)["region"] == "eu"
    assert len(_who(client, address, 40)) == REPLICAS
    port = stack.internet.publish((address, 80))
    said = subprocess.run(["curl", "--silent", f"http://127.0.0.1:{port}/"], capture_output=True, text=True, check=True)
    assert '"region": "eu"' in said.stdout


def test_pods_of_another_region_cannot_be_reached_by_their_own_address(
    stack: StackControllers, clusters: dict[str, Cluster]
) -> None:
    pod = live.objects(clusters["eu"], "pods")[0]["status"]["podIP"]
    assert live.answers(_somewhere_in(stack.regions["eu"]), pod, 9898)
    assert not live.answers(_somewhere_in(stack.regions["us"]), pod, 9898)
    assert not live.answers(stack.internet.client(), pod, 9898)


def test_a_source_outside_of_the_ranges_is_refused(stack: StackControllers, clusters: dict[str, Cluster]) -> None:
    closed, us_only = (live.balancer_address(clusters["eu"], name) for name in ("closed", "us-only"))
    allowed = stack.internet.client("192.0.2.1")
    live.await_true(lambda: live.answers(allowed, closed, 80), "the allowed client gets an answer")
    other = _somewhere_in(stack.regions["us"])
    live.await_true(lambda: live.answers(other, us_only, 80), "the allowed region gets an answer")
    assert not live.answers(other, closed, 80)
    assert not live.answers(stack.internet.client(), closed, 80)
    assert not live.answers(stack.internet.client(), us_only, 80)


def test_local_traffic_keeps_the_callers_address(stack: StackControllers, clusters: dict[str, Cluster]) -> None:
    address = live.balancer_address(clusters["eu"], "local")
    other = _somewhere_in(stack.regions["us"])
    live.await_true(lambda: live.answers(other, address, 80), "the local load balancer answers")
    assert {live.get(other, address, 80)["client"] for _ in range(20)} == {_egress("us")}


def test_a_pod_gets_its_token_and_its_rights(stack: StackControllers) -> None:
    agent = stack.regions["eu"].agent
    pod = agent.running[0]
    (process,) = [
        each for each in netns.processes_in([agent.namespace_of(pod)]) if "sample.py" in " ".join(each.cmdline())
    ]
    assert process.uids().effective == 10001
    assert process.gids().effective == 10001
    token = Path(f"/proc/{process.pid}/cwd/var/run/tokens/token").read_text()
    assert token.count(".") == 2


def test_a_pod_that_is_not_ready_gets_no_requests(stack: StackControllers, clusters: dict[str, Cluster]) -> None:
    cluster, region = clusters["eu"], stack.regions["eu"]
    sick = live.objects(cluster, "pods")[0]
    name, address = sick["metadata"]["name"], sick["status"]["podIP"]
    namespace, service = _somewhere_in(region), live.cluster_address(cluster, "agent")
    assert live.get(namespace, address, 9898, "/readyz/disable", method="POST")["status"] == 202
    try:
        live.await_true(lambda: address not in _endpoints(cluster), "the endpoint goes")
        live.await_true(lambda: name not in _who(namespace, service), "requests go to others")
        assert len(_ready(cluster)) == REPLICAS - 1
    finally:
        live.get(namespace, address, 9898, "/readyz/enable", method="POST")
    live.await_true(lambda: address in _endpoints(cluster), "the endpoint is back")
    live.await_true(lambda: name in _who(namespace, service), "it gets requests again")


def test_a_roll_out_loses_no_request(stack: StackControllers, clusters: dict[str, Cluster]) -> None:
    cluster, region = clusters["us"], stack.regions["us"]
    address = live.balancer_address(cluster, "open")
    client = stack.internet.client()
    live.await_true(lambda: live.answers(client, address, 80), "the load balancer answers")
    before = {pod["metadata"]["name"] for pod in live.objects(cluster, "pods")}
    assert cluster.kubectl("rollout", "restart", "deployment/agent", f"--namespace={live.NAMESPACE}").returncode == 0
    seen: set[str] = set()
    lost = 0
    deadline = time.monotonic() + live.PATIENCE_SECONDS
    while {pod["metadata"]["name"] for pod in live.objects(cluster, "pods")} & before:
        assert time.monotonic() < deadline
        for _ in range(10):
            try:
                seen.add(str(live.get(client, address, 80)["pod"]))
            except OSError:
                lost += 1
    assert lost == 0
    assert seen - before
    live.await_true(lambda: len(region.agent.running) == REPLICAS, "the old pods have ended")


def test_a_deleted_pod_leaves_the_endpoints_and_takes_its_network_along(
    stack: StackControllers, clusters: dict[str, Cluster]
) -> None:
    cluster, region = clusters["eu"], stack.regions["eu"]
    gone = live.objects(cluster, "pods")[0]
    name, address = gone["metadata"]["name"], gone["status"]["podIP"]
    namespace = region.agent.namespace_of(f"{live.NAMESPACE}/{name}")
    cluster.kubectl("delete", "pod", name, f"--namespace={live.NAMESPACE}", "--wait=false")
    live.await_true(lambda: address not in _endpoints(cluster), "the endpoint goes")
    live.await_true(lambda: namespace not in netns.listed(stack.prefix), "its network goes")
    live.await_true(lambda: len(_ready(cluster)) == REPLICAS, "another pod is ready in its place")
    service = live.cluster_address(cluster, "agent")
    live.await_true(lambda: len(_who(_somewhere_in(region), service)) == REPLICAS, "both pods answer")


def test_a_process_that_ends_is_started_again(stack: StackControllers, clusters: dict[str, Cluster]) -> None:
    agent = stack.regions["eu"].agent
    pod = agent.running[0]
    processes = [each for each in netns.processes_in([agent.namespace_of(pod)]) if each.name().startswith("python")]
    for process in processes:
        process.kill()
    name = pod.partition("/")[2]

    def restarted() -> bool:
        found = next(each for each in live.objects(clusters["eu"], "pods") if each["metadata"]["name"] == name)
        (status,) = found["status"]["containerStatuses"]
        return bool(status["restartCount"] and status["ready"])

    live.await_true(restarted, "the container runs again")


def test_a_region_that_is_taken_away_leaves_the_others_alone(
    stack: StackControllers, clusters: dict[str, Cluster]
) -> None:
    address = {name: live.balancer_address(clusters[name], "open") for name in NAMES}
    client = stack.internet.client()
    stack.remove_region("us")
    assert not live.answers(client, address["us"], 80)
    assert live.answers(client, address["eu"], 80)
    # Its pods are simulated again.
    assert len(_ready(clusters["us"])) == REPLICAS
    stack.add_region(clusters["us"])
    live.await_true(lambda: live.answers(client, address["us"], 80), "the region answers again")


def test_nothing_is_left_after_the_end(folder: Path, clusters: dict[str, Cluster], stack: StackControllers) -> None:
    stack.stop()
    assert netns.listed(stack.prefix) == []
    for cluster in clusters.values():
        assert len(_ready(cluster)) == REPLICAS
        marked = [pod for pod in live.objects(cluster, "pods") if manifests.RUN_ANNOTATION in _annotations(pod)]
        assert marked == []
        assert "sandbox-node-agent" not in cluster.kubectl("get", "mutatingwebhookconfigurations").stdout


def _annotations(pod: dict[str, Any]) -> dict[str, str]:
    found: dict[str, str] = pod["metadata"].get("annotations") or {}
    return found


KILLED = """
    import sys, time
    from pathlib import Path
    from sandbox.controllers.stack import StackControllers
    from sandbox.controlplane import Cluster
    from sandbox.layout import Layout, PROJECT
    from sandbox.regions import ControlPlane

    home, binaries, name, slot = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    layout = Layout(project=PROJECT, home=home, binaries=binaries)
    cluster = Cluster(layout, ControlPlane(name=name, context=name, slot=slot, stacks=()))
    stack = StackControllers(layout, "killed", [cluster])
    stack.start()
    while len(stack.regions[name].agent.running) < 2:
        time.sleep(0.1)
    print("running", flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize("also_janitor", [False, True], ids=["killed", "killed with its janitor"])
def test_nothing_is_left_after_a_kill(folder: Path, clusters: dict[str, Cluster], also_janitor: bool) -> None:
    cluster = clusters["eu"]
    layout = Layout(project=PROJECT, home=folder, binaries=Layout.from_environment().binaries)
    prefix = prefix_of(layout, "killed")
    program = textwrap.dedent(KILLED)
    arguments = [str(folder), str(layout.binaries), "eu", str(cluster.plane.slot)]
    with subprocess.Popen(
        [sys.executable, "-c", program, *arguments], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    ) as victim:
        assert victim.stdout is not None
        assert victim.stdout.readline() == "running\n"
        assert netns.listed(prefix)
        janitors = [each for each in psutil.Process(victim.pid).children() if "janitor" in " ".join(each.cmdline())]
        for janitor in janitors if also_janitor else []:
            janitor.kill()
        os.kill(victim.pid, signal.SIGKILL)
    if also_janitor:
        assert clean(layout, "killed", [cluster])
    live.await_true(lambda: not netns.listed(prefix), "the networks are gone")
    live.await_true(
        lambda: not any(manifests.RUN_ANNOTATION in _annotations(pod) for pod in live.objects(cluster, "pods")),
        "the marks are gone",
    )
    live.await_true(lambda: len(_ready(cluster)) == REPLICAS, "the pods are simulated ones again")
