"""The hub's objects for Argo CD and Rancher, checked like all other objects."""

import base64
import json

import pytest
import yaml

from components.pod_security import POD_SECURITY_VERSION
from publish.files import files
from stacks.settings import parse
from tests.platform.test_objects import DELIBERATE, group_of, kubeconform
from tests.support import schemas
from tests.support.hubs import GITOPS, LOCAL, RANCHER, hub
from tests.support.kube_score import critical_findings
from tests.support.manifests import Manifest, identity, program_objects, template
from tests.support.regions import MIXED, configured
from tests.support.rendering import render

pytestmark = pytest.mark.conformance

NAMESPACES = ("argocd", "cattle-system", "cert-manager", "fleet-default", "sacred-council")
"""Namespaces whose pods come from charts (the services' through Argo CD), or that have no pods."""


@pytest.fixture(scope="module")
def objects() -> list[Manifest]:
    """All objects of the local stack as a hub, of the kinds that Kubernetes itself serves."""
    served = schemas.groups()
    return [m for m in program_objects(render("local", LOCAL)) if group_of(m) in served]


def test_every_object_satisfies_the_schema_of_its_kind(objects: list[Manifest]) -> None:
    names = {identity(m) for m in objects}
    assert {"Secret/argocd/argocd-secret", "Secret/cattle-system/bootstrap-secret"} <= names
    assert kubeconform(objects) == []


def test_kube_score_finds_nothing_critical_but_policies_for_charts_pods(objects: list[Manifest]) -> None:
    found = {(f.target, f.test) for f in critical_findings(objects, POD_SECURITY_VERSION)} - set(DELIBERATE)
    assert {test for _, test in found} == {"networkpolicy-targets-pod"}
    assert {target.split("/")[1] for target, _ in found} == set(NAMESPACES)


def test_the_chart_takes_the_values_that_are_published() -> None:
    settings = parse({"stage": "continental", **configured(*MIXED), "gitops": GITOPS, "rancher": RANCHER})
    published = files(settings)
    assert len(published) >= len(MIXED)
    for text in published.values():
        kinds = {m["kind"] for m in template(yaml.safe_load(text), namespace="sacred-council")}
        assert "Deployment" in kinds


def test_every_entry_of_a_region_is_one_that_argo_cd_reads() -> None:
    entries = [r.inputs for r in hub(*MIXED).objects("Secret") if r.name.endswith("-gitops-cluster")]
    assert len(entries) == len(MIXED)
    for entry in entries:
        data = {key: base64.b64decode(value).decode() for key, value in entry["data"].items()}
        assert data.keys() == {"name", "server", "config", "namespaces", "clusterResources"}
        assert json.loads(data["config"]).keys() == {"bearerToken", "tlsClientConfig"}
