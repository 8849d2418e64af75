"""A Kubernetes cluster that is already there: kind, minikube, k3s, LKE, DOKS, or a sandbox control plane."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s


@dataclass(frozen=True, kw_only=True)
class ExistingClusterArgs:
    """`context` names a context of the kubeconfig; None takes the kubeconfig's current context."""

    region: str
    context: str | None = None


class ExistingCluster(pulumi.ComponentResource):
    """A cluster reached through the user's kubeconfig (`KUBECONFIG`, else the file in the home directory).

    Outputs: `provider` (the Kubernetes provider that deploys to it).
    """

    provider: k8s.Provider

    def __init__(self, name: str, args: ExistingClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cluster:ExistingCluster", name, None, opts)
        self.provider = k8s.Provider(
            f"{name}-kubernetes",
            context=args.context,
            # Without an identifier a changed kubeconfig could replace the provider and everything on it.
            cluster_identifier=args.context or args.region,
            # ConfigMaps and Secrets change in place: a new region must not replace what the others use.
            enable_config_map_mutable=True,
            enable_secret_mutable=True,
            # A region that is down must not stop the others from being updated.
            skip_update_unreachable=True,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})
