"""Which pods the node agent runs, and how they are marked before anything else sees them."""

import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest

from components.versions import ISTIO_VERSION
from sandbox import manifests
from sandbox.controllers.admission import review
from sandbox.controllers.containers import Container, Process
from sandbox.controllers.pods import is_run
from sandbox.controllers.sample_runner import SampleRunner, repository

pytestmark = pytest.mark.unit

SAMPLE = {"name": "main", "image": "ghcr.io/stefanprodan/podinfo:6.9.2"}
PROXY = {"name": "istio-proxy", "image": f"docker.io/istio/proxyv2:{ISTIO_VERSION}"}
MARK = manifests.RUN_ANNOTATION


class ProxyRunner:
    def runs(self, _pod: Mapping[str, Any], container: Mapping[str, Any]) -> bool:
        return bool(container["name"] == "istio-proxy")

    def process(self, container: Container) -> Process:
        raise NotImplementedError


def _pod(*containers: dict[str, Any], init: list[dict[str, Any]] | None = None, owner: str = "") -> dict[str, Any]:
    owners = [{"kind": owner, "name": "one"}] if owner else []
    return {
        "metadata": {"name": "one", "ownerReferences": owners},
        "spec": {"containers": [*containers], "initContainers": init or []},
    }


def test_a_pod_is_run_if_there_is_a_runner_for_every_container() -> None:
    assert is_run(_pod(SAMPLE), [SampleRunner()])
    assert is_run(_pod(SAMPLE, PROXY), [ProxyRunner(), SampleRunner()])
    assert not is_run(_pod(SAMPLE, PROXY), [SampleRunner()])
    assert not is_run(_pod({"name": "other", "image": "redis:8"}), [SampleRunner()])


def test_a_sidecar_among_the_init_containers_needs_a_runner_and_others_do_not() -> None:
    sidecar = {**PROXY, "restartPolicy": "Always"}
    validation = {"name": "istio-validation", "image": f"docker.io/istio/proxyv2:{ISTIO_VERSION}"}
    assert is_run(_pod(SAMPLE, init=[validation]), [SampleRunner()])
    assert not is_run(_pod(SAMPLE, init=[sidecar]), [SampleRunner()])
    assert is_run(_pod(SAMPLE, init=[sidecar]), [ProxyRunner(), SampleRunner()])


def test_a_job_stays_simulated_because_it_has_to_end() -> None:
    assert not is_run(_pod(SAMPLE, owner="Job"), [SampleRunner()])
    assert is_run(_pod(SAMPLE, owner="ReplicaSet"), [SampleRunner()])


@pytest.mark.parametrize(
    "image",
    [
        "ghcr.io/stefanprodan/podinfo",
        "ghcr.io/stefanprodan/podinfo:6.9.2",
        "localhost:5000/podinfo:1@sha256:0000",
        "podinfo",
    ],
)
def test_the_sample_image_is_known_by_its_name(image: str) -> None:
    assert repository(image).rpartition("/")[2] == "podinfo"


def _review(pod: dict[str, Any], *, wanted: bool) -> dict[str, Any]:
    request = {"apiVersion": "admission.k8s.io/v1", "request": {"uid": "42", "object": pod}}
    response: dict[str, Any] = review(request, lambda _: wanted)["response"]
    assert response["allowed"] is True
    assert response["uid"] == "42"
    return response


def _patched(pod: dict[str, Any], *, wanted: bool) -> list[dict[str, Any]]:
    patch: list[dict[str, Any]] = json.loads(base64.b64decode(_review(pod, wanted=wanted)["patch"]))
    return patch


def test_a_pod_that_is_run_gets_the_mark_beside_its_annotations() -> None:
    pod = _pod(SAMPLE)
    add = {"op": "add", "path": "/metadata/annotations"}
    assert _patched(pod, wanted=True) == [{**add, "value": {MARK: "true"}}]
    pod["metadata"]["annotations"] = {"note": "x"}
    assert _patched(pod, wanted=True) == [{**add, "value": {"note": "x", MARK: "true"}}]


def test_a_mark_that_is_right_needs_no_change() -> None:
    pod = _pod(SAMPLE)
    pod["metadata"]["annotations"] = {MARK: "true"}
    assert "patch" not in _review(pod, wanted=True)
    assert "patch" not in _review(_pod(SAMPLE), wanted=False)


def test_a_mark_goes_when_a_sidecar_came_that_has_no_runner() -> None:
    pod = _pod(SAMPLE)
    pod["metadata"]["annotations"] = {MARK: "true"}
    assert _patched(pod, wanted=False) == [{"op": "add", "path": "/metadata/annotations", "value": {}}]


def test_kwok_leaves_the_readiness_and_the_end_of_marked_pods_to_the_agent() -> None:
    stages = {stage["metadata"]["name"]: stage["spec"] for stage in manifests.pod_stages()}
    marked = f'.metadata.annotations["{MARK}"]'
    operators = {
        name: next(each["operator"] for each in spec["selector"]["matchExpressions"] if each["key"] == marked)
        for name, spec in stages.items()
    }
    assert operators == {
        "pod-ready": "DoesNotExist",
        "pod-placed": "Exists",
        "pod-complete": "DoesNotExist",
        "pod-gone": "DoesNotExist",
    }
