"""A Kubernetes cluster that is already there: kind, minikube, k3s, LKE, DOKS, or a sandbox control plane."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.cluster import LoadBalancerAnnotations
from components.cluster.access import kubernetes_provider


@dataclass(frozen=True, kw_only=True)
class ExistingClusterArgs:
    """`context` names a context of the kubeconfig; None takes the kubeconfig's current context."""

    region: str
    context: str | None = None


class ExistingCluster(pulumi.ComponentResource):
    """A cluster reached through the user's kubeconfig (`KUBECONFIG`, else the file in the home directory).

    Outputs: those of `Cluster`. Only `provider` says something: all else is the user's, or the cluster's default.
    """

    provider: k8s.Provider
    kubeconfig: None = None
    api_endpoint: None = None
    api_certificate_authority: None = None
    egress_addresses: Sequence[pulumi.Output[str]] = ()
    storage_class: None = None
    load_balancer_annotations = LoadBalancerAnnotations(public={}, internal={})
    mesh_platform: None = None

    def __init__(self, name: str, args: ExistingClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cluster:ExistingCluster", name, None, opts)
        self.provider = kubernetes_provider(
            f"{name}-kubernetes",
            context=args.context,
            cluster_identifier=args.context or args.region,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})

    def workload_identity(self, *, namespace: str, service_account: str) -> None:
        """None: the cluster belongs to no cloud that could know its ServiceAccounts."""
