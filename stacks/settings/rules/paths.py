"""Walks through regions and their paths, for rules."""

from collections.abc import Iterator

from components.cluster.settings import ExistingRegion, RegionSettings
from components.sites.settings import EdgeSite
from stacks.settings.models import Settings


def regions_by_path(settings: Settings) -> Iterator[tuple[str, RegionSettings]]:
    """Each region with its path, such as `regions[0]`."""
    return ((f"regions[{index}]", region) for index, region in enumerate(settings.regions))


def each_region(settings: Settings, key: str = "") -> tuple[str, ...]:
    """The paths of all regions, or of the setting `key` of each. A rule that counts regions reads them all."""
    return tuple(f"{path}.{key}" if key else path for path, _ in regions_by_path(settings))


def contexts_by_path(settings: Settings) -> Iterator[tuple[str, str]]:
    """The kubeconfig context of each region that names one, after the region's path."""
    for path, region in regions_by_path(settings):
        if isinstance(region, ExistingRegion) and region.context is not None:
            yield path, region.context


def sites_by_path(settings: Settings) -> Iterator[tuple[str, EdgeSite]]:
    """Each edge site with its path, such as `edgeSites[0]`."""
    return ((f"edgeSites[{index}]", site) for index, site in enumerate(settings.edge_sites))
