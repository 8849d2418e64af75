"""A Kubernetes cluster that already exists: kind, minikube, k3s, LKE, DOKS, or a sandbox control plane."""

import pulumi

from components.cluster import ClusterOutputs, DnsServer, MeshPlatform
from components.cluster.access import kubernetes_provider
from components.cluster.settings import ExistingRegion


class ExistingCluster(pulumi.ComponentResource):
    """A cluster reached through the user's kubeconfig (`KUBECONFIG`, else the file in the home directory).

    Outputs: `outputs`. Only provider, egress addresses, mesh platform, DNS server and GPUs are set.
    The user, or the cluster's defaults, provide the rest.
    """

    outputs: ClusterOutputs

    def __init__(self, name: str, region: ExistingRegion, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cluster:ExistingCluster", name, None, opts)
        provider = kubernetes_provider(
            f"{name}-kubernetes",
            context=region.context,
            # Not the context's name: users add a context with the second region, and may rename it.
            cluster_identifier=region.name,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.outputs = ClusterOutputs(
            provider=provider,
            egress_addresses=[pulumi.Output.from_input(address) for address in region.egress_addresses],
            mesh_platform=region.platform,
            dns_server=_dns_server(region.platform),
            zone_labels=False,
            gpus=region.gpus,
        )
        self.register_outputs({})

    def workload_identity(self, *, namespace: str, service_account: str) -> None:
        """Return None, because the cluster belongs to no cloud that could know its ServiceAccounts."""


def _dns_server(platform: MeshPlatform | None) -> DnsServer | None:
    match platform:
        case "gke":
            return "kube-dns"
        case "openshift":
            # It runs outside kube-system, and shows its metrics only to callers with a token.
            return None
        case _:
            return "coredns"
