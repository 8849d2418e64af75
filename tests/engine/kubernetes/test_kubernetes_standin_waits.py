"""The Kubernetes stand-in against a real API server: what it waits for and deletes, and a cluster that is not there."""

from __future__ import annotations

import socket
import time

import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2

from sandbox.controlplane import Cluster
from sandbox.providers import values
from tests.engine.standin import Driver, RefusedError, State, urn_of
from tests.engine.standin_objects import NAMESPACE, config_map, deployment, job, service

pytestmark = pytest.mark.engine

NOWHERE = {"nodeSelector": {"no-such-label": "x"}}


# Waiting


def test_a_rollout_is_waited_for_and_its_progress_shown(driver: Driver) -> None:
    state = driver.create(urn_of(deployment("web")), deployment("web"))
    assert state.outputs["status"]["readyReplicas"] == 2
    assert any("pods ready" in status or "controller" in status for status in driver.engine.statuses)
    changed = deployment("web")
    changed["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.example/x:2"
    state = driver.update(state, changed)
    assert state.outputs["status"]["updatedReplicas"] == 2
    driver.delete(state)


def test_a_rollout_that_gets_stuck_says_what_was_seen_and_is_kept(driver: Driver) -> None:
    stuck = deployment("stuck", **NOWHERE)
    stuck["metadata"]["annotations"] = {"large": "x" * 100_000}
    with pytest.raises(RefusedError, match=r"pods did not get ready within 3 s(.|\n)*node") as caught:
        driver.create(urn_of(stuck), stuck, timeout=3)
    failed = caught.value.failed
    assert failed is not None
    assert failed.id == f"{NAMESPACE}/stuck"
    assert any("didn't match" in reason for reason in failed.reasons)
    recorded = State(urn_of(stuck), failed.id, {}, values.decode(failed.properties))
    with pytest.raises(RefusedError, match="is not ready now"):
        driver.read(State(recorded.urn, recorded.id, recorded.outputs["__inputs"], recorded.outputs))
    driver.delete(recorded)


def test_the_time_limit_can_be_an_annotation_and_waiting_can_be_skipped(driver: Driver) -> None:
    stuck = deployment("stuck", **NOWHERE)
    stuck["metadata"]["annotations"] = {"pulumi.com/timeoutSeconds": "1"}
    with pytest.raises(RefusedError, match="within 1 s"):
        driver.create(urn_of(stuck), stuck)
    patient = deployment("patient", **NOWHERE)
    patient["metadata"]["annotations"] = {"pulumi.com/skipAwait": "true"}
    driver.delete(driver.create(urn_of(patient), patient))


def test_a_job_completes_and_a_failed_one_says_why(driver: Driver) -> None:
    done = driver.create(urn_of(job("done")), job("done"))
    assert done.outputs["status"]["succeeded"] == 1
    driver.delete(done)
    late = job("late", activeDeadlineSeconds=1, pod=NOWHERE)
    with pytest.raises(RefusedError, match=r"Job standin/late exists, but failed(.|\n)*DeadlineExceeded"):
        driver.create(urn_of(late), late)


def test_a_load_balancer_is_ready_with_its_address(driver: Driver) -> None:
    state = driver.create(urn_of(service("front")), service("front", type="LoadBalancer"))
    assert state.outputs["status"]["loadBalancer"]["ingress"][0]["ip"].startswith("198.")
    driver.delete(state)


def test_a_service_waits_for_pods_that_are_starting(driver: Driver) -> None:
    front = service("waits", selector={"app": "waits"})
    slow = deployment("waits", **NOWHERE)
    slow["metadata"]["annotations"] = {"pulumi.com/skipAwait": "true"}
    pods = driver.create(urn_of(slow), slow)
    without_pods = driver.create(urn_of(front), front)
    driver.delete(without_pods)
    driver.delete(pods)
    assert without_pods.id == f"{NAMESPACE}/waits"


def test_a_claim_that_waits_for_its_first_consumer_is_ready_when_it_exists(driver: Driver) -> None:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"}, "spec": spec}
    state = driver.create(urn_of(claim), claim)
    assert state.outputs["status"]["phase"] == "Pending"
    driver.delete(state)


def test_a_claim_without_a_storage_class_says_so(driver: Driver) -> None:
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
        "storageClassName": "no-such-class",
    }
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "none"}, "spec": spec}
    with pytest.raises(RefusedError, match="there is no storage class 'no-such-class'"):
        driver.create(urn_of(claim), claim, timeout=1)


def test_a_program_can_say_itself_what_to_wait_for(driver: Driver) -> None:
    ready = config_map("ready", phase="done")
    ready["metadata"]["annotations"] = {"pulumi.com/waitFor": '["jsonpath={.data.phase}=done"]'}
    driver.delete(driver.create(urn_of(ready), ready))
    never = config_map("never", phase="begun")
    never["metadata"]["annotations"] = {"pulumi.com/waitFor": "jsonpath={.data.phase}=done"}
    with pytest.raises(RefusedError, match=r"not true: jsonpath=\{.data.phase\}=done"):
        driver.create(urn_of(never), never, timeout=1)


def test_cancelling_ends_the_waiting_at_once(driver: Driver) -> None:
    stuck = deployment("cancelled", **NOWHERE)
    checked = driver.check(urn_of(stuck), stuck)
    request = provider_pb2.CreateRequest(urn=urn_of(stuck), properties=values.encode(checked))
    pending = driver.start_call("Create", request)
    while not driver.engine.statuses:
        time.sleep(0.05)
    begin = time.monotonic()
    driver.call("Cancel", empty_pb2.Empty())
    with pytest.raises(RefusedError, match="the operation was cancelled") as caught:
        pending.result()
    assert time.monotonic() - begin < 2
    assert caught.value.failed is not None


# Deletion


def test_a_namespace_that_cannot_go_says_what_holds_it(driver: Driver, cluster: Cluster) -> None:
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "held"}}
    state = driver.create(urn_of(namespace), namespace)
    held = config_map("held") | {"metadata": {"name": "held", "namespace": "held", "finalizers": ["love.example/x"]}}
    driver.create(urn_of(held), held)
    with pytest.raises(RefusedError, match=r"still being deleted after 6 s(.|\n)*love.example/x") as caught:
        driver.delete(state, timeout=6)
    assert caught.value.failed is not None
    patch = '{"metadata": {"finalizers": null}}'
    cluster.kubectl("patch", "configmap", "held", "--namespace", "held", "--type=merge", "--patch", patch)
    driver.delete(state)
    assert driver.read(state).id == ""


# Clusters that are not there


def test_a_dead_cluster_fails_or_is_skipped_or_forgotten_as_asked(driver: Driver, cluster: Cluster) -> None:
    state = driver.create(urn_of(config_map("island")), config_map("island", a="1"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    dead = cluster.kubeconfig.read_text().replace(server_of(cluster), f"https://127.0.0.1:{port}")
    plain, skipping, forgetting = (
        Driver(kubeconfig=dead, **flags)
        for flags in ({}, {"skipUpdateUnreachable": "true"}, {"deleteUnreachable": "true"})
    )
    with pytest.raises(RefusedError, match=r"cluster is unreachable.*PULUMI_K8S_DELETE_UNREACHABLE=true"):
        plain.read(state)
    with pytest.raises(RefusedError, match="cluster is unreachable"):
        plain.update(state, config_map("island", a="2"))
    with pytest.raises(RefusedError, match=r"cannot be deleted.*PULUMI_K8S_DELETE_UNREACHABLE=true"):
        plain.delete(state)
    assert skipping.check(state.urn, config_map("island", a="2"), state.inputs) == state.inputs
    assert skipping.read(state).id == state.id
    assert forgetting.read(state).id == ""
    forgetting.delete(state)
    for one in (plain, skipping, forgetting):
        one.close()
    driver.delete(state)


def server_of(cluster: Cluster) -> str:
    run = cluster.kubectl("config", "view", "--output=jsonpath={.clusters[0].cluster.server}")
    return run.stdout
