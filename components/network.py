"""Network policies. Every namespace is closed, and each component opens the paths it needs."""

from collections.abc import Mapping, Sequence

import pulumi
import pulumi_kubernetes as k8s

from components.metadata import object_meta
from components.namespaces import OPENSHIFT_DNS, SYSTEM

DNS_PORT = 53
# Some clusters match a Service's port, others the pod's port behind it: rules name both.
DNS_PORTS = {SYSTEM: (DNS_PORT,), OPENSHIFT_DNS: (5353,)}
DNS_CACHES = ("169.254.20.10/32", "169.254.25.10/32")
"""Addresses of DNS caches in the nodes' network, which no selector of pods matches: NodeLocal DNSCache, kubespray.

A cache may also answer at the Service address of DNS, which differs between clusters: `dns_caches` takes it.

https://kubernetes.io/docs/tasks/administer-cluster/nodelocaldns/ and https://kubespray.io (`nodelocaldns_ip`)
"""
CLOUD_DNS = "169.254.169.254/32"
"""Where pods on GKE ask Cloud DNS. The metadata server has the same address, on other ports.

https://cloud.google.com/kubernetes-engine/docs/how-to/cloud-dns
"""
# The Service's port, and the ports behind it: managed clusters, kubeadm and kind, minikube, MicroK8s.
API_SERVER_PORTS = (443, 6443, 8443, 16443)


def _ports(
    numbers: Sequence[pulumi.Input[int]], protocol: str = "TCP"
) -> list[k8s.networking.v1.NetworkPolicyPortArgs]:
    return [k8s.networking.v1.NetworkPolicyPortArgs(port=number, protocol=protocol) for number in numbers]


def peer(
    *, namespace: pulumi.Input[str] | None = None, pods: Mapping[str, str] | None = None
) -> k8s.networking.v1.NetworkPolicyPeerArgs:
    """Match pods with the labels `pods` (default: all) in `namespace` (default: the policy's own)."""
    return k8s.networking.v1.NetworkPolicyPeerArgs(
        namespace_selector=k8s.meta.v1.LabelSelectorArgs(match_labels={"kubernetes.io/metadata.name": namespace})
        if namespace is not None
        else None,
        pod_selector=k8s.meta.v1.LabelSelectorArgs(match_labels=dict(pods or {})),
    )


def cidr(block: pulumi.Input[str]) -> k8s.networking.v1.NetworkPolicyPeerArgs:
    """Match the addresses of `block`, for targets outside the cluster's pods."""
    return k8s.networking.v1.NetworkPolicyPeerArgs(ip_block=k8s.networking.v1.IPBlockArgs(cidr=block))


def ingress(
    ports: Sequence[pulumi.Input[int]], *sources: k8s.networking.v1.NetworkPolicyPeerArgs, protocol: str = "TCP"
) -> k8s.networking.v1.NetworkPolicyIngressRuleArgs:
    """Let `sources` reach `ports`. Without sources, anyone may."""
    return k8s.networking.v1.NetworkPolicyIngressRuleArgs(ports=_ports(ports, protocol), from_=list(sources) or None)


def egress(
    ports: Sequence[pulumi.Input[int]], *targets: k8s.networking.v1.NetworkPolicyPeerArgs, protocol: str = "TCP"
) -> k8s.networking.v1.NetworkPolicyEgressRuleArgs:
    """Let the pods reach `ports` of `targets`. Without targets, they may reach any address."""
    return k8s.networking.v1.NetworkPolicyEgressRuleArgs(ports=_ports(ports, protocol), to=list(targets) or None)


def dns_caches(*, gke: bool, addresses: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the address blocks outside the pods' network where pods may ask for names, each once.

    `gke`: the cluster is a GKE. `addresses`: IPv4 addresses of more caches, such as the Service address of DNS. A cache
    in the nodes' network may answer there itself, and then no selector of pods matches it.
    """
    blocks = (*DNS_CACHES, *([CLOUD_DNS] if gke else []), *(f"{address}/32" for address in addresses))
    return tuple(dict.fromkeys(blocks))


def dns_egress(caches: Sequence[str]) -> list[k8s.networking.v1.NetworkPolicyEgressRuleArgs]:
    """Let the pods ask the cluster's DNS, in every namespace where some kind of cluster runs it, and `caches`."""
    return [
        *(_dns_rule(ports, [peer(namespace=namespace)]) for namespace, ports in DNS_PORTS.items()),
        # A rule without targets would open its ports to every address.
        *([_dns_rule((DNS_PORT,), [cidr(block) for block in caches])] if caches else []),
    ]


def _dns_rule(
    ports: Sequence[int], targets: Sequence[k8s.networking.v1.NetworkPolicyPeerArgs]
) -> k8s.networking.v1.NetworkPolicyEgressRuleArgs:
    return k8s.networking.v1.NetworkPolicyEgressRuleArgs(
        ports=[*_ports(ports, "UDP"), *_ports(ports)], to=list(targets)
    )


def api_server_egress() -> k8s.networking.v1.NetworkPolicyEgressRuleArgs:
    """Let the pods call the Kubernetes API. Its addresses differ between clusters, so only its ports are named."""
    return egress(API_SERVER_PORTS)


def policy(
    resource_name: str,
    *,
    name: str,
    app: str,
    region: str,
    namespace: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
    pods: Mapping[str, str] | None = None,
    ingress: Sequence[k8s.networking.v1.NetworkPolicyIngressRuleArgs] = (),
    egress: Sequence[k8s.networking.v1.NetworkPolicyEgressRuleArgs] = (),
) -> k8s.networking.v1.NetworkPolicy:
    """Create the policy `name` for the pods with labels `pods` (default: all pods of the namespace).

    The policy names only directions that have rules. The namespace's default policy closes the others.
    """
    directions = [kind for kind, rules in (("Ingress", ingress), ("Egress", egress)) if rules]
    return k8s.networking.v1.NetworkPolicy(
        resource_name,
        metadata=object_meta(name, app=app, region=region, namespace=namespace),
        spec=k8s.networking.v1.NetworkPolicySpecArgs(
            pod_selector=k8s.meta.v1.LabelSelectorArgs(match_labels=dict(pods or {})),
            policy_types=directions,
            ingress=list(ingress) or None,
            egress=list(egress) or None,
        ),
        opts=opts,
    )
