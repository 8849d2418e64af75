"""The real istiod takes what the program deployed to one region, and adds proxies that the API server admits."""

import copy
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from components.namespaces import INGRESS, SERVICES
from components.services import NAMES
from sandbox.controllers.istio import PROXY_STATUS, Istiod
from tests.support import mesh_sandboxes
from tests.support.sandboxes import Sandbox
from tests.support.servers import eventually

pytestmark = [pytest.mark.engine, pytest.mark.campaign, pytest.mark.timeout(1800)]

ANALYSED = {"PILOT_ENABLE_ANALYSIS": "true", "PILOT_ANALYSIS_INTERVAL": "1s"}
"""Let istiod look at the configuration like `istioctl analyze`, and write what it finds into its log."""
FOUND = {
    r"\[IST0103\] \(Pod ": "pods that were there before the webhook, until they are replaced",
    r"\[IST0146\] \(Deployment istio-ingress/": "there is no webhook before istiod is ready",
    r"\[IST0133\] \(EnvoyFilter istio-ingress/keepalive\)": "Istio has no other way to probe idle connections of users",
}
"""Findings that are no fault of the program, as patterns with their reasons."""


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with mesh_sandboxes.deployed(tmp_path_factory.mktemp("istiod"), "local") as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def istiod(local: Sandbox) -> Iterator[Istiod]:
    with mesh_sandboxes.control_planes_of_the_mesh(local) as started:
        yield started["local"]


@pytest.fixture(scope="module")
def injected(istiod: Istiod) -> list[dict[str, Any]]:
    """All pods of the namespaces with injection, after those without a proxy were replaced."""
    istiod.inject()
    return eventually(lambda: _all_injected(istiod), seconds=60, what="pods with proxies")


def _all_injected(istiod: Istiod) -> list[dict[str, Any]]:
    found = [pod for namespace in (INGRESS, SERVICES) for pod in mesh_sandboxes.pods(istiod, namespace)]
    there = {pod["metadata"]["labels"].get("app.kubernetes.io/name") for pod in found}
    return found if {*NAMES, "istio-ingressgateway"} <= there and all(map(_has_proxy, found)) else []


def _has_proxy(pod: dict[str, Any]) -> bool:
    return PROXY_STATUS in pod["metadata"].get("annotations", {})


def test_istiods_analysis_finds_nothing(local: Sandbox) -> None:
    with mesh_sandboxes.control_planes_of_the_mesh(local, **ANALYSED) as started:
        istiod = started["local"]
        istiod.inject()
        eventually(lambda: _all_injected(istiod), seconds=60, what="pods with proxies")
        # What the analysis always finds shows that it has looked.
        eventually(lambda: any("IST0133" in line for line in _findings(istiod)), seconds=60, what="an analysis")
        others = [line for line in _findings(istiod) if not any(re.search(pattern, line) for pattern in FOUND)]
    assert others == []


def _findings(istiod: Istiod) -> list[str]:
    entries = mesh_sandboxes.entries_of(istiod.log)
    return [entry["msg"] for entry in entries if entry.get("msg", "").startswith("Configuration analysis:")]


def test_the_api_server_refuses_what_istiod_calls_invalid(istiod: Istiod) -> None:
    """For all callers inside of the mesh there must be a name. The definition of the resource does not know that."""
    wrong = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": "wrong", "namespace": SERVICES, "labels": {"istio.io/rev": "default"}},
        "spec": {"hosts": ["*"], "http": [{"route": [{"destination": {"host": "agent-network"}}]}]},
    }
    said = istiod.cluster.kubectl("create", "--dry-run=server", "--filename=-", stdin=json.dumps(wrong))
    assert said.returncode != 0
    assert "admission webhook" in said.stderr
    assert "validation.istio.io" in said.stderr


def test_every_service_has_a_sidecar_and_every_gateway_a_proxy_of_its_own(injected: list[dict[str, Any]]) -> None:
    kinds = {
        pod["metadata"]["labels"]["app.kubernetes.io/name"]: mesh_sandboxes.proxy_of(pod)["args"][1] for pod in injected
    }
    assert kinds == {**dict.fromkeys(NAMES, "sidecar"), "istio-ingressgateway": "router"}


def test_no_image_is_left_for_the_webhook_to_set(injected: list[dict[str, Any]]) -> None:
    images = {mesh_sandboxes.proxy_of(pod)["image"] for pod in injected}
    assert len(images) == 1
    assert "auto" not in images


def test_the_injected_pods_pass_restricted_admission(istiod: Istiod, injected: list[dict[str, Any]]) -> None:
    """They were created in namespaces that enforce it. An API server also refuses the same pod with a right more."""
    labels = istiod.cluster.kubectl("get", "namespace", SERVICES, INGRESS, "--output=json")
    namespaces = json.loads(labels.stdout)["items"]
    assert len(namespaces) == 2
    for namespace in namespaces:
        assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert injected
    for pod in injected:
        assert mesh_sandboxes.creates(istiod, pod) == ""
        more = copy.deepcopy(pod)
        mesh_sandboxes.proxy_of(more)["securityContext"]["capabilities"] = {"add": ["NET_ADMIN"]}
        assert 'violates PodSecurity "restricted' in mesh_sandboxes.creates(istiod, more)


def test_istiod_complains_about_nothing(istiod: Istiod, injected: list[dict[str, Any]]) -> None:
    assert mesh_sandboxes.complaints(istiod, mesh_sandboxes.STARTING) == []


def test_a_stopped_istiod_leaves_nothing_that_holds_up_pods(local: Sandbox) -> None:
    with mesh_sandboxes.control_planes_of_the_mesh(local) as started:
        assert mesh_sandboxes.webhooks(started["local"]) == [
            "istio-sidecar-injector",
            "istio-validator-istio-system",
            "istiod-default-validator",
        ]
    assert mesh_sandboxes.webhooks(started["local"]) == []
    assert not started["local"].running
