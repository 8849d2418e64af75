"""What `connections` finds: handmade objects that break its rules, and a region without its charts."""

from collections.abc import Callable
from typing import Any

import pytest

from components import network
from tests.support import connections, rights
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


def calling(*rules: dict[str, Any]) -> list[Manifest]:
    """A caller that may connect by `rules`, and a gateway with port 8443 behind 443."""
    return [
        deployment("a", "caller", {"app": "caller"}),
        deployment("b", "gateway", {"app": "gateway"}, 8443),
        load_balancer("b", {"app": "gateway"}, [{"port": 443, "targetPort": 8443}]),
        egress(*rules),
    ]


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
    found = connections.closed_own_load_balancers(cluster_with(calling(*rules), cloud="existing", platform=None))
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
    assert rights.secret_readers(cluster) == (["a/who"] if reads else [])


def cut_off(manifest: Manifest) -> tuple[Manifest, Manifest]:
    """The object, and a policy that closes all pods of its namespace."""
    metadata = {"name": "closed", "namespace": manifest["metadata"]["namespace"]}
    spec = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    return manifest, {"kind": "NetworkPolicy", "metadata": metadata, "spec": spec}


def custom(kind: str, name: str, namespace: str | None = "a", **content: Any) -> Manifest:
    return {"kind": kind, "metadata": {"name": name, **({"namespace": namespace} if namespace else {})}, **content}


def service(namespace: str) -> Manifest:
    """A Service of the pods `server`: port 80 (`http`) leads to their port 8080."""
    labels = {"app": "server"}
    ports = [{"name": "http", "port": 80, "targetPort": 8080}]
    metadata = {"name": "server", "namespace": namespace, "labels": labels}
    return {"kind": "Service", "metadata": metadata, "spec": {"selector": labels, "ports": ports}}


def monitor(**endpoint: Any) -> Manifest:
    spec = {"selector": {"matchLabels": {"app": "server"}}, "endpoints": [{"port": "http", **endpoint}]}
    return custom("ServiceMonitor", "server", spec=spec)


def workload(name: str, *, labels: dict[str, str] | None = None, **spec: Any) -> Manifest:
    """A Deployment in namespace `a`. `spec` is added to that of its pods."""
    made = deployment("a", name, {"app": name, **(labels or {})}, 8080)
    made["spec"]["template"]["spec"].update(spec)
    return made


SERVER = (deployment("b", "server", {"app": "server"}, 8080), service("b"))
CALLER = cut_off(workload("caller"))
MESHED = cut_off(workload("caller", labels={"sidecar.istio.io/inject": "true"}))
TOLD_THE_ADDRESS = [{"name": "caller", "env": [{"name": "URL", "value": "http://server.b"}]}]
NO_WAY = ["Deployment/a/caller may not connect to Deployment/b/server on 8080"]
ALERTMANAGERS = [{"name": "alertmanager", "namespace": "m", "port": "web"}]
PROMETHEUS = custom("Prometheus", "p", "m", spec={"portName": "web", "alerting": {"alertmanagers": ALERTMANAGERS}})
ALERT = {"alert": "Down", "expr": 'up{job="gone",namespace="gone"} == 0'}
ALERTS = custom("PrometheusRule", connections.OUR_RULES, spec={"groups": [{"rules": [ALERT]}]})
UP_IS_DROPPED = {"action": "drop", "sourceLabels": ["__name__"], "regex": "up"}
WEBHOOK = {"name": "x", "clientConfig": {"service": {"name": "server", "namespace": "a", "port": 80}}}
ADMINISTRATOR = {
    "roleRef": {"kind": "ClusterRole", "name": "cluster-admin"},
    "subjects": [{"kind": "ServiceAccount", "name": "who", "namespace": "a"}],
}
MESH = "extensionProviders: [{opentelemetry: {service: server.b.svc.cluster.local, port: 80}}]"
ROUTE = {"destination": {"host": "server.b.svc.cluster.local", "port": {"number": 80}}}
DNS_SERVERS = ("DNS", "NodeLocal DNSCache", "NodeLocal DNSCache of kubespray")
WORKERS = deployment("a", "workers", {"strimzi.io/component-type": "kafka-mirror-maker-2"}, 8083)

BROKEN: dict[Callable[[Cluster], list[str]], tuple[list[Manifest], list[str]]] = {
    connections.monitors_without_targets: (
        [monitor()],
        [
            "ServiceMonitor/a/server: no Prometheus selects it",
            "ServiceMonitor/a/server: no Service has its labels",
        ],
    ),
    connections.closed_scrapes: (
        [PROMETHEUS, *cut_off(workload("server")), service("a"), monitor()],
        ["ServiceMonitor/a/server: Deployment/a/server does not admit Prometheus/m/p on 8080"],
    ),
    connections.unknown_jobs: ([ALERTS, service("a"), monitor()], ["Down: no monitor gives the job gone"]),
    connections.unknown_namespaces: ([ALERTS, custom("Namespace", "a", None)], ["Down: gone"]),
    connections.dropped_metrics: ([ALERTS, monitor(metricRelabelings=[UP_IS_DROPPED])], ["Down: up is dropped"]),
    connections.idle_policies: ([workload("other"), egress(TO_GATEWAY)], ["NetworkPolicy/a/caller"]),
    connections.empty_policies: ([workload("caller"), egress()], ["NetworkPolicy/a/caller"]),
    connections.closed_webhooks: (
        [
            *cut_off(workload("server")),
            service("a"),
            custom("ValidatingWebhookConfiguration", "w", None, webhooks=[WEBHOOK]),
        ],
        ["ValidatingWebhookConfiguration/w x: Deployment/a/server does not admit the API server on 8080"],
    ),
    connections.without_dns: (
        [*CALLER],
        [f"Deployment/a/caller: {name}, {protocol}" for name in DNS_SERVERS for protocol in ("UDP", "TCP")],
    ),
    connections.without_api: (
        [
            *cut_off(workload("caller", serviceAccountName="who")),
            custom("ClusterRoleBinding", "who", None, **ADMINISTRATOR),
        ],
        [f"Deployment/a/caller: {port}" for port in (443, 6443, 8443, 16443)],
    ),
    connections.closed_addresses: ([*SERVER, *cut_off(workload("caller", containers=TOLD_THE_ADDRESS))], NO_WAY),
    connections.closed_proxies: (
        [*MESHED, deployment("istio-system", "istiod", {"app": "istiod"}, 15012)],
        ["Deployment/a/caller may not connect to Deployment/istio-system/istiod on 15012"],
    ),
    connections.closed_traces: ([*SERVER, *MESHED, custom("ConfigMap", "istio", "i", data={"mesh": MESH})], NO_WAY),
    connections.closed_routes: (
        [
            *SERVER,
            *CALLER,
            custom("Gateway", "g", spec={"selector": {"app": "caller"}}),
            custom("VirtualService", "r", spec={"gateways": ["a/g"], "http": [{"route": [ROUTE]}]}),
        ],
        NO_WAY,
    ),
    connections.closed_alerts: ([PROMETHEUS], ["no Alertmanager"]),
    connections.closed_load_balancers: (
        [*cut_off(workload("server")), load_balancer("a", {"app": "server"}, [{"port": 443, "targetPort": 8080}])],
        [
            "Service/a/balancer: Deployment/a/server does not admit 0.0.0.0/0 on 8080",
            "Service/a/balancer: nodes hide who calls, and Deployment/a/server admits some only",
        ],
    ),
    connections.lost_networks: (
        [{"kind": "Secret", "metadata": {"name": "r", "namespace": "a", "labels": {"istio/multiCluster": "true"}}}],
        ["0 Services have the label topology.istio.io/network"],
    ),
    connections.closed_own_load_balancers: (
        calling({"ports": [{"port": 443}]}),
        ["Deployment/a/caller may call any address on 443, but not Deployment/b/gateway on 8443"],
    ),
    connections.closed_brokers: (
        [*cut_off(WORKERS)],
        [
            "Deployment/a/workers does not admit Deployment/a/workers on 8083",
            "Deployment/a/workers may not connect to Deployment/a/workers on 8083",
        ],
    ),
}
"""For each rule: the objects of a cluster that breaks it, and what the rule finds there."""


@pytest.mark.parametrize("rule", connections.RULES, ids=lambda rule: str(rule.__name__))
def test_every_rule_finds_what_breaks_it(rule: Callable[[Cluster], list[str]]) -> None:
    objects, expected = BROKEN[rule]
    assert rule(cluster_with(objects, cloud="existing", platform=None)) == expected


def test_a_crash_loop_that_no_alert_covers_is_found() -> None:
    there = cluster_with([workload("server"), ALERTS], cloud="existing", platform=None)
    assert connections.silent_loops(there, "Down") == ["a", "kube-system"]
