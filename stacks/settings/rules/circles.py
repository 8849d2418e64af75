"""Rules about circles' voice and video, and the way to them. Pure."""

from collections.abc import Iterator
from typing import Final

from components.cluster.settings import ExistingRegion
from stacks.settings.errors import Mistake, shown
from stacks.settings.models import Settings
from stacks.settings.rules.mesh import needs_the_gateway
from stacks.settings.rules.paths import each_region, regions_by_path


def participants_reach_a_gateway(settings: Settings) -> Iterator[Mistake]:
    """Participants connect through the public gateway of the mesh."""
    if settings.circles.enabled:
        yield from needs_the_gateway(settings, "circles.enabled")


def participants_reach_the_region_of_their_call(settings: Settings) -> Iterator[Mistake]:
    """With several regions, each has a host of its own, which only the DNS of a CDN gives it."""
    if settings.circles.enabled and len(settings.regions) > 1 and settings.edge.cdn == "none":
        yield Mistake(
            path="circles.enabled",
            value=shown(True),
            rule="needs a CDN among several regions: its DNS has a name for each region, and a call is in one region",
            remedy="choose an edge.cdn, or write false",
            reads=("edge.cdn", *each_region(settings, "name")),
        )


def servers_have_addresses(settings: Settings) -> Iterator[Mistake]:
    """Each server has load balancers of its own."""
    for path, region in regions_by_path(settings):
        if settings.circles.enabled and isinstance(region, ExistingRegion) and region.service_type != "LoadBalancer":
            yield Mistake(
                path=f"{path}.serviceType",
                value=shown(region.service_type),
                rule="gives circles' servers no address, which browsers need for voice and video",
                remedy="write LoadBalancer, in a cluster that gives it an address, or circles: {enabled: false}",
                reads=("circles.enabled", f"{path}.cloud"),
            )


RULES: Final = (
    participants_reach_a_gateway,
    participants_reach_the_region_of_their_call,
    servers_have_addresses,
)
