"""Real Prometheus and Thanos with the program's rules, arguments and endpoints: two regions that query each other."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError

import pytest

from components.monitoring.dashboards import ALL_REGIONS
from components.monitoring.thanos import STORE_NAMES
from tests.support.binaries import binary
from tests.support.monitoring_examples import dashboard_queries
from tests.support.servers import eventually, root_authority
from tests.support.thanos_regions import PLACES, SECONDS, Regions, thanos_regions

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(400)]

BOTH = set(PLACES)


@pytest.fixture
def regions(tmp_path: Path, private_hosts: list[str]) -> Iterator[Regions]:
    for name in ("prometheus", "thanos"):
        binary(name)
    with thanos_regions(tmp_path, private_hosts) as running:
        yield running


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory, private_hosts: list[str]) -> Iterator[Regions]:
    """Two regions whose queriers see both. The last test with this fixture stops one."""
    for name in ("prometheus", "thanos"):
        binary(name)
    with thanos_regions(tmp_path_factory.mktemp("together"), private_hosts) as running:
        for region in PLACES:
            running.start_store(region)
            running.start_querier(region)
        for region in PLACES:
            seen(running, region, BOTH)
        yield running


def seen(regions: Regions, region: str, expected: set[str]) -> None:
    """Wait until the region's querier sees the `expected` regions and no others."""
    what = f"{region} sees {sorted(expected)}"
    eventually(lambda: regions.regions_seen(region) == expected, seconds=SECONDS, what=what)


def data_services(regions: Regions, region: str) -> set[str]:
    """Return the regions to which the querier is connected, parsed as the alert RegionNotSeen parses them."""
    labels = re.findall(
        r'^thanos_store_nodes_grpc_connections\{external_labels="((?:[^"\\]|\\.)*)"', regions.metrics(region), re.M
    )
    values = [label.replace('\\"', '"') for label in labels]
    return {found[1] for value in values if (found := re.fullmatch(r'.*region="([^"]*)".*', value))}


def test_the_map_shows_every_region_where_it_is(together: Regions) -> None:
    query = "region:place:info * on (region) group_left (city, latitude, longitude) region:place:info"
    shown = {one["metric"]["region"]: one["metric"] for one in together.ask("south", query)}
    assert {name: (found["city"], found["latitude"], found["longitude"]) for name, found in shown.items()} == {
        "north": ("Hamina", "60.57", "27.2"),
        "south": ("Sydney", "-33.87", "151.21"),
    }


def test_every_query_of_the_global_dashboards_is_answered(together: Regions) -> None:
    refused = {}
    for where, query in dashboard_queries(scopes=(ALL_REGIONS,)).items():
        try:
            together.ask("north", query.replace("$region", ".*"))
        except HTTPError as error:
            refused[where] = error.read().decode()
    assert refused == {}


def test_a_region_can_be_chosen(together: Regions) -> None:
    chosen = together.ask("north", 'region:place:info{region=~"south"}')
    assert [one["metric"]["city"] for one in chosen] == ["Sydney"]


def test_every_region_sees_all_and_none_is_needed_for_it(together: Regions) -> None:
    answered = together.ask("north", "count by (region) (up)")
    assert {one["metric"]["region"] for one in answered} == BOTH
    peers = data_services(together, "north")
    assert peers == BOTH
    for name in ("prometheus-south", "sidecar-south", "query-south"):
        together.running.stop(name, kill=True)
    seen(together, "north", {"north"})
    eventually(
        lambda: data_services(together, "north") == {"north"}, seconds=SECONDS, what="the lost region is noticed"
    )


def test_a_querier_with_a_certificate_of_another_root_reads_nothing(regions: Regions) -> None:
    regions.start_store("north")
    regions.start_querier("north")
    seen(regions, "north", {"north"})
    regions.start_querier("south", root=root_authority())
    refused = r"certificate signed by unknown authority|bad certificate|unknown certificate"
    eventually(
        lambda: re.search(refused, regions.running.log("query-south")), seconds=SECONDS, what="it is turned away"
    )
    assert regions.regions_seen("south") == set()


def test_nobody_can_pose_as_another_region_s_peer_endpoint(regions: Regions) -> None:
    regions.start_store("north", known_as=[name for name in STORE_NAMES if "peers" not in name])
    regions.start_querier("north")
    seen(regions, "north", {"north"})
    regions.start_querier("south")
    eventually(
        lambda: "certificate is valid for" in regions.running.log("query-south"), seconds=SECONDS, what="it is noticed"
    )
    assert regions.regions_seen("south") == set()
