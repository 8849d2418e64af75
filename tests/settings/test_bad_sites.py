"""Bad edge sites, with the exact messages."""

from typing import Any

import pytest

from stacks.settings import parse
from tests.settings.test_bad_regions import IOWA
from tests.support.bad_settings import NAME_RULE, NOT_A_REGION, complaints
from tests.support.edge_sites import LISBON, OULU

pytestmark = pytest.mark.unit

BELGIUM = {**IOWA, "name": "europe-west1"}
OWN = {
    "name": "office",
    "cloud": "existing",
    "context": "office",
    "egressAddresses": ["192.0.2.10"],
    "slot": 200,
    "geography": LISBON["geography"],
}
COUNCILS = {"name": "councils", "subjects": ["councils.>"], "home": "europe-west1", "maxSize": "1Gi"}


def stack(*sites: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a configuration with these sites."""
    return {
        "stage": "continental",
        "regions": [IOWA, BELGIUM, OWN],
        "messaging": {"servers": 3},
        "database": {"primaryRegion": "us-central1"},
        "edgeSites": list(sites),
        **more,
    }


def messaging(*streams: dict[str, Any]) -> dict[str, Any]:
    return {"servers": 3, "streams": list(streams)}


BAD = [
    (stack({**LISBON, "name": "Lisbon"}), f'edgeSites[0].name: "Lisbon" {NAME_RULE}'),
    (
        stack(LISBON, {**OULU, "name": "lisbon"}),
        'edgeSites[1].name: "lisbon" is already the name of edgeSites[0]; give each site its own name',
    ),
    (
        stack({**LISBON, "name": "office"}),
        'edgeSites[0].name: "office" is already the name of regions[2]; give each site its own name',
    ),
    (
        stack({**LISBON, "context": "office"}),
        'edgeSites[0].context: "office" is already the cluster of regions[2]; give each site its own cluster',
    ),
    (
        stack(LISBON, {**OULU, "context": "lisbon"}),
        'edgeSites[1].context: "lisbon" is already the cluster of edgeSites[0]; give each site its own cluster',
    ),
    (
        stack({**LISBON, "home": "europe-west9"}),
        f'edgeSites[0].home: "europe-west9" {NOT_A_REGION}; did you mean europe-west1?',
    ),
    (
        stack({key: value for key, value in LISBON.items() if key != "home"}),
        "edgeSites[0].home: is missing; add e.g. home: europe-west1",
    ),
    (
        stack({**LISBON, "egressAddresses": []}),
        "edgeSites[0].egressAddresses: [] must have at least one entry; write e.g. [203.0.113.7]",
    ),
    (
        stack({**LISBON, "home": "us-central1"}, regions=[IOWA], database={}),
        "edgeSites: need a home that others can reach, and a region alone has no peer endpoints; "
        "write database: {primaryRegion: us-central1}",
    ),
    (
        stack(LISBON, messaging=messaging({**COUNCILS, "maxSize": "1Gi"}), edgeSites=[{**LISBON, "storage": "2Gi"}]),
        'edgeSites[0].storage: "2Gi" is too little for the copies of its home\'s streams and what is yet to be '
        "sent to them, together 2.00Gi: a tenth stays free; raise storage, or lower maxSize of streams",
    ),
]


@pytest.mark.parametrize(("values", "complaint"), BAD)
def test_a_bad_site_is_reported_with_path_value_rule_and_remedy(values: dict[str, Any], complaint: str) -> None:
    assert complaints(values) == [complaint]


def test_sites_need_a_database_with_peer_endpoints() -> None:
    alone = stack(
        {**LISBON, "home": "us-central1"},
        regions=[IOWA],
        database={"engine": "postgresql", "primaryRegion": "us-central1"},
    )
    assert (
        "edgeSites: cannot reach postgresql, which has private addresses only; "
        "write database: {engine: cockroachdb}, or remove the sites"
    ) in complaints(alone)


def test_there_are_no_sites_by_default() -> None:
    assert parse(stack()).edge_sites == ()


def test_a_streams_copy_needs_half_of_what_a_stream_that_lives_at_the_sites_home_needs() -> None:
    elsewhere = {**COUNCILS, "home": "us-central1", "mirroredIn": "europe-west1"}
    assert parse(stack(messaging=messaging(elsewhere), edgeSites=[{**LISBON, "storage": "2Gi"}])).edge_sites


def test_the_sites_of_a_region_are_sorted_by_name() -> None:
    far = {**LISBON, "name": "azores", "context": "azores", "home": "us-central1"}
    settings = parse(stack(OULU, far, LISBON))
    assert [site.name for site in settings.sites_of("europe-west1")] == ["lisbon", "oulu"]
    assert [site.name for site in settings.sites_of("us-central1")] == ["azores"]


@pytest.mark.parametrize(
    ("address", "complaint"),
    [
        ("gateway.example.org", "is not an IPv4 address, and Cloud DNS checks the health of addresses only; "),
        ("192.168.1.7", "is a private address, which a CDN cannot reach; "),
    ],
)
def test_a_cdn_can_reach_the_sites_that_it_sends_users_to(address: str, complaint: str) -> None:
    values = stack({**LISBON, "gatewayAddress": address}, regions=[IOWA, BELGIUM])
    (found,) = complaints({**values, "edge": {"cdn": "gcp", "domain": "sacred-council.love", "project": "my-project"}})
    assert found.startswith(f'edgeSites[0].gatewayAddress: "{address}" {complaint}')
    assert parse(values).steered_sites == ()
