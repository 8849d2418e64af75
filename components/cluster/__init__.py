"""Where a region runs. One package per platform; every cluster offers the same outputs.

Nothing here imports the SDK of a cloud: `gke`, `eks` and `aks` each import their own, and no other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import pulumi
import pulumi_kubernetes as k8s

__all__ = [
    "Cluster",
    "ClusterOutputs",
    "DnsServer",
    "LoadBalancerAnnotations",
    "MeshPlatform",
    "PublicAddress",
    "WorkloadIdentity",
]

MeshPlatform = Literal["gke", "k3d", "k3s", "microk8s", "minikube", "openshift"]
"""Kinds of cluster whose directories are not a plain kubelet's: what Istio's charts know as `global.platform`."""

DnsServer = Literal["coredns", "kube-dns"]
"""What answers the DNS queries of a cluster's pods. Both have the label `k8s-app: kube-dns`, not the same metrics."""


@dataclass(frozen=True, kw_only=True)
class LoadBalancerAnnotations:
    """Annotations of Services of type LoadBalancer: to be reached from everywhere, or from the region's network."""

    public: Mapping[str, str]
    internal: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class PublicAddress:
    """Reserved IPv4 addresses of a cloud, known before the cluster is, and how a load balancer's Service has them."""

    addresses: Sequence[pulumi.Output[str]]
    annotations: Mapping[str, pulumi.Input[str]]
    """What the Service gets besides the annotations of public load balancers."""
    load_balancer_ip: pulumi.Output[str] | None = None
    """The Service's field of that name, where it is not None."""


@dataclass(frozen=True, kw_only=True)
class WorkloadIdentity:
    """Lets the pods of one ServiceAccount act as an identity of the cloud, with no key that could leak."""

    principal: pulumi.Output[str]
    """What a bucket of the same cloud grants access to: an IAM member (Google Cloud), the ARN of a role (AWS), or the
    object id of a managed identity (Azure)."""
    annotations: Mapping[str, pulumi.Input[str]]
    """Of the ServiceAccount."""
    pod_labels: Mapping[str, str]
    """Of its pods."""
    token_endpoints: Sequence[tuple[str, int]]
    """Where the pods get their tokens: CIDR block and port."""


@dataclass(frozen=True, kw_only=True)
class ClusterOutputs:
    """What every cluster gives, wherever it runs. Whoever reads it knows no cloud."""

    provider: k8s.Provider
    """Deploys to the cluster. What uses it waits until the cluster can run pods and is deleted before them."""
    kubeconfig: pulumi.Output[str] | None = None
    """Secret, in JSON: reaches the cluster with the identity of whoever uses it. None: the user has it already."""
    found_as: Mapping[str, pulumi.Output[str]] = field(default_factory=dict)
    """What the cloud's command line finds it by: `name`, on Azure also `resourceGroup`. Empty: it has no cloud."""
    api_endpoint: pulumi.Output[str] | None = None
    """URL of the Kubernetes API. None where only the user's kubeconfig knows it."""
    api_certificate_authority: pulumi.Output[str] | None = None
    """Who signs the API's certificate: PEM in base64, as in a kubeconfig. None like `api_endpoint`."""
    egress_addresses: Sequence[pulumi.Output[str]]
    """The IPv4 addresses that the region's pods are seen with from outside.

    Empty only for a single `existing` region without `egressAddresses`.
    """
    storage_class: str | None = None
    """StorageClass for databases (SSD, bound to the pod's zone, can grow). None: the cluster's default."""
    load_balancer_annotations: LoadBalancerAnnotations
    mesh_platform: MeshPlatform | None = None
    """Where Istio's CNI plugin must know the kind of cluster."""
    dns_server: DnsServer
    """What Prometheus scrapes for the cluster's DNS."""


class Cluster(Protocol):
    """A cluster, whatever it is. Above it nobody knows a cloud."""

    @property
    def outputs(self) -> ClusterOutputs:
        """What the cluster gives."""

    def workload_identity(self, *, namespace: str, service_account: str) -> WorkloadIdentity | None:
        """Create an identity for a ServiceAccount, once for each. None: the cluster belongs to no cloud."""
