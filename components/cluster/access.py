"""How Pulumi reaches a region's cluster, with options that let regions grow, fail and be removed."""

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
    """Deploy to the cluster of `kubeconfig` (None: the user's own). `cluster_identifier` must never change."""
    return k8s.Provider(
        name,
        kubeconfig=kubeconfig,
        context=context,
        # Without an identifier, a changed kubeconfig could replace the provider and everything on it. The identifier
        # is known before the cluster is, so a preview need not guess.
        cluster_identifier=cluster_identifier,
        # ConfigMaps and Secrets change in place: adding a region must not replace objects that others use.
        enable_config_map_mutable=True,
        enable_secret_mutable=True,
        # A region that is down must not block updates of the others.
        skip_update_unreachable=True,
        opts=opts,
    )


def secret_kubeconfig(
    render: Callable[[str, str, str], dict[str, Any]], known: Sequence[pulumi.Output[str]]
) -> pulumi.Output[str]:
    """Return a secret kubeconfig (JSON), which `render` makes from a cluster's name, API endpoint and authority."""
    return pulumi.Output.secret(pulumi.Output.json_dumps(pulumi.Output.all(*known).apply(lambda found: render(*found))))


def cluster_identifier(cloud: str, region: str) -> str:
    """Identify a managed cluster by region and cloud, because moving a region to another cloud needs a new cluster."""
    return f"{cloud}/{region}"


def unique_suffix(name: str, opts: pulumi.ResourceOptions) -> pulumi.Output[str]:
    """Return six letters and digits, for the few cloud names that must be unique and that Pulumi leaves as they are."""
    return random.RandomString(name, length=6, upper=False, special=False, opts=opts).result
