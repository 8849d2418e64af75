"""Calls to a cluster's own load balancers: Cilium and Calico route these to a pod before they apply policies."""

from functools import cache

import pytest

from components import network
from tests.support.hubs import hub
from tests.support.network_policies import Pods, may_send, may_send_anywhere
from tests.support.regions import IOWA, MIXED, Where, configured
from tests.support.rendering import Rendered, render

pytestmark = pytest.mark.stack

CONTROLLER = {"app.kubernetes.io/name": "cert-manager", "app.kubernetes.io/component": "controller"}
"""Labels of the chart cert-manager."""
GATEWAY = {"app": "istio-ingressgateway", "istio": "ingressgateway"}
"""Labels of Istio's chart for a release of this name."""

BEHIND_KUBERNETES = {"a managed cluster": 443, "kubeadm, k3s, OpenShift": 6443, "minikube": 8443, "MicroK8s": 16443}
"""Port of the API server behind the Service `kubernetes` (443), by kind of cluster."""


@cache
def edge(*regions: Where) -> Rendered:
    """Render a stack of these regions behind a CDN."""
    settings = {**configured(*regions), "edge": {"domain": "example.org", "cdn": "gcp"}}
    return render("multiregion", {f"sacred-council:{key}": value for key, value in settings.items()})


def pods(stack: Rendered, region: str, namespace: str, labels: dict[str, str]) -> Pods:
    """Describe pods in the region's cluster."""
    provider = stack.named(f"{region}-{namespace}-namespace").provider
    return Pods(provider=provider, namespace=namespace, labels=labels)


@pytest.mark.parametrize("where", MIXED)
def test_cert_manager_reaches_the_region_s_own_gateway_behind_its_public_address(where: Where) -> None:
    """cert-manager requests the challenge by the public name first, and calls the authority only after an answer."""
    stack, (region, _) = edge(*MIXED), where
    controller, gateway = pods(stack, region, "cert-manager", CONTROLLER), pods(stack, region, "istio-ingress", GATEWAY)
    service = stack.named(f"{region}-mesh-gateway-release").inputs["values"]["service"]
    behind = {port["port"]: port["targetPort"] for port in service["ports"]}
    assert {outer: may_send(stack, controller, gateway, behind[outer]) for outer in (80, 443)} == {80: True, 443: True}
    # The gateways of other regions have addresses outside this cluster.
    assert may_send_anywhere(stack, controller, 80)
    assert may_send_anywhere(stack, controller, 443)


def test_without_a_public_authority_cert_manager_reaches_no_gateway() -> None:
    stack = hub(*MIXED)
    controller = pods(stack, IOWA[0], "cert-manager", CONTROLLER)
    assert not may_send(stack, controller, pods(stack, IOWA[0], "istio-ingress", GATEWAY), 8080)
    assert not may_send_anywhere(stack, controller, 80)


@pytest.mark.parametrize("port", BEHIND_KUBERNETES.values(), ids=BEHIND_KUBERNETES)
def test_what_calls_the_kubernetes_api_reaches_it_behind_its_service(port: int) -> None:
    assert port in network.API_SERVER_PORTS
    stack = edge(*MIXED)
    callers = [("istio-system", {"app": "istiod"}), ("cert-manager", CONTROLLER)]
    assert all(may_send_anywhere(stack, pods(stack, IOWA[0], *caller), port) for caller in callers)


@pytest.mark.parametrize(("namespace", "port"), [("kube-system", 53), ("openshift-dns", 5353)])
def test_every_namespace_reaches_the_cluster_s_dns_behind_its_service(namespace: str, port: int) -> None:
    stack = edge(*MIXED)
    dns = Pods(provider=stack.named("us-central1-redis-namespace").provider, namespace=namespace, labels={})
    assert may_send(stack, pods(stack, IOWA[0], "redis", {}), dns, port)
