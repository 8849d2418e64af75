"""Rules about Argo CD and Rancher. They read plain values. Pure."""

from collections.abc import Iterator
from typing import Final

from components.settings.words import did_you_mean
from stacks.settings.data_service_rules import section
from stacks.settings.errors import Mistake, path_of, shown
from stacks.settings.inheritance import Plain
from stacks.settings.region_rules import Regions

_PLACES: Final = (("gitops", "hub"), ("gitops", "canary"), ("rancher", "hub"))
"""Settings that name a region."""


def broken_gitops_rules(values: Plain, regions: Regions) -> Iterator[Mistake]:
    """All mistakes of gitops and rancher; what is malformed in itself is passed over."""
    clouds = {name: region.get("cloud") for region in regions.values() if isinstance(name := region.get("name"), str)}
    for key, setting in _PLACES:
        yield from _place(section(values, key).get(setting), key, setting, list(clouds))
    gitops, rancher = section(values, "gitops"), section(values, "rancher")
    if gitops.get("enabled") is True:
        if section(gitops, "repository").get("url") is None:
            yield _missing("gitops", "repository", "url", rule="Argo CD must know where to read", example="https://...")
        yield from _canary(gitops, _primary_region(values, list(clouds)), clouds)
    if rancher.get("enabled") is True:
        if rancher.get("hostname") is None:
            rule = "Rancher must know the name it is reached by"
            yield _missing("rancher", "hostname", rule=rule, example="rancher.example.org")
        yield from _mesh(section(values, "mesh"))


def _place(name: object, key: str, setting: str, known: list[str]) -> Iterator[Mistake]:
    if isinstance(name, str) and known and name not in known:
        yield Mistake(
            path=path_of(key, setting),
            value=shown(name),
            rule="is not the name of a region of this stack",
            remedy=did_you_mean(name, known),
        )


def _missing(*path: str, rule: str, example: str) -> Mistake:
    remedy = f"write e.g. {path[-1]}: {example}, or enabled: false"
    return Mistake(path=path_of(*path), value="", rule=f"is missing: {rule}", remedy=remedy)


def _primary_region(values: Plain, known: list[str]) -> object:
    return section(values, "database").get("primaryRegion") or next(iter(known), None)


def _canary(gitops: Plain, primary_region: object, clouds: Plain) -> Iterator[Mistake]:
    canary, hub = gitops.get("canary"), gitops.get("hub") or primary_region
    if isinstance(canary, str) and canary != hub and clouds.get(canary) == "existing":
        yield Mistake(
            path=path_of("gitops", "canary"),
            value=shown(canary),
            rule="is a cluster that Argo CD cannot reach: only your kubeconfig knows the address of its API",
            remedy="name the hub, or a region of gcp, aws or azure",
        )


def _mesh(mesh: Plain) -> Iterator[Mistake]:
    if mesh.get("enabled") is False:
        yield Mistake(
            path=path_of("rancher", "enabled"),
            value=shown(True),
            rule="needs cert-manager, which comes with the mesh, and mesh.enabled is false",
            remedy="write mesh: {enabled: true}, or rancher: {enabled: false}",
        )
