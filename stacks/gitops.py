"""What one region has for all: Argo CD, which deploys the services everywhere, and Rancher, which shows the clusters.

Both are in a hub. They know of the others what is early, and the others know nothing of them: a lost hub stops nobody.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import pulumi

from components.gitops import ArgoCD, ArgoCDArgs, RegionAccess, RegionAccessArgs, Source
from components.gitops.plan import IN_CLUSTER
from components.gitops.settings import RepositorySettings
from components.namespaces import ARGO_CD, RANCHER, RANCHER_CLUSTERS, SERVICES
from components.rancher import Rancher, RancherArgs
from stacks.region_base import RegionBase
from stacks.service_values import shifted
from stacks.settings import Settings

TOKEN: Final = "gitopsRepositoryToken"  # noqa: S105 - the name of a setting


def build_gitops(
    settings: Settings,
    bases: Mapping[str, RegionBase],
    ready: Mapping[str, Sequence[pulumi.Input[pulumi.Resource]]],
    secrets: Mapping[str, pulumi.Output[str] | None],
    opts: pulumi.ResourceOptions,
) -> ArgoCD | None:
    """Argo CD in its hub, and its access to each region; None where the settings have none.

    `ready` is by region what its services need.
    """
    hub = settings.gitops_hub
    if hub is None:
        return None
    accesses = {name: _access(name, one, hub) for name, one in bases.items() if settings.managed_by_argocd(name)}
    base = bases[hub]
    left_out = sorted(bases.keys() - accesses.keys())
    argocd = ArgoCD(
        f"{hub}-gitops",
        ArgoCDArgs(
            hub=hub,
            namespace=base.namespaces[ARGO_CD],
            services_namespace=SERVICES,
            authority=base.authority,
            source=source(settings.gitops.repository),
            accesses=accesses,
            canary=settings.gitops.canary or hub,
            ready=ready,
            shifted=shifted(settings),
            repository_token=secrets[TOKEN],
        ),
        pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(providers=[base.provider])),
    )
    if left_out:
        pulumi.log.warn(unreachable(left_out), argocd)
    return argocd


def build_rancher(
    settings: Settings,
    bases: Mapping[str, RegionBase],
    certificates: Mapping[str, pulumi.Resource | None],
    opts: pulumi.ResourceOptions,
) -> Rancher | None:
    """Rancher in its hub; None where the settings have none. `certificates` bring cert-manager's kinds, by region."""
    hub, hostname = settings.rancher_hub, settings.rancher.hostname
    manager = certificates[hub] if hub else None
    if hub is None or hostname is None or manager is None:
        return None
    base = bases[hub]
    return Rancher(
        f"{hub}-rancher",
        RancherArgs(
            hub=hub,
            hostname=hostname,
            ingress_class=settings.rancher.ingress_class,
            namespace=base.namespaces[RANCHER],
            clusters_namespace=base.namespaces[RANCHER_CLUSTERS],
            regions=[name for name in bases if name != hub],
            certificates=manager,
        ),
        pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(providers=[base.provider])),
    )


def source(repository: RepositorySettings) -> Source:
    """Where Argo CD reads; the settings are refused when there is no address."""
    return Source(
        url=repository.url or "", revision=repository.revision, chart=repository.path, values=repository.values
    )


def unreachable(regions: Sequence[str]) -> str:
    """What the user is told about regions that Argo CD cannot reach."""
    return (
        f"Argo CD does not deploy to {', '.join(regions)}: a cluster of cloud `existing` is only reached through your "
        "own kubeconfig, and the address of its API is not known. This program goes on deploying the services there, "
        "with the images of its own settings."
    )


def _access(name: str, base: RegionBase, hub: str) -> RegionAccess:
    cluster = base.cluster
    return RegionAccess(
        f"{name}-gitops-access",
        RegionAccessArgs(
            region=name,
            namespace=base.namespaces[SERVICES],
            # The hub is reached from inside; the only one whose address need not be known.
            api_endpoint=IN_CLUSTER if cluster.api_endpoint is None or name == hub else cluster.api_endpoint,
            api_certificate_authority=None if name == hub else cluster.api_certificate_authority,
        ),
        pulumi.ResourceOptions(parent=base, providers=[cluster.provider]),
    )
