"""Every Kubernetes object of the program against the API's schemas, kube-score and the restricted standard."""

import json
from typing import Any

import pytest

from components.pod_security import POD_SECURITY_VERSION
from components.services import NAMES
from components.services.settings import MATCHING_SERVICE
from tests.support import schemas
from tests.support.binaries import run
from tests.support.kube_score import critical_findings
from tests.support.manifests import Manifest, identity, pod_templates, program_objects, stream
from tests.support.pod_standard import violations
from tests.support.regions import MATCHING
from tests.support.rendering import Rendered, render

pytestmark = pytest.mark.conformance

_PODS_OF_A_CHART = "its pods come from a repository's chart, which is not rendered here"
_CALLS = {
    (f"Service/circles/circles-{index}-{protocol}", "service-targets-pod")
    for index in range(3)
    for protocol in ("tcp", "udp")
}
DELIBERATE = {
    **dict.fromkeys(_CALLS, "Kubernetes puts the label with the pod's name on the pods of a StatefulSet"),
    ("NetworkPolicy/istio-ingress/circles", "networkpolicy-targets-pod"): _PODS_OF_A_CHART,
    ("NetworkPolicy/istio-ingress/default-deny", "networkpolicy-targets-pod"): _PODS_OF_A_CHART,
    ("NetworkPolicy/istio-ingress/istio-ingressgateway", "networkpolicy-targets-pod"): _PODS_OF_A_CHART,
    ("NetworkPolicy/istio-ingress/nats-live", "networkpolicy-targets-pod"): _PODS_OF_A_CHART,
    ("NetworkPolicy/istio-system/default-deny", "networkpolicy-targets-pod"): _PODS_OF_A_CHART,
    ("NetworkPolicy/istio-system/istiod", "networkpolicy-targets-pod"): _PODS_OF_A_CHART,
    ("NetworkPolicy/monitoring/admission-create", "networkpolicy-targets-pod"): _PODS_OF_A_CHART,
    ("NetworkPolicy/monitoring/admission-patch", "networkpolicy-targets-pod"): _PODS_OF_A_CHART,
    ("NetworkPolicy/monitoring/alertmanager", "networkpolicy-targets-pod"): _PODS_OF_A_CHART,
    ("NetworkPolicy/monitoring/grafana", "networkpolicy-targets-pod"): _PODS_OF_A_CHART,
    ("NetworkPolicy/monitoring/jaeger", "networkpolicy-targets-pod"): _PODS_OF_A_CHART,
    ("NetworkPolicy/monitoring/kube-state-metrics", "networkpolicy-targets-pod"): _PODS_OF_A_CHART,
    ("NetworkPolicy/monitoring/operator", "networkpolicy-targets-pod"): _PODS_OF_A_CHART,
    ("NetworkPolicy/monitoring/prometheus", "networkpolicy-targets-pod"): _PODS_OF_A_CHART,
}
"""Accepted critical findings of kube-score: object and test, with the reason."""
OPTIONAL = {
    *_CALLS,
    ("NetworkPolicy/istio-ingress/circles", "networkpolicy-targets-pod"),
    ("NetworkPolicy/istio-ingress/nats-live", "networkpolicy-targets-pod"),
}
"""Those of objects that not every variant has."""

BUSY = {"minReplicas": 4, "maxReplicas": 30, "followTheSun": True, "cpu": "1", "memory": "1Gi"}
VARIANTS: dict[str, dict[str, Any]] = {
    "one of everything": {},
    "three of everything": {
        "sacred-council:database": {"nodes": 3},
        "sacred-council:cache": {"replicas": 3},
        "sacred-council:messaging": {
            "servers": 3,
            "streams": [{"name": "councils", "subjects": ["councils.>"]}],
            "websocket": {"enabled": True},
        },
        "sacred-council:services": dict.fromkeys((*NAMES, MATCHING_SERVICE), BUSY),
        "sacred-council:matching": MATCHING,
        "sacred-council:ledger": {"enabled": True, "validators": 4, "application": {"image": "ledger:1.2"}},
        "sacred-council:circles": {"enabled": True, "servers": 3},
    },
}


@pytest.fixture(scope="module", params=list(VARIANTS.values()), ids=list(VARIANTS))
def objects(request: pytest.FixtureRequest) -> list[Manifest]:
    """All objects of the local stack, unchanged and with several replicas of every data service and service."""
    unchanged: Rendered = request.getfixturevalue("local")
    return program_objects(render("local", request.param) if request.param else unchanged)


@pytest.fixture(scope="module")
def core_objects(objects: list[Manifest]) -> list[Manifest]:
    """The objects whose kinds Kubernetes itself has; custom resources are checked against their CRDs elsewhere."""
    served = schemas.groups()
    return [m for m in objects if group_of(m) in served]


def group_of(manifest: Manifest) -> str:
    return str(manifest["apiVersion"]).rpartition("/")[0]


def kubeconform(manifests: list[Manifest]) -> list[str]:
    """List kubeconform's findings on `manifests`, one line each."""
    location = f"{schemas.directory()}/{schemas.LOCATION}"
    arguments = ("-strict", "-output=json", f"-schema-location={location}", "-")
    result = run("kubeconform", *arguments, stdin=stream(manifests))
    assert result.stdout, result.stderr
    found = json.loads(result.stdout)["resources"] or []
    return [f"{r['kind']}/{r['name']}: {r['status']} {r['msg']}" for r in found]


def test_the_program_and_its_chart_have_objects(objects: list[Manifest]) -> None:
    kinds = {m["kind"] for m in objects}
    assert {"Deployment", "StatefulSet", "HorizontalPodAutoscaler", "NetworkPolicy", "Namespace"} <= kinds


def test_every_core_object_satisfies_the_schema_of_its_kind(core_objects: list[Manifest]) -> None:
    assert kubeconform(core_objects) == []


def test_all_other_objects_are_of_groups_that_this_platform_installs(objects: list[Manifest]) -> None:
    others = {group_of(m) for m in objects} - schemas.groups()
    assert others <= {"monitoring.coreos.com", "networking.istio.io", "security.istio.io", "telemetry.istio.io"}


def test_no_two_objects_are_the_same(objects: list[Manifest]) -> None:
    names = [f"{group_of(m)} {identity(m)}" for m in objects]
    assert sorted(names) == sorted(set(names))


def test_kube_score_finds_nothing_critical_but_what_is_deliberate(core_objects: list[Manifest]) -> None:
    findings = critical_findings(core_objects, POD_SECURITY_VERSION)
    assert [str(f) for f in findings if (f.target, f.test) not in DELIBERATE] == []


def test_every_deliberate_exception_is_still_one(core_objects: list[Manifest]) -> None:
    found = {(f.target, f.test) for f in critical_findings(core_objects, POD_SECURITY_VERSION)}
    assert set(DELIBERATE) - found <= OPTIONAL


def test_every_pod_template_passes_the_restricted_standard(objects: list[Manifest]) -> None:
    templates = dict(pod_templates(objects))
    assert templates
    broken = {name: violations(template["spec"]) for name, template in templates.items()}
    assert {name: found for name, found in broken.items() if found} == {}


def test_no_pod_gets_a_token_it_does_not_ask_for(objects: list[Manifest]) -> None:
    careless = {
        name for name, t in pod_templates(objects) if t["spec"].get("automountServiceAccountToken") is not False
    }
    asked = {identity(m) for m in objects if m["kind"] == "CronJob" and m["metadata"]["namespace"] == "sacred-council"}
    assert careless == asked


def test_a_misspelt_field_is_found() -> None:
    metadata = {"name": "x", "namespace": "y"}
    wrong = {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"portz": []}}
    assert len(kubeconform([wrong])) == 1


def test_a_wrong_type_is_found() -> None:
    metadata = {"name": "x", "namespace": "y"}
    wrong = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"count": 1}}
    assert len(kubeconform([wrong])) == 1


def test_an_unknown_version_is_found() -> None:
    wrong = {"apiVersion": "apps/v9", "kind": "Deployment", "metadata": {"name": "x"}}
    assert len(kubeconform([wrong])) == 1


def test_a_careless_deployment_has_critical_findings() -> None:
    container = {"name": "x", "image": "x:latest"}
    template = {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [container]}}
    spec = {"selector": {"matchLabels": {"app": "x"}}, "template": template}
    careless = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "x", "namespace": "y"},
        "spec": spec,
    }
    found = {f.test for f in critical_findings([careless], POD_SECURITY_VERSION)}
    assert {"container-image-tag", "container-resources", "pod-networkpolicy"} <= found
