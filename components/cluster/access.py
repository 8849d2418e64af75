"""How Pulumi reaches a region's cluster: one place for the options that let regions grow, fail and be removed."""

from collections.abc import Callable, Sequence
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import pulumi_random as random


def kubernetes_provider(
    name: str,
    *,
    cluster_identifier: str,
    kubeconfig: pulumi.Input[str] | None = None,
    context: str | None = None,
    opts: pulumi.ResourceOptions,
) -> k8s.Provider:
    """Deploys to the cluster of `kubeconfig`, or of the user's own one. `cluster_identifier` must never change."""
    return k8s.Provider(
        name,
        kubeconfig=kubeconfig,
        context=context,
        # Without an identifier a changed kubeconfig could replace the provider and everything on it. It is known
        # before the cluster is, so that a preview need not guess.
        cluster_identifier=cluster_identifier,
        # ConfigMaps and Secrets change in place: a new region must not replace what the others use.
        enable_config_map_mutable=True,
        enable_secret_mutable=True,
        # A region that is down must not stop the others from being updated.
        skip_update_unreachable=True,
        opts=opts,
    )


def secret_kubeconfig(
    render: Callable[[str, str, str], dict[str, Any]], known: Sequence[pulumi.Output[str]]
) -> pulumi.Output[str]:
    """A kubeconfig in JSON, as a secret: what `render` makes of a cluster's name, API endpoint and authority."""
    return pulumi.Output.secret(pulumi.Output.json_dumps(pulumi.Output.all(*known).apply(lambda found: render(*found))))


def cluster_identifier(cloud: str, region: str) -> str:
    """Identifies a managed cluster: the region's name, and the cloud, because moving the region is another cluster."""
    return f"{cloud}/{region}"


def unique_suffix(name: str, opts: pulumi.ResourceOptions) -> pulumi.Output[str]:
    """Six letters and digits, for the few names in a cloud that must be unique and that Pulumi does not make so."""
    return random.RandomString(name, length=6, upper=False, special=False, opts=opts).result
