"""How `connections` judges load balancers, DNS and rights on Secrets: handmade objects, and a region without charts."""

from typing import Any

import pytest

from components import network
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


DATABASE = "StatefulSet/cockroachdb/cockroachdb"
TARGET = "Deployment/istio-ingress/istio-ingressgateway"


@pytest.mark.parametrize("backup", [False, True])
def test_in_a_region_only_the_database_s_backups_do_not_reach_the_own_gateway(backup: bool) -> None:
    settings = {
        **configured(IOWA),
        "database": {"backup": {"regions": [IOWA[0]] if backup else []}},
        "monitoring": {},
        "gitops": GITOPS,
    }
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
    assert {DATABASE, TARGET} <= {p.maker for p in cluster.pods}
    callers = {p.maker for p in cluster.pods if cluster.policies.lets_out(p, None, 443)}
    assert {"Alertmanager/monitoring/main", "Deployment/argocd/argocd-repo-server"} <= callers
    # Backups go to the cloud's object storage, which no load balancer of the cluster is in front of.
    sentence = f"{DATABASE} may call any address on 443, but not {TARGET} on 8443"
    assert connections.closed_own_load_balancers(cluster) == ([sentence] if backup else [])


SERVICE_ADDRESS = "10.96.0.10"
"""Of `kube-dns` in a cluster made by kubeadm. kube-proxy in iptables mode leaves connections to it to a cache there."""
NODE_CACHE: Manifest = {
    "kind": "DaemonSet",
    "metadata": {"name": "node-local-dns", "namespace": "kube-system"},
    "spec": {
        "template": {
            "metadata": {"labels": {"k8s-app": "node-local-dns"}},
            "spec": {"hostNetwork": True, "containers": [{"name": "node-cache", "ports": [{"containerPort": 53}]}]},
        }
    },
}
"""https://kubernetes.io/docs/tasks/administer-cluster/nodelocaldns/ (`nodelocaldns.yaml`)"""


def cached(**region: Any) -> Cluster:
    """A region of the local stack on nodes with a DNS cache that answers at the Service address of DNS."""
    stack = render("local", {"sacred-council:regions": [{"name": "local", "cloud": "existing", **region}]})
    objects = [*own_objects(stack, "local"), NODE_CACHE]
    caches = {"DNS cache at the Service address": f"{SERVICE_ADDRESS}/32"}
    return cluster_with(objects, cloud="existing", platform=None, dns_caches=caches)


def test_pods_ask_a_dns_cache_at_the_service_address_where_the_region_names_it() -> None:
    closed, opened = cached(), cached(dnsAddresses=[SERVICE_ADDRESS])
    asking = [p.maker for p in closed.pods if p.namespace != "kube-system"]
    assert asking
    assert sorted(connections.without_dns(closed)) == sorted(
        f"{maker}: DNS cache at the Service address, {protocol}" for maker in asking for protocol in ("UDP", "TCP")
    )
    assert connections.without_dns(opened) == []


def test_a_named_dns_cache_is_open_on_the_port_of_dns_only() -> None:
    cluster = cached(dnsAddresses=[SERVICE_ADDRESS])
    redis = next(p for p in cluster.pods if p.namespace == "redis")
    reached = [port for port in (53, 80, 443, 9153) if cluster.policies.lets_out(redis, f"{SERVICE_ADDRESS}/32", port)]
    assert reached == [53]


@pytest.mark.parametrize("caches", [(), ("192.0.2.53/32",)])
def test_without_dns_caches_the_port_of_dns_is_not_open_to_any_address(caches: tuple[str, ...]) -> None:
    # In Kubernetes an empty list of targets means every address.
    rules = network.dns_egress(caches)
    assert [bool(rule.to) for rule in rules] == [True] * (2 + len(caches))


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
