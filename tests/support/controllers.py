"""The objects that controllers make from a cluster's objects, and those that every cluster has.

Sources: the documentation of Kubernetes (v1.35), of the Prometheus operator (v0.93: labels, ports and security contexts
of its pods, and its Service of the kubelets), and of Istio (1.30: the injected containers, and the pods that get them);
and the pods of managed clusters in kube-system. `strimzi_objects` has those of Strimzi.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from components import namespaces
from components.namespaces import SYSTEM
from tests.support import strimzi_objects
from tests.support.manifests import Manifest, pod_templates
from tests.support.network_rules import Pods, Port, containers

API_PORTS = {"gcp": (443,), "aws": (443,), "azure": (443,), "existing": (443, 6443, 8443, 16443)}
"""Ports on which pods reach the API server behind its Service. Existing clusters: k3s and kubeadm 6443, minikube 8443,
MicroK8s 16443."""
KUBELET_PORTS = {"https-metrics": 10250, "http-metrics": 10255, "cadvisor": 4194}

DNS = "DNS"
"""The maker of the pods that answer DNS."""
DNS_LABELS = {"k8s-app": "kube-dns"}
_DNS = (Port(name="dns", number=53, protocol="UDP"), Port(name="dns-tcp", number=53))
COREDNS = Pods(
    maker=DNS, namespace=SYSTEM, labels=DNS_LABELS, spec={}, ports=(*_DNS, Port(name="metrics", number=9153))
)
KUBE_DNS = replace(
    COREDNS, ports=(*_DNS, Port(name="sidecar-metrics", number=10054), Port(name="kubedns-metrics", number=10055))
)
OPENSHIFT_DNS = replace(
    COREDNS,
    namespace=namespaces.OPENSHIFT_DNS,
    labels={"dns.operator.openshift.io/daemonset-dns": "default"},
    ports=(
        Port(name="dns", number=5353, protocol="UDP"),
        Port(name="dns-tcp", number=5353),
        Port(name="metrics", number=9154),
    ),
)
DNS_PODS = {"gke": KUBE_DNS, "openshift": OPENSHIFT_DNS}
"""The pods that answer DNS by kind of cluster. All others have CoreDNS.

Sources: https://cloud.google.com/kubernetes-engine/docs/how-to/kube-dns (same label as CoreDNS), and the DaemonSet of
https://github.com/openshift/cluster-dns-operator.
"""

DNS_CACHES = {
    "NodeLocal DNSCache": "169.254.20.10/32",
    "NodeLocal DNSCache of kubespray": "169.254.25.10/32",
}
"""DNS servers in the nodes' network, which some clusters give to pods in place of the cluster's own.

Sources: https://kubernetes.io/docs/tasks/administer-cluster/nodelocaldns/ (`__PILLAR__LOCAL__DNS__`), and
`nodelocaldns_ip` in kubespray's defaults.
"""
CLOUD_DNS = {"Cloud DNS": "169.254.169.254/32"}
"""Source: https://cloud.google.com/kubernetes-engine/docs/how-to/cloud-dns. Only GKE has it."""
DNS_PORT = 53

PROXY_METRICS = 15090
PROXY_PORTS = [
    {"name": "http-envoy-prom", "containerPort": PROXY_METRICS},
    {"name": "status-port", "containerPort": 15021},
]
CONFINED = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
PROXY = {
    "name": "istio-proxy",
    "ports": PROXY_PORTS,
    # With the CNI plugin, no injected container needs more rights.
    "securityContext": {**CONFINED, "runAsNonRoot": True, "runAsUser": 1337},
}


def pods(objects: Sequence[Manifest], namespaces: Mapping[str, Mapping[str, str]]) -> Iterator[Pods]:
    """The pods of the objects, with their injected sidecars."""
    templates = [(maker, _namespace(maker), template) for maker, template in pod_templates(list(objects))]
    operated = [_operated(each) for each in objects if each["kind"] in {"Prometheus", "Alertmanager"}]
    for maker, namespace, template in [*templates, *operated, *strimzi_objects.pods(objects)]:
        labels = template.get("metadata", {}).get("labels", {})
        spec = template["spec"]
        if _injected(labels, namespaces.get(namespace, {})):
            spec = _with_proxy(spec)
        yield Pods(
            maker=maker,
            namespace=namespace,
            labels=labels,
            spec=spec,
            ports=_ports(spec),
            host_network=bool(spec.get("hostNetwork")),
        )


def meshed(pods: Pods) -> bool:
    """Whether the pods' connections go through a proxy of the mesh."""
    return any(each["name"] == PROXY["name"] for each in pods.spec.get("containers", []))


SECRET_READING_ROLES = {"cluster-admin", "admin", "edit"}
"""ClusterRoles of every cluster that may read Secrets. `view` may not.

Source: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#user-facing-roles
"""

TAKEN_PORTS = {"openshift": {9100, 9101, 9102, 9103, 9537, 10010, 10250, 10255, 10256, 10263}}
"""Host ports that every node of a kind of cluster already uses.

Source: https://github.com/openshift/enhancements/blob/master/dev-guide/host-port-registry.md
"""


def brought(dns: Pods) -> list[Manifest]:
    """Services that every cluster has, and their namespaces. `dns` are the pods that answer DNS."""
    api = {"component": "apiserver", "provider": "kubernetes"}
    ports = [
        {"name": port.name, "port": 53, "targetPort": port.number, "protocol": port.protocol} for port in dns.ports[:2]
    ]
    return [
        _service("kubernetes", "default", api, {"ports": [{"name": "https", "port": 443, "targetPort": 443}]}),
        _service("kube-dns", dns.namespace, dns.labels, {"selector": dict(dns.labels), "ports": ports}),
        *(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
            for name in sorted({SYSTEM, dns.namespace})
        ),
    ]


def dns_pods(platform: str | None) -> Pods:
    """The pods that answer DNS in a cluster of this kind."""
    return DNS_PODS.get(platform or "", COREDNS)


def dns_caches(platform: str | None) -> Mapping[str, str]:
    """The DNS servers outside the pods' network that a cluster of this kind may have: addresses by their names."""
    return {**DNS_CACHES, **(CLOUD_DNS if platform == "gke" else {})}


def kubelet_services(objects: Sequence[Manifest]) -> list[Manifest]:
    """The Service of all kubelets, which the Prometheus operator maintains if its arguments name one."""
    flag = "--kubelet-service="
    named = [
        argument.removeprefix(flag)
        for _, template in pod_templates(list(objects))
        for container in template["spec"]["containers"]
        for argument in container.get("args", [])
        if str(argument).startswith(flag)
    ]
    labels = {"k8s-app": "kubelet", "app.kubernetes.io/name": "kubelet"}
    ports = [{"name": name, "port": number, "targetPort": number} for name, number in KUBELET_PORTS.items()]
    return [_service(name.split("/")[1], name.split("/")[0], labels, {"ports": ports}) for name in named]


def _service(name: str, namespace: str, labels: Mapping[str, str], spec: Mapping[str, Any]) -> Manifest:
    metadata = {"name": name, "namespace": namespace, "labels": dict(labels)}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": dict(spec)}


def _namespace(maker: str) -> str:
    return maker.split("/")[1]


def _ports(spec: Mapping[str, Any]) -> list[Port]:
    return [
        Port(name=port.get("name", ""), number=int(port["containerPort"]), protocol=port.get("protocol", "TCP"))
        for container in containers(spec)
        for port in container.get("ports", [])
    ]


def _injected(labels: Mapping[str, str], namespace: Mapping[str, str]) -> bool:
    """Whether Istio injects a proxy: the pod's own label decides, else that of its namespace."""
    own = labels.get("sidecar.istio.io/inject")
    return own == "true" if own is not None else namespace.get("istio-injection") == "enabled"


def _with_proxy(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The pod spec with the proxy. A gateway has a container of its name already, whose settings stay."""
    theirs = {each["name"]: each for each in spec["containers"]}
    own = theirs.pop(PROXY["name"], {})
    proxy = {**PROXY, **own, "ports": [*own.get("ports", []), *PROXY_PORTS]}
    return {**spec, "containers": [*theirs.values(), proxy]}


def _operated(manifest: Manifest) -> tuple[str, str, dict[str, Any]]:
    """The pods of a Prometheus or an Alertmanager."""
    kind, metadata, spec = manifest["kind"], manifest["metadata"], manifest["spec"]
    name, word = metadata["name"], kind.lower()
    labels = {
        "app.kubernetes.io/managed-by": "prometheus-operator",
        "app.kubernetes.io/instance": name,
        "app.kubernetes.io/name": word,
        word: name,
        "operator.prometheus.io/name": name,
        **spec.get("podMetadata", {}).get("labels", {}),
    }
    main = {"Prometheus": {spec["portName"]: 9090}, "Alertmanager": {spec["portName"]: 9093, "mesh-tcp": 9094}}
    made = [(word, main[kind]), ("config-reloader", {"reloader-web": 8080})]
    if "thanos" in spec:
        made.append(("thanos-sidecar", {"http": 10902, "grpc": 10901}))
    pod = {
        "serviceAccountName": spec.get("serviceAccountName"),
        "securityContext": spec.get("securityContext", {}),
        "containers": [_container(name, ports) for name, ports in made] + list(spec.get("containers", [])),
        "volumes": list(spec.get("volumes", [])),
    }
    template = {"metadata": {"labels": labels}, "spec": pod}
    return f"{kind}/{metadata['namespace']}/{name}", metadata["namespace"], template


def _container(name: str, ports: Mapping[str, int]) -> dict[str, Any]:
    listed = [{"name": port, "containerPort": number} for port, number in ports.items()]
    return {"name": name, "ports": listed, "securityContext": CONFINED}
