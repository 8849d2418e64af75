"""Rules about edge sites: names, clusters, home regions, and what a site needs of its home. Pure."""

from collections.abc import Iterator
from itertools import chain
from typing import Final

from components.messaging import streams
from components.messaging.settings import FILE_SHARE
from components.settings.values import bytes_of
from stacks.settings.errors import Mistake, shown
from stacks.settings.models import Settings
from stacks.settings.rules.lists import clusters_differ, names_differ, regions_are_known
from stacks.settings.rules.messaging import streams_by_path
from stacks.settings.rules.paths import contexts_by_path, each_region, regions_by_path, sites_by_path


def site_names_differ(settings: Settings) -> Iterator[Mistake]:
    """Names of sites are unique, and no region has one of them."""
    regions = regions_by_path(settings)
    for mistake in names_differ(chain(regions, sites_by_path(settings)), remedy="give each site its own name"):
        if mistake.path.startswith("edgeSites"):
            yield mistake


def site_clusters_differ(settings: Settings) -> Iterator[Mistake]:
    """Each site has its own cluster."""
    return clusters_differ(
        ((path, site.context) for path, site in sites_by_path(settings)),
        taken={context: path for path, context in contexts_by_path(settings)},
        remedy="give each site its own cluster",
    )


def homes_are_known(settings: Settings) -> Iterator[Mistake]:
    """The home of a site is a region of the stack."""
    for path, site in sites_by_path(settings):
        yield from regions_are_known(settings, f"{path}.home", [site.home])


def homes_have_peer_endpoints(settings: Settings) -> Iterator[Mistake]:
    """Sites reach their home as other regions do. So the home must be ready for others."""
    if settings.edge_sites and not settings.peering_enabled:
        yield Mistake(
            path="edgeSites",
            rule="need a home that others can reach, and a region alone has no peer endpoints",
            remedy=f"write database: {{primaryRegion: {settings.regions[0].name}}}",
            reads=("database.primaryRegion", *each_region(settings)),
        )


def the_database_is_reachable(settings: Settings) -> Iterator[Mistake]:
    """A site's services use the database of its home, which must have peer endpoints."""
    if settings.edge_sites and settings.database.engine != "cockroachdb":
        yield Mistake(
            path="edgeSites",
            rule=f"cannot reach {settings.database.engine}, which has private addresses only",
            remedy="write database: {engine: cockroachdb}, or remove the sites",
            reads=("database.engine",),
        )


def streams_fit_the_sites(settings: Settings) -> Iterator[Mistake]:
    """A site's disk can hold the copies of its home's streams, and their outboxes."""
    for path, site in sites_by_path(settings):
        copied = streams.held(site.home, settings.messaging.streams)
        sent = (stream for stream in copied if streams.home_of(stream, site.home) == site.home)
        wanted = sum(bytes_of(stream.max_size) for stream in (*copied, *sent))
        if wanted > bytes_of(site.storage) * FILE_SHARE:
            yield Mistake(
                path=f"{path}.storage",
                value=shown(site.storage),
                rule="is too little for the copies of its home's streams and what is yet to be sent to them, "
                f"together {wanted / 2**30:.2f}Gi: a tenth stays free",
                remedy="raise storage, or lower maxSize of streams",
                reads=(
                    f"{path}.home",
                    *(
                        f"{stream}.{key}"
                        for stream, _ in streams_by_path(settings)
                        for key in ("maxSize", "home", "mirroredIn")
                    ),
                ),
            )


RULES: Final = (
    site_names_differ,
    site_clusters_differ,
    homes_are_known,
    homes_have_peer_endpoints,
    the_database_is_reachable,
    streams_fit_the_sites,
)
