"""Bad configurations, with the exact messages."""

import pytest

from tests.support.bad_settings import ADDRESS_RULE, GOOD, MAP_RULE, PLACE, broken, complaints, with_change

pytestmark = pytest.mark.unit

OWN = {"cloud": "existing", "egressAddresses": ["192.0.2.10"]}
HERE = {**OWN, "name": "here", "context": "one", "slot": 200, "geography": PLACE}
THERE = {**OWN, "name": "there", "context": "two", "slot": 201, "geography": PLACE}
SLOT_RULE = (
    "is already the slot of regions[{}], so their addresses would overlap; "
    "choose a slot from 192 to 255 that no other region has"
)
IOWA = {**OWN, "name": "us-central1", "context": "three"}

SEVERAL_REGIONS = [
    (
        [HERE, THERE | {"name": "here"}],
        ['regions[1].name: "here" is already the name of regions[0]; give each region its own name'],
    ),
    (
        [HERE, THERE | {"context": "one"}],
        ['regions[1].context: "one" is already the cluster of regions[0]; give each region its own cluster'],
    ),
    (
        [HERE, {key: value for key, value in THERE.items() if key != "context"}],
        [
            "regions[1].context: is missing: with several regions, each names its cluster; "
            "add a kubeconfig context; `kubectl config get-contexts` lists them"
        ],
    ),
    (
        [HERE, THERE | {"slot": 200}],
        [f"regions[1].slot: 200 {SLOT_RULE.format(0)}"],
    ),
    (
        [HERE | {"slot": 1}, IOWA],
        [f"regions[1].slot: 1 {SLOT_RULE.format(0)}"],
    ),
    (
        [IOWA, {"name": "at-home", "cloud": "existing", "context": "one"}],
        [
            "regions[1].egressAddresses: is missing: other regions accept connections from known addresses only; "
            "list the IPv4 addresses that the cluster's pods connect from, those of its NAT or nodes "
            "(public ones, if another region is on a cloud)",
            'regions[1].geography: is missing: the catalogue does not know "at-home"; '
            "add latitude, longitude, timeZone and languages below it",
            'regions[1].slot: is missing: the catalogue does not know "at-home"; '
            "add one from 192 to 255 and never change it (0 if this region was the stack's only one before)",
        ],
    ),
    (
        [HERE, IOWA | {"name": "us-centrl1", "slot": 202}],
        [
            'regions[1].geography: is missing: the catalogue does not know "us-centrl1"; '
            "did you mean the name us-central1? Else add latitude, longitude, timeZone and languages below it"
        ],
    ),
]


@pytest.mark.parametrize(("regions", "expected"), SEVERAL_REGIONS)
def test_regions_that_do_not_go_together_are_reported(regions: list[dict[str, object]], expected: list[str]) -> None:
    data_services = {"database": {"primaryRegion": regions[0]["name"]}, "messaging": {"servers": 3}}
    assert complaints({"stage": "continental", "regions": regions, **data_services}) == expected


def test_all_mistakes_are_reported_at_once() -> None:
    values = {
        "regions": [HERE | {"name": "Here"}, THERE | {"slot": 200, "zone": "a"}],
        "database": {"nodes": 2, "survive": "region", "primaryRegion": "heer"},
        "services": {"agent-network": {"image": "agent", "minReplicas": 9}},
    }
    assert broken(values) == [
        "stage",
        "regions[0].name",
        "regions[1].zone",
        "database.nodes",
        "services.agent-network.image",
        "regions[1].slot",
        "database.survive",
        "messaging.servers",
        "services.agent-network.minReplicas",
    ]


def test_of_what_depends_on_a_malformed_setting_nothing_is_said() -> None:
    # The primary region may be the region with the malformed name.
    values = {"stage": "local", "regions": [HERE | {"name": "Here"}, THERE], "messaging": {"servers": 3}}
    assert broken({**values, "database": {"primaryRegion": "here"}}) == ["regions[0].name"]
    assert broken({**values, "database": {"primaryRegion": "Here"}}) == ["regions[0].name", "database.primaryRegion"]


def test_what_is_malformed_hides_no_mistake_beside_it() -> None:
    region = {**HERE, "geography": 1, "slot": "two"}
    assert broken({**GOOD, "regions": [region, THERE | {"slot": 200}, THERE]}) == [
        "regions[0].geography",
        "regions[0].slot",
        "regions[2].name",
        "regions[2].context",
        "database.primaryRegion",
        "messaging.servers",
    ]


def test_entries_of_a_list_keep_their_numbers_behind_a_malformed_one() -> None:
    assert complaints({**GOOD, "regions": ["elsewhere", HERE, THERE | {"slot": 200}]}) == [
        f'regions[0]: "elsewhere" {MAP_RULE}',
        f"regions[2].slot: 200 {SLOT_RULE.format(1)}",
    ]


@pytest.mark.parametrize("address", ["10.0.0.0/8", "0.0.0.0", "127.0.0.1", "nat.example.org"])
def test_those_who_may_knock_are_single_addresses(address: str) -> None:
    (line,) = complaints(with_change("regions[0].egressAddresses", [address]))
    assert line == f'regions[0].egressAddresses[0]: "{address}" {ADDRESS_RULE}'


def test_a_region_alone_that_is_ready_for_others_says_how_they_reach_it() -> None:
    ready = {**GOOD, "database": {"primaryRegion": "local"}, "messaging": {"servers": 3}}
    region = {"name": "local", "cloud": "existing", "serviceType": "NodePort"}
    assert broken({**ready, "regions": [region]}) == [
        "regions[0].egressAddresses",
        "regions[0].serviceType",
    ]


def test_everything_missing_is_asked_for() -> None:
    assert complaints({}) == [
        "stage: is missing; add e.g. stage: local",
        "regions: is missing; add e.g. regions: [{name: local, cloud: existing}]",
    ]
    assert complaints({"stage": "local", "regions": [{"geography": {}}]}) == [
        "regions[0].name: is missing; add e.g. name: us-central1",
        "regions[0].cloud: is missing; add e.g. cloud: existing",
        "regions[0].geography.latitude: is missing; add e.g. latitude: 50.85",
        "regions[0].geography.longitude: is missing; add e.g. longitude: 4.35",
        "regions[0].geography.timeZone: is missing; add e.g. timeZone: Europe/Brussels",
        "regions[0].geography.languages: is missing; add e.g. languages: [nl, fr]",
    ]


@pytest.mark.parametrize("regions", [[], None, "us-central1", ["us-central1", "europe-west1"]])
def test_of_a_list_without_a_region_nothing_else_is_said(regions: object) -> None:
    database = {"survive": "region", "primaryRegion": "us-central1", "backup": {"regions": ["us-central1"]}}
    told = complaints({**GOOD, "regions": regions, "database": database, "messaging": {"servers": 3}})
    assert told
    assert [line for line in told if not line.startswith("regions")] == []


def test_the_value_of_an_unknown_key_is_not_shown_because_it_could_be_a_secret() -> None:
    assert "hunter2" not in "".join(complaints(with_change("database.password", "hunter2")))


def test_a_long_value_is_cut_off() -> None:
    (line,) = complaints(with_change("edge.domain", "x" * 500))
    assert line.startswith(f'edge.domain: "{"x" * 56}... must be a domain name')
