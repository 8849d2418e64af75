"""When each kind counts as ready, judged on objects as a cluster shows them."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from sandbox.providers.base import ProviderError
from sandbox.providers.kubernetes.awaits import Subject, Verdict, Waiter, network, pods, storage, waitfor, workloads
from sandbox.providers.kubernetes.objects import Kind
from sandbox.providers.kubernetes.session import Session

Obj = dict[str, Any]


class FakeSession:
    """A cluster that holds the given objects."""

    def __init__(self, *objects: Obj) -> None:
        self._objects = objects

    async def listing(self, kind: Kind, in_namespace: str, **params: str) -> list[Obj]:
        return [obj for obj in self._objects if obj["kind"] == kind.kind]

    async def live(self, wanted: Obj) -> Obj | None:
        found = await self.listing(Kind("", "v1", wanted["kind"]), "")
        return next((obj for obj in found if obj["metadata"]["name"] == wanted["metadata"]["name"]), None)


def look(waiter: Waiter, live: Obj, *others: Obj, last: Obj | None = None) -> Verdict:
    session = cast("Session", FakeSession(*others))
    return asyncio.run(waiter.look(Subject(session, "urn", {}, live, last), live))


def condition(kind: str, status: str, reason: str = "", message: str = "") -> Obj:
    return {"type": kind, "status": status, "reason": reason, "message": message}


def deployment(revision: str = "1", observed: int = 1, *conditions: Obj, **spec: Any) -> Obj:
    return {
        "kind": "Deployment",
        "metadata": {
            "name": "web",
            "uid": "d",
            "generation": 1,
            "annotations": {"deployment.kubernetes.io/revision": revision},
        },
        "spec": {"replicas": 2, "selector": {"matchLabels": {"a": "b"}}, **spec},
        "status": {"observedGeneration": observed, "conditions": list(conditions)},
    }


def replica_set(revision: str, ready: int, wanted: int = 2) -> Obj:
    metadata = {
        "name": f"web-{revision}",
        "uid": f"r{revision}",
        "ownerReferences": [{"uid": "d"}],
        "annotations": {"deployment.kubernetes.io/revision": revision},
    }
    return {
        "kind": "ReplicaSet",
        "metadata": metadata,
        "spec": {"replicas": wanted},
        "status": {"readyReplicas": ready},
    }


AVAILABLE = condition("Available", "True")
ROLLED_OUT = condition("Progressing", "True", "NewReplicaSetAvailable")
ROLLING = condition("Progressing", "True", "ReplicaSetUpdated")


@pytest.mark.parametrize(
    ("live", "others", "ready"),
    [
        (deployment("1", 1, AVAILABLE), [replica_set("1", 2)], True),
        (deployment("1", 1, AVAILABLE), [replica_set("1", 1)], False),
        (deployment("1", 1, AVAILABLE), [replica_set("1", 0, wanted=0)], True),
        (deployment("1", 1), [replica_set("1", 2)], False),
        (deployment("1", 0, AVAILABLE), [replica_set("1", 2)], False),
        (deployment("", 1, AVAILABLE), [replica_set("1", 2)], False),
        (deployment("2", 1, AVAILABLE, ROLLED_OUT), [replica_set("1", 2), replica_set("2", 2)], True),
        (deployment("2", 1, AVAILABLE, ROLLED_OUT), [replica_set("1", 2), replica_set("2", 1)], False),
        (deployment("2", 1, AVAILABLE, ROLLING), [replica_set("2", 2)], False),
    ],
)
def test_a_deployment_is_ready_when_its_current_replica_set_is(live: Obj, others: list[Obj], ready: bool) -> None:
    assert look(workloads.Deployment(), live, *others).ready is ready


def test_a_deployment_waits_for_the_claims_of_its_volumes() -> None:
    volumes = [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]
    live = deployment("1", 1, AVAILABLE, template={"spec": {"volumes": volumes}})
    claim = {"kind": "PersistentVolumeClaim", "metadata": {"name": "data"}, "status": {"phase": "Pending"}}
    assert look(workloads.Deployment(), live, replica_set("1", 2), claim) == Verdict(
        False, "Waiting for volume claims: data"
    )


def stateful_set(strategy: str = "RollingUpdate", generation: int = 1, **status: Any) -> Obj:
    ready = {"replicas": 2, "readyReplicas": 2, "currentReplicas": 2, "currentRevision": "a", "updateRevision": "a"}
    return {
        "kind": "StatefulSet",
        "metadata": {"name": "db", "generation": generation},
        "spec": {"replicas": 2, "updateStrategy": {"type": strategy}},
        "status": {"observedGeneration": generation, **ready, **status},
    }


@pytest.mark.parametrize(
    ("live", "ready"),
    [
        (stateful_set(), True),
        (stateful_set(observedGeneration=0), False),
        (stateful_set(readyReplicas=1), False),
        (stateful_set(currentReplicas=1), False),
        (stateful_set(updateRevision="b"), False),
        (stateful_set("OnDelete", 2, updateRevision="b"), True),
        (stateful_set("OnDelete", 2, readyReplicas=1), False),
    ],
)
def test_a_stateful_set_is_ready_when_all_replicas_run_the_revision(live: Obj, ready: bool) -> None:
    assert look(workloads.StatefulSet(), live).ready is ready


@pytest.mark.parametrize(("available", "ready"), [(3, True), (2, False)])
def test_a_daemon_set_is_ready_when_every_node_has_an_available_pod(available: int, ready: bool) -> None:
    counts = dict.fromkeys(("desiredNumberScheduled", "currentNumberScheduled", "updatedNumberScheduled"), 3)
    status = {"observedGeneration": 1, **counts, "numberReady": 3, "numberAvailable": available}
    live = {"kind": "DaemonSet", "metadata": {"generation": 1}, "spec": {}, "status": status}
    assert look(workloads.DaemonSet(), live).ready is ready


def test_a_failed_job_fails_at_once_with_its_reason() -> None:
    failed = condition("Failed", "True", "BackoffLimitExceeded", "too often")
    live = {"kind": "Job", "metadata": {}, "status": {"conditions": [failed]}}
    assert look(workloads.Job(), live) == Verdict(False, failed="BackoffLimitExceeded: too often")
    live["status"] = {"conditions": [condition("Complete", "True")]}
    assert look(workloads.Job(), live).ready


@pytest.mark.parametrize(
    ("status", "ready", "failed"),
    [
        ({"phase": "Pending", "conditions": [condition("PodScheduled", "True")]}, False, False),
        ({"phase": "Succeeded"}, True, False),
        ({"phase": "Failed", "message": "evicted"}, False, True),
        ({"conditions": [condition(kind, "True") for kind in ("PodScheduled", "Initialized", "Ready")]}, True, False),
    ],
)
def test_a_pod_is_ready_when_its_containers_are_or_when_it_succeeded(status: Obj, ready: bool, failed: bool) -> None:
    verdict = look(workloads.Pod(), {"kind": "Pod", "spec": {"restartPolicy": "Never"}, "status": status})
    assert (verdict.ready, bool(verdict.failed)) == (ready, failed)


def service(**spec: Any) -> Obj:
    return {"kind": "Service", "metadata": {"name": "s"}, "spec": {"clusterIP": "10.0.0.1", **spec}, "status": {}}


def endpoints(*ready: bool) -> Obj:
    listed = [{"addresses": [f"10.1.0.{index}"], "conditions": {"ready": state}} for index, state in enumerate(ready)]
    return {"kind": "EndpointSlice", "metadata": {"name": "s-1"}, "endpoints": listed}


@pytest.mark.parametrize(
    ("live", "others", "ready"),
    [
        (service(), [], True),
        (service(clusterIP="None", selector={"a": "b"}), [], True),
        (service(type="ExternalName", selector={"a": "b"}), [], True),
        (service(type="LoadBalancer"), [], False),
        (service(selector={"a": "b"}), [], False),
        (service(selector={"a": "b"}), [endpoints()], True),
        (service(selector={"a": "b"}), [endpoints(True, False)], False),
    ],
)
def test_a_service_is_ready_by_type_and_endpoints(live: Obj, others: list[Obj], ready: bool) -> None:
    assert look(network.Service(), live, *others).ready is ready


def test_an_ingress_names_the_services_that_are_missing() -> None:
    backend = {"backend": {"service": {"name": "gone"}}}
    live = {
        "kind": "Ingress",
        "metadata": {"name": "i", "namespace": "n"},
        "spec": {"rules": [{"http": {"paths": [backend]}}]},
        "status": {},
    }
    waiter = network.Ingress()
    assert not look(waiter, live).ready
    subject = Subject(cast("Session", FakeSession()), "urn", {}, live)
    assert asyncio.run(waiter.explain(subject, live)) == [
        "there is no service 'gone' in its namespace",
        "no address was assigned",
    ]


@pytest.mark.parametrize(
    ("mode", "phase", "ready"),
    [
        ("Immediate", "Pending", False),
        ("Immediate", "Bound", True),
        ("WaitForFirstConsumer", "Pending", True),
        ("WaitForFirstConsumer", "Lost", False),
    ],
)
def test_a_claim_is_ready_as_its_storage_class_binds(mode: str, phase: str, ready: bool) -> None:
    claim = {
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "c"},
        "spec": {"storageClassName": "fast"},
        "status": {"phase": phase},
    }
    storage_class = {"kind": "StorageClass", "metadata": {"name": "fast"}, "volumeBindingMode": mode}
    assert look(storage.PersistentVolumeClaim(), claim, storage_class).ready is ready


@pytest.mark.parametrize(
    ("waiter", "live", "ready"),
    [
        (storage.PersistentVolume(), {"status": {"phase": "Available"}}, True),
        (storage.PersistentVolume(), {"status": {"phase": "Pending"}}, False),
        (storage.ResourceQuota(), {"spec": {"hard": {"pods": "1"}}, "status": {"hard": {"pods": "1"}}}, True),
        (storage.ResourceQuota(), {"spec": {"hard": {"pods": "1"}}, "status": {}}, False),
        (storage.TokenSecret(), {"type": "Opaque"}, True),
        (storage.TokenSecret(), {"type": "kubernetes.io/service-account-token"}, False),
        (storage.CustomResourceDefinition(), {"status": {"conditions": [condition("Established", "True")]}}, True),
        (storage.CustomResourceDefinition(), {"spec": {"names": {"kind": "X"}}}, False),
        (workloads.ReplicationController(), {"spec": {"replicas": 2}, "status": {"availableReplicas": 2}}, True),
    ],
)
def test_simple_kinds_are_judged_by_their_status(waiter: Waiter, live: Obj, ready: bool) -> None:
    assert look(waiter, live).ready is ready


def test_problems_of_pods_are_told_in_words() -> None:
    waiting = {"name": "c", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}}
    crashed = {"name": "d", "lastState": {"terminated": {"exitCode": 3, "reason": "Error"}}}
    starting = {"name": "e", "state": {"waiting": {"reason": "ContainerCreating"}}}
    status = {
        "conditions": [condition("PodScheduled", "False", "Unschedulable", "0/3 nodes are available")],
        "containerStatuses": [waiting, crashed, starting],
    }
    assert pods.pod_problems({"metadata": {"name": "p"}, "status": status}) == [
        "Pod p: 0/3 nodes are available",
        "Pod p, container c: ImagePullBackOff no such image",
        "Pod p, container d: ended with exit code 3 Error",
    ]


OBJ: Obj = {
    "metadata": {"annotations": {"example.org/checksum": "1f"}},
    "status": {
        "phase": "Running",
        "ok": True,
        "list": [{"x": 1}],
        "conditions": [condition("Ready", "True"), condition("Old", "False")],
    },
}


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        ("condition=Ready", True),
        ("condition=Ready=False", False),
        ("condition=Old=false", True),
        ("condition=Missing", False),
        ("jsonpath={.status.phase}=Running", True),
        ("jsonpath={.status.phase}=Failed", False),
        ("jsonpath={.status.phase}", True),
        ("jsonpath={.status.nothing}", False),
        ("jsonpath={.status.ok}=true", True),
        ("jsonpath={.status.list[0].x}=1", True),
        ("jsonpath=.status.phase=Running", True),
        ("jsonpath={.metadata.annotations['example.org/checksum']}=1f", True),
        ("jsonpath={.metadata.annotations['example.org/checksum']}=2f", False),
    ],
)
def test_expressions_of_the_program_hold_or_not(expression: str, holds: bool) -> None:
    assert waitfor.holds(expression, OBJ) is holds


@pytest.mark.parametrize("wrong", ["Ready", "jsonpath={range .items[*]}", "jsonpath="])
def test_an_expression_that_cannot_be_read_is_refused(wrong: str) -> None:
    with pytest.raises(ProviderError, match=r"pulumi\.com/waitFor has the"):
        waitfor.Expressions([wrong])


def test_the_time_limit_is_the_options_then_the_annotations_then_the_kinds() -> None:
    annotated = {"metadata": {"annotations": {"pulumi.com/timeoutSeconds": "7"}}}
    session = cast("Session", SimpleNamespace())
    assert Subject(session, "urn", annotated, {}, timeout=3).seconds(600) == 3
    assert Subject(session, "urn", annotated, {}).seconds(600) == 7
    assert Subject(session, "urn", {}, {}).seconds(600) == 600
