"""Where a region runs. One package per platform; every cluster offers the same outputs.

Nothing here imports the SDK of a cloud: `gke`, `eks` and `aks` each import their own, and no other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import pulumi
import pulumi_kubernetes as k8s

from components.cluster.arguments import AddressRanges, ManagedClusterArgs, NetworkArgs, NodePool

__all__ = [
    "AddressRanges",
    "Cluster",
    "DnsServer",
    "LoadBalancerAnnotations",
    "ManagedClusterArgs",
    "MeshPlatform",
    "NetworkArgs",
    "NodePool",
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
    """Reserved IPv4 `addresses` of a cloud, known before the cluster is, and how a load balancer's Service has them.

    The Service gets `annotations` besides those for public load balancers, and `load_balancer_ip` where it is not None.
    """

    addresses: Sequence[pulumi.Output[str]]
    annotations: Mapping[str, pulumi.Input[str]]
    load_balancer_ip: pulumi.Output[str] | None = None


@dataclass(frozen=True, kw_only=True)
class WorkloadIdentity:
    """Lets the pods of one ServiceAccount act as an identity of the cloud, with no key that could leak.

    `principal` is what a bucket of the same cloud grants access to: an IAM member (Google Cloud), the ARN of a role
    (AWS), or the object id of a managed identity (Azure). The ServiceAccount has `annotations`, its pods `pod_labels`.
    `token_endpoints` (CIDR block, port) are where the pods get their tokens.
    """

    principal: pulumi.Output[str]
    annotations: Mapping[str, pulumi.Input[str]]
    pod_labels: Mapping[str, str]
    token_endpoints: Sequence[tuple[str, int]]


class Cluster(Protocol):
    """What every cluster offers, whatever it is. Above it nobody knows a cloud."""

    @property
    def provider(self) -> k8s.Provider:
        """Deploys to the cluster. What uses it waits until the cluster can run pods and is deleted before them."""

    @property
    def kubeconfig(self) -> pulumi.Output[str] | None:
        """Secret, in JSON: reaches the cluster with the identity of whoever uses it. None: the user has it already."""

    @property
    def found_as(self) -> Mapping[str, pulumi.Output[str]]:
        """What the cloud's command line finds it by: `name`, on Azure also `resourceGroup`. Empty: it has no cloud."""

    @property
    def api_endpoint(self) -> pulumi.Output[str] | None:
        """URL of the Kubernetes API. None where only the user's kubeconfig knows it."""

    @property
    def api_certificate_authority(self) -> pulumi.Output[str] | None:
        """Who signs the API's certificate: PEM in base64, as in a kubeconfig. None like `api_endpoint`."""

    @property
    def egress_addresses(self) -> Sequence[pulumi.Output[str]]:
        """The IPv4 addresses that the region's pods are seen with from outside.

        Empty only where a lone cluster of one's own says none.
        """

    @property
    def storage_class(self) -> str | None:
        """StorageClass for databases (SSD, bound to the pod's zone, can grow). None: the cluster's default."""

    @property
    def load_balancer_annotations(self) -> LoadBalancerAnnotations:
        """Annotations of Services of type LoadBalancer."""

    @property
    def mesh_platform(self) -> MeshPlatform | None:
        """Where Istio's CNI plugin must know the kind of cluster."""

    @property
    def dns_server(self) -> DnsServer:
        """What Prometheus scrapes for the cluster's DNS."""

    def workload_identity(self, *, namespace: str, service_account: str) -> WorkloadIdentity | None:
        """Create an identity for a ServiceAccount, once for each. None: the cluster belongs to no cloud."""
