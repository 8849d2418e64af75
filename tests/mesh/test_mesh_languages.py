"""Which region serves whom: Istio's routes send each language tag where the topology does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.mesh import LanguageRoute
from stacks import geography, topology
from stacks.mesh_peers import language_routes
from stacks.topology import Site

pytestmark = pytest.mark.unit

SITES = [Site(name=known.name, cloud=known.cloud, slot=known.slot, place=known.place) for known in geography.CATALOGUE]
BY_NAME = {site.name: site for site in SITES}
TAGS = sorted({tag for site in SITES for tag in site.place.languages})

some_sites = st.lists(st.sampled_from(SITES), min_size=1, max_size=8, unique_by=lambda site: site.name)
tags = st.one_of(
    st.sampled_from(TAGS),
    st.sampled_from(["tlh", "fr-BE", "en-NZ", "pt", "zh"]),
    st.sampled_from(TAGS).map("{}-x-a".format),
)


def routed(tag: str, routes: tuple[LanguageRoute, ...]) -> str | None:
    """Return the region of the first route that matches this tag, as Istio does; None is the region itself."""
    for route in routes:
        fits = tag in route.tags if route.match == "exact" else tag.startswith(route.tags)
        if fits:
            return route.region
    return None


@given(sites=some_sites, tag=tags)
def test_a_tag_is_served_by_the_nearest_region_that_serves_it_or_here(sites: list[Site], tag: str) -> None:
    here = sites[0]
    serving = topology.serving(tag, sites)
    nearest = [name for name in topology.failover_order(here, sites) if name in serving]
    expected = None if here.name in serving else nearest[0]
    assert routed(tag, language_routes(here, sites)) == expected


@given(sites=some_sites, data=st.data())
def test_the_order_of_the_list_changes_no_route(sites: list[Site], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(sites))
    assert language_routes(sites[0], sites) == language_routes(sites[0], shuffled)


def test_one_region_serves_everybody() -> None:
    assert language_routes(BY_NAME["europe-west1"], [BY_NAME["europe-west1"]]) == ()


def test_of_two_regions_with_a_language_the_nearer_serves_it() -> None:
    sites = [BY_NAME[name] for name in ("europe-west1", "europe-west2", "us-central1")]
    routes = language_routes(sites[0], sites)
    assert routed("en", routes) == "europe-west2"
    assert routed("es", routes) == "us-central1"
    assert routed("nl", routes) is None
    assert routed("ja", routes) is None
