"""What a region's control plane is told of the other regions' clusters."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.mesh import across
from components.metadata import object_meta

APP = "istiod"
NAME = "remote-regions"
LABEL = {"istio/multiCluster": "true"}


@dataclass(frozen=True, kw_only=True)
class RemoteRegionsArgs:
    """`kubeconfigs` of the other regions by name, each in JSON; None where a region's API endpoint is not known."""

    region: str
    namespace: pulumi.Input[str]
    kubeconfigs: Mapping[str, pulumi.Input[str] | None]

    def __post_init__(self) -> None:
        if self.region in self.kubeconfigs:
            raise ValueError(
                f"kubeconfigs: expected those of the regions other than {self.region}, "
                f"got {', '.join(sorted(self.kubeconfigs))}"
            )


class RemoteRegions(pulumi.ComponentResource):
    """One Secret with a key per other region, from which istiod learns their endpoints.

    Istio takes every key of a Secret with its label as the name of a cluster: one object does for any number of
    regions. Outputs: `unknown` (regions that are left out because nobody knows their API endpoint).
    """

    unknown: tuple[str, ...]

    def __init__(self, name: str, args: RemoteRegionsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:mesh:RemoteRegions", name, None, opts)
        known = {region: given for region, given in sorted(args.kubeconfigs.items()) if given is not None}
        self.unknown = tuple(sorted(set(args.kubeconfigs) - set(known)))
        if self.unknown:
            pulumi.log.warn(missing(args.region, self.unknown), self)
        k8s.core.v1.Secret(
            f"{name}-secret",
            metadata=object_meta(NAME, app=APP, region=args.region, namespace=args.namespace, extra_labels=LABEL),
            # Not string_data: with server-side apply a region that is taken out of it would stay in the Secret. Not an
            # empty map: the server drops it, and every preview would want to add it again.
            data={region: _encoded(kubeconfig) for region, kubeconfig in known.items()} or None,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})


def missing(region: str, unknown: tuple[str, ...]) -> str:
    """What the user is told about regions that the mesh of `region` cannot reach."""
    return (
        f"region {region}: its mesh sends no requests to {', '.join(unknown)}, because the address of the Kubernetes "
        "API there is not known: a cluster of cloud `existing` is only reached through your own kubeconfig. "
        "Each region works by itself; steer users between them by DNS."
    )


def _encoded(kubeconfig: pulumi.Input[str]) -> pulumi.Output[str]:
    return pulumi.Output.secret(pulumi.Output.from_input(kubeconfig).apply(across.encoded))
