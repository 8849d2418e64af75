"""A Kubernetes cluster that is already there: kind, minikube, k3s, LKE, DOKS, or a sandbox control plane."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import pulumi
import pulumi_kubernetes as k8s

from components.cluster import DnsServer, LoadBalancerAnnotations, MeshPlatform
from components.cluster.access import kubernetes_provider


@dataclass(frozen=True, kw_only=True)
class ExistingClusterArgs:
    """`context` names a context of the kubeconfig; None takes the kubeconfig's current context.

    `egress_addresses` are the IPv4 addresses that the cluster's pods are seen with from outside, and `platform` is the
    kind of cluster (None: a plain kubelet); both are the user's to know.
    """

    region: str
    context: str | None = None
    egress_addresses: Sequence[str] = ()
    platform: MeshPlatform | None = None


class ExistingCluster(pulumi.ComponentResource):
    """A cluster reached through the user's kubeconfig (`KUBECONFIG`, else the file in the home directory).

    Outputs: those of `Cluster`. Only `provider`, `egress_addresses` and `mesh_platform` say something: all else is the
    user's, or the cluster's default.
    """

    provider: k8s.Provider
    kubeconfig: None = None
    found_as: Mapping[str, pulumi.Output[str]] = MappingProxyType({})
    api_endpoint: None = None
    api_certificate_authority: None = None
    egress_addresses: Sequence[pulumi.Output[str]]
    storage_class: None = None
    load_balancer_annotations = LoadBalancerAnnotations(public={}, internal={})
    mesh_platform: MeshPlatform | None
    dns_server: DnsServer = "coredns"

    def __init__(self, name: str, args: ExistingClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cluster:ExistingCluster", name, None, opts)
        self.mesh_platform = args.platform
        self.egress_addresses = [pulumi.Output.from_input(address) for address in args.egress_addresses]
        self.provider = kubernetes_provider(
            f"{name}-kubernetes",
            context=args.context,
            # Not the context's: it gets one when a second region comes, or another when somebody renames it.
            cluster_identifier=args.region,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})

    def workload_identity(self, *, namespace: str, service_account: str) -> None:
        """None: the cluster belongs to no cloud that could know its ServiceAccounts."""
