"""Rancher on its hub."""

import json

import pytest

from components.rancher import values
from components.rancher.settings import RancherSettings
from tests.support.hubs import RANCHER, hub
from tests.support.regions import FIVE, IOWA, MIXED, VIRGINIA, changed, of_region, rendered
from tests.support.rendering import render

pytestmark = pytest.mark.stack

HUB = IOWA[0]


def test_every_other_region_is_declared_once_and_the_hub_is_rancher_s_local() -> None:
    stack = hub(*FIVE)
    found = {r.inputs["metadata"]["name"]: r for r in stack.objects("Cluster")}
    assert found.keys() == {name for name, _ in FIVE} - {HUB}
    assert {r.name for r in found.values()} == {f"{name}-rancher-cluster" for name in found}
    assert {r.provider for r in found.values()} == {stack.named(f"{HUB}-rancher-release").provider}
    assert [r.inputs["spec"] for r in found.values()] == [{}] * len(found)


def test_a_region_more_only_adds_its_entry() -> None:
    usual = changed(rendered(*MIXED), rendered(*FIVE), HUB)
    before, after = hub(*MIXED), hub(*FIVE)
    assert of_region(before, HUB).keys() == of_region(after, HUB).keys()
    assert {rest for rest in changed(before, after, HUB) - usual if "rancher" in rest} == set()


def test_cert_manager_is_there_once_with_and_without_a_cdn() -> None:
    edge = {"domain": "example.org", "cdn": "gcp"}
    with_cdn, without = hub(*MIXED, edge=edge), hub(*MIXED)
    assert len([r for r in with_cdn.resources if r.name == f"{HUB}-certificates"]) == 1
    assert [r.name for r in without.of_type("sacred-council:certificates:CertManager")] == [f"{HUB}-certificates"]
    for stack in (with_cdn, without):
        manager = stack.named(f"{HUB}-certificates-release")
        assert manager.urn in stack.named(f"{HUB}-rancher-release").dependencies
    assert with_cdn.named(f"{HUB}-certificates-release").urn == without.named(f"{HUB}-certificates-release").urn


def test_without_a_cdn_cert_manager_has_no_policy_that_opens_nothing() -> None:
    edge = {"domain": "example.org", "cdn": "gcp"}
    found = [
        {
            p.inputs["metadata"]["name"]
            for p in stack.objects("NetworkPolicy")
            if p.name.startswith(f"{HUB}-certificates-")
        }
        for stack in (hub(*MIXED), hub(*MIXED, edge=edge))
    ]
    assert found == [{"kubernetes-api", "webhook"}, {"kubernetes-api", "webhook", "controller"}]


def test_the_bootstrap_password_is_in_a_secret_that_the_chart_finds_when_it_is_installed() -> None:
    stack = hub(*MIXED)
    release, secret = stack.named(f"{HUB}-rancher-release"), stack.named(f"{HUB}-rancher-bootstrap")
    assert "bootstrapPassword" not in release.inputs["values"]
    assert release.secret_paths == frozenset()
    assert secret.secret_paths == {"data"}
    assert secret.urn in release.dependencies
    metadata = secret.inputs["metadata"]
    assert (metadata["name"], metadata["namespace"]) == ("bootstrap-secret", "cattle-system")


def test_only_rancher_s_own_namespace_is_below_restricted_and_it_is_closed_like_the_others() -> None:
    stack = hub(*MIXED)
    enforced = {
        r.inputs["metadata"]["name"]: r.inputs["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
        for r in stack.objects("Namespace")
    }
    assert {name for name, level in enforced.items() if level != "restricted"} == {"cattle-system"}
    assert enforced["cattle-system"] == "baseline"
    denied = stack.named(f"{HUB}-cattle-system-default-deny").inputs["spec"]
    assert denied["policyTypes"] == ["Ingress", "Egress"]


@pytest.mark.parametrize("ingress_class", [None, "nginx"])
def test_the_ingress_is_of_the_class_that_the_settings_name(ingress_class: str | None) -> None:
    settings = RancherSettings.model_validate({"hostname": "rancher.example.org", "ingressClass": ingress_class})
    assert values(settings)["ingress"].get("ingressClassName") == ingress_class


def test_the_hub_of_rancher_may_be_another_than_argo_cd_s() -> None:
    stack = hub(*MIXED, rancher={**RANCHER, "hub": VIRGINIA[0]})
    assert stack.named(f"{VIRGINIA[0]}-rancher-release").inputs["values"]["hostname"] == "rancher.example.org"
    assert json.dumps(stack.named(f"{HUB}-gitops-release").inputs)
    assert not [r for r in of_region(stack, HUB) if r.startswith("cattle-system")]


def test_a_stack_without_them_has_nothing_of_them() -> None:
    stack = render("local")
    assert [r.name for r in stack.resources if "gitops" in r.name or "rancher" in r.name or "argocd" in r.name] == []
