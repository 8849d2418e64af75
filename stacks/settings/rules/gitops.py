"""Rules about Argo CD and Rancher. Pure."""

from collections.abc import Iterator
from typing import Final

from stacks.settings.errors import Mistake, shown
from stacks.settings.models import Settings
from stacks.settings.rules.lists import regions_are_known
from stacks.settings.rules.paths import each_region


def hubs_are_regions(settings: Settings) -> Iterator[Mistake]:
    """Hubs and canary are regions of the stack."""
    gitops, rancher = settings.gitops, settings.rancher
    places = {"gitops.hub": gitops.hub, "gitops.canary": gitops.canary, "rancher.hub": rancher.hub}
    for path, name in places.items():
        if name is not None:
            yield from regions_are_known(settings, path, [name])


def argocd_has_a_repository(settings: Settings) -> Iterator[Mistake]:
    """Argo CD has a repository."""
    if settings.gitops.enabled and settings.gitops.repository.url is None:
        yield _missing(
            "gitops.repository.url", rule="Argo CD needs a repository to read from", example="url: https://..."
        )


def argocd_reaches_the_canary(settings: Settings) -> Iterator[Mistake]:
    """The canary is the hub, or Argo CD can reach its API."""
    canary, hub = settings.gitops.canary, settings.gitops_hub
    clouds = {region.name: region.cloud for region in settings.regions}
    if canary is not None and hub is not None and canary != hub and clouds.get(canary) == "existing":
        yield Mistake(
            path="gitops.canary",
            value=shown(canary),
            rule="is a cluster that Argo CD cannot reach: only your kubeconfig contains the address of its API",
            remedy="name the hub, or a region of gcp, aws or azure",
            reads=(
                "gitops.enabled",
                "gitops.hub",
                "database.primaryRegion",
                *each_region(settings, "name"),
                *each_region(settings, "cloud"),
            ),
        )


def rancher_has_a_name(settings: Settings) -> Iterator[Mistake]:
    """Rancher has a host name."""
    if settings.rancher.enabled and settings.rancher.hostname is None:
        rule, example = "Rancher needs the host name that users open", "hostname: rancher.example.org"
        yield _missing("rancher.hostname", rule=rule, example=example)


def rancher_has_certificates(settings: Settings) -> Iterator[Mistake]:
    """Rancher has cert-manager, which comes with the mesh."""
    if settings.rancher.enabled and not settings.mesh.enabled:
        yield Mistake(
            path="rancher.enabled",
            value=shown(True),
            rule="needs cert-manager, which comes with the mesh, and mesh.enabled is false",
            remedy="write mesh: {enabled: true}, or rancher: {enabled: false}",
        )


def _missing(path: str, *, rule: str, example: str) -> Mistake:
    return Mistake(path=path, rule=f"is missing: {rule}", remedy=f"write e.g. {example}, or enabled: false")


RULES: Final = (
    hubs_are_regions,
    argocd_has_a_repository,
    argocd_reaches_the_canary,
    rancher_has_a_name,
    rancher_has_certificates,
)
