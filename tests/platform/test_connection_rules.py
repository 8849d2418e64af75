"""How `connections` judges load balancers and rights on Secrets: handmade objects, and a region without its charts."""

from typing import Any

import pytest

from tests.support import connections
from tests.support.cluster_objects import Cluster, cluster_with, own_objects
from tests.support.hubs import GITOPS
from tests.support.manifests import Manifest
from tests.support.regions import IOWA, configured
from tests.support.rendering import TOLD, render

pytestmark = pytest.mark.stack

GATEWAY = {"app": "istio-ingressgateway", "istio": "ingressgateway"}
REPO_SERVER = {"app.kubernetes.io/name": "argocd-repo-server"}


def deployment(namespace: str, name: str, labels: dict[str, str], *ports: int) -> Manifest:
    container = {"name": name, "ports": [{"containerPort": port} for port in ports]}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    metadata = {"name": name, "namespace": namespace}
    return {"kind": "Deployment", "metadata": metadata, "spec": {"template": template}}


def load_balancer(namespace: str, selector: dict[str, str], ports: list[dict[str, Any]]) -> Manifest:
    spec = {"type": "LoadBalancer", "selector": selector, "ports": ports}
    return {"kind": "Service", "metadata": {"name": "balancer", "namespace": namespace}, "spec": spec}


def egress(*rules: dict[str, Any]) -> Manifest:
    spec = {"podSelector": {"matchLabels": {"app": "caller"}}, "policyTypes": ["Egress"], "egress": list(rules)}
    return {"kind": "NetworkPolicy", "metadata": {"name": "caller", "namespace": "a"}, "spec": spec}


def calling(*rules: dict[str, Any]) -> Cluster:
    """A cluster with a caller that may connect by `rules`, and a gateway with port 8443 behind 443."""
    objects = [
        deployment("a", "caller", {"app": "caller"}),
        deployment("b", "gateway", {"app": "gateway"}, 8443),
        load_balancer("b", {"app": "gateway"}, [{"port": 443, "targetPort": 8443}]),
        egress(*rules),
    ]
    return cluster_with(objects, cloud="existing", platform=None)


TO_GATEWAY = {
    "to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "b"}}, "podSelector": {}}],
    "ports": [{"port": 8443}],
}


@pytest.mark.parametrize(
    ("rules", "closed"),
    [
        ([{"ports": [{"port": 443}]}], True),
        ([{"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}], "ports": [{"port": 443}]}], True),
        ([{"ports": [{"port": 443}]}, TO_GATEWAY], False),
        ([{"ports": [{"port": 443}, {"port": 8443}]}], False),
        ([{"to": [{"ipBlock": {"cidr": "192.0.2.0/24"}}], "ports": [{"port": 443}]}], False),
        ([{"ports": [{"port": 80}]}], False),
    ],
)
def test_who_calls_any_address_must_reach_the_pods_behind_the_own_load_balancer(
    rules: list[dict[str, Any]], closed: bool
) -> None:
    found = connections.closed_own_load_balancers(calling(*rules))
    assert found == (
        ["Deployment/a/caller may call any address on 443, but not Deployment/b/gateway on 8443"] if closed else []
    )


def test_in_a_region_only_the_database_s_backups_do_not_reach_the_own_gateway() -> None:
    settings = {**configured(IOWA), "monitoring": {}, "gitops": GITOPS}
    stack = render("multiregion", {f"sacred-council:{key}": value for key, value in settings.items()}, secrets=TOLD)
    service = stack.named(f"{IOWA[0]}-mesh-gateway-release").inputs["values"]["service"]
    alertmanager = {"name": "main", "namespace": "monitoring"}
    objects = [
        *own_objects(stack, IOWA[0]),
        deployment("istio-ingress", "istio-ingressgateway", GATEWAY, 8080, 8443),
        load_balancer("istio-ingress", GATEWAY, service["ports"]),
        deployment("argocd", "argocd-repo-server", REPO_SERVER),
        {"kind": "Alertmanager", "metadata": alertmanager, "spec": {"portName": "web"}},
    ]
    cluster = cluster_with(objects, cloud="gcp", platform="gke")
    callers = {p.maker for p in cluster.pods if cluster.policies.lets_out(p, None, 443)}
    assert {"Alertmanager/monitoring/main", "Deployment/argocd/argocd-repo-server"} <= callers
    found = connections.closed_own_load_balancers(cluster)
    assert {sentence.partition(" ")[0] for sentence in found} <= {"StatefulSet/cockroachdb/cockroachdb"}


def bound(kind: str, role: str, rule: dict[str, list[str]] | None, *, place: str = "a") -> Cluster:
    """A cluster with a role that has this rule (None: the role is the cluster's), and an account `a/who` with it."""
    metadata = {"name": "binding", **({"namespace": place} if kind == "RoleBinding" else {})}
    subject = {"kind": "ServiceAccount", "name": "who", "namespace": "a"}
    ref = {"kind": "ClusterRole", "name": role}
    binding = {"kind": kind, "metadata": metadata, "roleRef": ref, "subjects": [subject]}
    roles = [{"kind": "ClusterRole", "metadata": {"name": role}, "rules": [rule]}] if rule else []
    return cluster_with([*roles, binding], cloud="existing", platform=None)


LIST = {"apiGroups": [""], "resources": ["pods", "secrets"], "verbs": ["list"]}


@pytest.mark.parametrize(
    ("cluster", "reads"),
    [
        (bound("ClusterRoleBinding", "own", LIST), True),
        (bound("ClusterRoleBinding", "own", {**LIST, "resources": ["*"]}), True),
        (bound("ClusterRoleBinding", "own", {**LIST, "apiGroups": ["apps"]}), False),
        (bound("ClusterRoleBinding", "own", {**LIST, "resources": ["pods"]}), False),
        (bound("ClusterRoleBinding", "own", {**LIST, "verbs": ["create", "delete"]}), False),
        (bound("ClusterRoleBinding", "cluster-admin", None), True),
        (bound("ClusterRoleBinding", "view", None), False),
        (bound("RoleBinding", "own", LIST), False),
        (bound("RoleBinding", "own", LIST, place="b"), True),
    ],
)
def test_an_account_reads_secrets_elsewhere_by_its_roles_and_where_they_are_bound(
    cluster: Cluster, reads: bool
) -> None:
    assert connections.secret_readers(cluster) == (["a/who"] if reads else [])
