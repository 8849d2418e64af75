"""What one region runs for all: Argo CD, which deploys the services everywhere, and Rancher, which shows the clusters.

Each runs in a hub region and uses only early resources of the other regions. The other regions depend on neither, so
losing a hub stops no region.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import pulumi

from components.account_token import ApiAccess
from components.context import RegionContext
from components.gitops import IN_CLUSTER, ArgoCD, RegionAccess
from components.namespaces import SERVICES
from components.rancher import Rancher
from stacks.region import Region
from stacks.region_base import RegionBase
from stacks.service_values import shifted
from stacks.settings import Settings

TOKEN: Final = "gitopsRepositoryToken"  # noqa: S105 - the name of a setting


def build_gitops(
    settings: Settings,
    bases: Mapping[str, RegionBase],
    regions: Mapping[str, Region],
    secrets: Mapping[str, pulumi.Output[str] | None],
    opts: pulumi.ResourceOptions,
) -> ArgoCD | None:
    """Build Argo CD in its hub, and its access to each region; None if the settings disable it."""
    hub = settings.gitops_hub
    if hub is None:
        return None
    accesses = {name: _access(name, one, hub) for name, one in bases.items() if settings.managed_by_argocd(name)}
    left_out = sorted(bases.keys() - accesses.keys())
    argocd = ArgoCD(
        f"{hub}-gitops",
        _hub_context(regions[hub], bases[hub], opts),
        settings.gitops,
        accesses=accesses,
        ready={name: region.ready for name, region in regions.items()},
        shifted=shifted(settings),
        repository_token=secrets[TOKEN],
    )
    if left_out:
        pulumi.log.warn(unreachable(left_out), argocd)
    return argocd


def build_rancher(
    settings: Settings,
    bases: Mapping[str, RegionBase],
    regions: Mapping[str, Region],
    opts: pulumi.ResourceOptions,
) -> Rancher | None:
    """Build Rancher in its hub; None if the settings disable it."""
    hub = settings.rancher_hub
    certificates = regions[hub].certificates if hub else None
    if hub is None or certificates is None:
        return None
    return Rancher(
        f"{hub}-rancher",
        _hub_context(regions[hub], bases[hub], opts),
        settings.rancher,
        regions=regions,
        certificates=certificates,
    )


def unreachable(regions: Sequence[str]) -> str:
    """The warning about regions that Argo CD cannot reach."""
    return (
        f"Argo CD does not deploy to {', '.join(regions)}: only your own kubeconfig reaches a cluster of cloud "
        "`existing`, and Argo CD does not know the address of its API. This program deploys the services there "
        "instead, with the images from its own settings."
    )


def _hub_context(region: Region, base: RegionBase, opts: pulumi.ResourceOptions) -> RegionContext:
    """The region's context with the options `opts`, for components in its cluster that are not part of the region."""
    options = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(providers=[base.provider]))
    return replace(region.context, options=options)


def _access(name: str, base: RegionBase, hub: str) -> RegionAccess:
    cluster = base.cluster
    return RegionAccess(
        f"{name}-gitops-access",
        ApiAccess(
            region=name,
            namespace=base.namespaces[SERVICES],
            # Argo CD reaches its hub from inside, so the address of that API is not needed.
            api_endpoint=IN_CLUSTER if name == hub else cluster.api_endpoint,
            api_certificate_authority=None if name == hub else cluster.api_certificate_authority,
        ),
        pulumi.ResourceOptions(parent=base, providers=[cluster.provider]),
    )
