"""A region's cluster, with one package per platform. Every cluster offers the same outputs.

This module imports no cloud's SDK. `gke`, `eks` and `aks` each import only their own.
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
    "MeshPlatform",
    "PublicAddress",
    "WorkloadIdentity",
]

MeshPlatform = Literal["gke", "k3d", "k3s", "microk8s", "minikube", "openshift"]
"""Kinds of cluster whose directories differ from a plain kubelet's: values of `global.platform` in Istio's charts."""

DnsServer = Literal["coredns", "kube-dns"]
"""DNS server of a cluster. Both have the label `k8s-app: kube-dns`, but their metrics differ."""


@dataclass(frozen=True, kw_only=True)
class PublicAddress:
    """Reserved IPv4 addresses of a cloud, known before the cluster is, and the Service fields that select them."""

    addresses: Sequence[pulumi.Output[str]]
    annotations: Mapping[str, pulumi.Input[str]]
    """Further annotations of the Service, besides those of public load balancers."""
    load_balancer_ip: pulumi.Output[str] | None = None
    """The Service's field of the same name. None: leave it out."""
    shared: bool = False
    """Whether two Services may have the address, one for TCP and one for UDP."""


@dataclass(frozen=True, kw_only=True)
class WorkloadIdentity:
    """Lets the pods of one ServiceAccount act as a cloud identity, without a key that could leak."""

    principal: pulumi.Output[str]
    """The grantee for buckets of the same cloud: an IAM member (Google Cloud), a role's ARN (AWS), or the object ID of
    a managed identity (Azure)."""
    annotations: Mapping[str, pulumi.Input[str]]
    """Annotations of the ServiceAccount."""
    pod_labels: Mapping[str, str]
    """Labels of its pods."""
    token_endpoints: Sequence[tuple[str, int]]
    """Where the pods get their tokens: CIDR block and port."""


@dataclass(frozen=True, kw_only=True)
class ClusterOutputs:
    """The outputs of every cluster. They hide the cloud."""

    provider: k8s.Provider
    """Deploys to the cluster. Its resources are created once pods can run, and deleted before the nodes."""
    found_as: Mapping[str, pulumi.Output[str]] = field(default_factory=dict)
    """Arguments for the cloud's command line: `name`, on Azure also `resourceGroup`. Empty: no cloud."""
    api_endpoint: pulumi.Output[str] | None = None
    """URL of the Kubernetes API. None: only the user's kubeconfig contains it."""
    api_certificate_authority: pulumi.Output[str] | None = None
    """Authority that signs the API's certificate: PEM in base64, as in a kubeconfig. None like `api_endpoint`."""
    egress_addresses: Sequence[pulumi.Output[str]]
    """Source IPv4 addresses of the region's pods outside the region.

    Empty only for a single `existing` region without `egressAddresses`.
    """
    storage_class: str | None = None
    """StorageClass for databases (SSD, bound to the pod's zone, can grow). None: the cluster's default."""
    load_balancer_annotations: Mapping[str, str] = field(default_factory=dict)
    """Annotations of Services of type LoadBalancer that face the internet."""
    mesh_platform: MeshPlatform | None = None
    """The kind of cluster, if Istio's CNI plugin depends on it."""
    dns_server: DnsServer | None
    """The DNS server that Prometheus scrapes. None: it scrapes none."""
    zone_labels: bool
    """Whether every node has the label `topology.kubernetes.io/zone`. False: unknown, or some nodes lack it."""
    gpus: bool
    """Whether some nodes offer GPUs as `nvidia.com/gpu`."""


class Cluster(Protocol):
    """A cluster on any platform. Code that uses it does not depend on a cloud."""

    @property
    def outputs(self) -> ClusterOutputs:
        """The cluster's outputs."""

    def workload_identity(self, *, namespace: str, service_account: str) -> WorkloadIdentity | None:
        """Create a cloud identity for a ServiceAccount. Call once per account. None: the cluster has no cloud."""
