"""A Kubernetes cluster that is already there: kind, minikube, k3s, LKE, DOKS, or a sandbox control plane."""

import pulumi

from components.cluster import ClusterOutputs, LoadBalancerAnnotations
from components.cluster.access import kubernetes_provider
from components.cluster.settings import ExistingRegion


class ExistingCluster(pulumi.ComponentResource):
    """A cluster reached through the user's kubeconfig (`KUBECONFIG`, else the file in the home directory).

    Outputs: `outputs`. Provider, egress addresses and mesh platform say something: all else is the user's, or the
    cluster's default.
    """

    outputs: ClusterOutputs

    def __init__(self, name: str, region: ExistingRegion, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cluster:ExistingCluster", name, None, opts)
        provider = kubernetes_provider(
            f"{name}-kubernetes",
            context=region.context,
            # Not the context's: it gets one when a second region comes, or another when somebody renames it.
            cluster_identifier=region.name,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.outputs = ClusterOutputs(
            provider=provider,
            egress_addresses=[pulumi.Output.from_input(address) for address in region.egress_addresses],
            load_balancer_annotations=LoadBalancerAnnotations(public={}, internal={}),
            mesh_platform=region.platform,
            dns_server="coredns",
        )
        self.register_outputs({})

    def workload_identity(self, *, namespace: str, service_account: str) -> None:
        """None: the cluster belongs to no cloud that could know its ServiceAccounts."""
