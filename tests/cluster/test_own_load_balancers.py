"""Calls to a cluster's own load balancers: Cilium and Calico route these to a pod before they apply policies."""

from functools import cache

import pytest

from components import network
from tests.support.hubs import GITOPS, hub
from tests.support.network_policies import Pods, may_send, may_send_anywhere, may_send_to
from tests.support.regions import IOWA, MIXED, Where, configured, targets
from tests.support.rendering import TOLD, Rendered, render

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


@cache
def told() -> Rendered:
    """Render a stack whose alerts have a receiver."""
    settings = {f"sacred-council:{key}": value for key, value in {**configured(*MIXED), "monitoring": {}}.items()}
    return render("multiregion", settings, secrets=TOLD)


def behind(stack: Rendered, region: str) -> dict[int, int]:
    """Return the port of the public gateway's pods by port of its load balancer."""
    service = stack.named(f"{region}-mesh-gateway-release").inputs["values"]["service"]
    return {port["port"]: port["targetPort"] for port in service["ports"]}


@pytest.mark.parametrize("where", MIXED)
def test_cert_manager_reaches_the_region_s_own_gateway_behind_its_public_address(where: Where) -> None:
    """cert-manager requests the challenge by the public name first, and calls the authority only after an answer."""
    stack, (region, _) = edge(*MIXED), where
    controller, gateway = pods(stack, region, "cert-manager", CONTROLLER), pods(stack, region, "istio-ingress", GATEWAY)
    inner = behind(stack, region)
    assert {outer: may_send(stack, controller, gateway, inner[outer]) for outer in (80, 443)} == {80: True, 443: True}
    # The gateways of other regions have addresses outside this cluster.
    assert may_send_anywhere(stack, controller, 80)
    assert may_send_anywhere(stack, controller, 443)


@pytest.mark.parametrize("where", MIXED)
def test_alertmanager_reaches_a_receiver_behind_the_region_s_own_gateway(where: Where) -> None:
    (region, _), stack = where, told()
    alertmanager = pods(stack, region, "monitoring", {"app.kubernetes.io/name": "alertmanager"})
    assert may_send(stack, alertmanager, pods(stack, region, "istio-ingress", GATEWAY), behind(stack, region)[443])
    assert may_send_anywhere(stack, alertmanager, 443)


def test_without_a_receiver_alertmanager_reaches_no_gateway() -> None:
    stack, region = targets(*MIXED), IOWA[0]
    alertmanager = pods(stack, region, "monitoring", {"app.kubernetes.io/name": "alertmanager"})
    assert not may_send(stack, alertmanager, pods(stack, region, "istio-ingress", GATEWAY), 8443)


@pytest.mark.parametrize(("port", "reaches"), [("", True), (":9443", False)])
def test_argo_cd_reaches_git_behind_the_region_s_own_gateway(port: str, reaches: bool) -> None:
    """The gateway's load balancer has no other HTTPS port than 443."""
    repository = {"url": f"https://git.example.org{port}/council/platform.git"}
    stack, region = hub(*MIXED, gitops={**GITOPS, "repository": repository}), IOWA[0]
    git = pods(stack, region, "argocd", {"app.kubernetes.io/name": "argocd-repo-server"})
    gateway = pods(stack, region, "istio-ingress", GATEWAY)
    assert may_send(stack, git, gateway, behind(stack, region)[443]) is reaches


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


CACHES = {"NodeLocal DNSCache": "169.254.20.10", "kubespray": "169.254.25.10"}
"""Addresses in the nodes' network that pods ask for names.

https://kubernetes.io/docs/tasks/administer-cluster/nodelocaldns/; `nodelocaldns_ip` of kubespray.
"""
CLOUD_DNS = "169.254.169.254"
"""Cloud DNS on GKE, and the metadata server of every cloud, on port 80."""


@pytest.mark.parametrize("address", CACHES.values(), ids=CACHES)
@pytest.mark.parametrize("protocol", ["UDP", "TCP"])
def test_every_namespace_reaches_a_dns_cache_in_the_nodes_network(address: str, protocol: str) -> None:
    stack = edge(*MIXED)
    for namespace in stack.some_objects("Namespace"):
        some = Pods(provider=namespace.provider, namespace=namespace.inputs["metadata"]["name"], labels={})
        assert may_send_to(stack, some, address, 53, protocol)
        assert not may_send_to(stack, some, address, 80)


def test_pods_on_gke_reach_cloud_dns_and_nobody_reaches_a_metadata_server() -> None:
    stack = edge(*MIXED)
    asked = {
        region: [may_send_to(stack, pods(stack, region, "redis", {}), CLOUD_DNS, 53, p) for p in ("UDP", "TCP")]
        for region, _ in MIXED
    }
    assert asked == {region: [cloud == "gcp"] * 2 for region, cloud in MIXED}
    assert not any(may_send_to(stack, pods(stack, region, "redis", {}), CLOUD_DNS, 80) for region, _ in MIXED)


@pytest.mark.parametrize(("platform", "reaches"), [("gke", True), ("k3s", False), (None, False)])
def test_an_existing_cluster_reaches_cloud_dns_if_it_is_gke(platform: str | None, reaches: bool) -> None:
    region = {"name": "local", "cloud": "existing", **({"platform": platform} if platform else {})}
    stack = render("local", {"sacred-council:regions": [region]})
    assert may_send_to(stack, pods(stack, "local", "redis", {}), CLOUD_DNS, 53, "UDP") is reaches


@pytest.mark.parametrize(("namespace", "port"), [("kube-system", 53), ("openshift-dns", 5353)])
def test_every_namespace_reaches_the_cluster_s_dns_behind_its_service(namespace: str, port: int) -> None:
    stack = edge(*MIXED)
    dns = Pods(provider=stack.named("us-central1-redis-namespace").provider, namespace=namespace, labels={})
    assert may_send(stack, pods(stack, IOWA[0], "redis", {}), dns, port)
