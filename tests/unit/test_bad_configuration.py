"""Bad configurations and exactly what is said about them."""

import copy
from collections.abc import Mapping
from typing import Any

import pytest

from stacks.settings import SettingsError, parse

GOOD: Mapping[str, Any] = {"stage": "local", "regions": [{"name": "local", "cloud": "existing"}]}

PLACE = {"latitude": 50.85, "longitude": 4.35, "timeZone": "Europe/Brussels", "languages": ["nl", "fr"]}
OWN = {"cloud": "existing", "egressAddresses": ["192.0.2.10"]}
HERE = {**OWN, "name": "here", "context": "one", "slot": 200, "geography": PLACE}
THERE = {**OWN, "name": "there", "context": "two", "slot": 201, "geography": PLACE}
IOWA = {**OWN, "name": "us-central1", "context": "three"}

BYTES_RULE = (
    "must be a Kubernetes quantity with a unit (Ki, Mi, Gi, Ti, k, M, G, T) above zero; write e.g. 512Mi or 10Gi"
)
CPU_RULE = "must be a Kubernetes quantity of processor time above zero; write e.g. 250m or 2"
IMAGE_RULE = (
    "must name one version of the image: a tag other than latest, or a digest; write e.g. ghcr.io/example/service:1.4.2"
)
NAME_RULE = (
    "must be a DNS label of at most 32 characters: lower case letters, digits and hyphens, starting with a letter; "
    "write e.g. us-central1"
)
FOLDER_RULE = (
    "must be the HTTPS address of a folder, without a query; "
    "write e.g. https://git.example.org/council/platform/blob/main/docs/runbooks"
)
DURATION_RULE = "must be a duration in hours, days, weeks or years; write e.g. 12h, 7d or 4w"
MAP_RULE = "must be a map of settings; write one `key: value` a line below it, indented"

SINGLE = [
    (
        "stage",
        "continetal",
        '"continetal" must be local, regional, continental or planetary; did you mean continental?',
    ),
    (
        "stage",
        4,
        "4 must be local, regional, continental or planetary; write local, regional, continental or planetary",
    ),
    ("regions", [], "[] must have at least one entry; write e.g. [{name: local, cloud: existing}]"),
    ("regions", {"name": "x"}, '{"name": "x"} must be a list; begin each entry on a line of its own with a hyphen'),
    ("regions[0]", "local", f'"local" {MAP_RULE}'),
    ("regions[0].name", "Local", f'"Local" {NAME_RULE}'),
    ("regions[0].name", "1st", f'"1st" {NAME_RULE}'),
    ("regions[0].name", "a" * 33, f'"{"a" * 33}" {NAME_RULE}'),
    ("regions[0].name", "ends-", f'"ends-" {NAME_RULE}'),
    ("regions[0].name", 7, "7 must be text; put it in quotes"),
    ("regions[0].cloud", "existin", '"existin" must be existing, gcp, aws or azure; did you mean existing?'),
    ("regions[0].cloud", "gpc", '"gpc" must be existing, gcp, aws or azure; did you mean gcp?'),
    (
        "regions[0].cloud",
        "moon",
        '"moon" must be existing, gcp, aws or azure; write existing, gcp, aws or azure',
    ),
    ("regions[0].cloud", ["gcp"], '["gcp"] must be existing, gcp, aws or azure; did you mean gcp?'),
    (
        "regions[0].nodes",
        {},
        "is not a setting; known here: name, cloud, geography, slot, context, serviceType, gatewayAddress, "
        "egressAddresses",
    ),
    ("regions[0].service_type", "NodePort", "is not a setting; did you mean serviceType?"),
    (
        "regions[0].serviceType",
        "loadbalancer",
        '"loadbalancer" must be LoadBalancer, NodePort or ClusterIP; did you mean LoadBalancer?',
    ),
    (
        "regions[0].context",
        "",
        '"" must be the name of a kubeconfig context; `kubectl config get-contexts` lists them',
    ),
    ("regions[0].slot", 256, "256 must be at most 255; write 255 or less"),
    ("regions[0].slot", -1, "-1 must be at least 0; write 0 or more"),
    ("regions[0].slot", 1.5, "1.5 must be a whole number; write it without quotes, e.g. 3"),
    ("regions[0].slot", True, "true must be a whole number; write it without quotes, e.g. 3"),
    ("regions[0].geography", PLACE | {"latitude": 91}, ".latitude: 91 must be at most 90; write 90 or less"),
    ("regions[0].geography", PLACE | {"longitude": -181}, ".longitude: -181 must be at least -180; write -180 or more"),
    (
        "regions[0].geography",
        PLACE | {"latitude": "north"},
        '.latitude: "north" must be a number; write it without quotes, e.g. 0.5',
    ),
    (
        "regions[0].geography",
        PLACE | {"timeZone": "CEST+1"},
        '.timeZone: "CEST+1" must be the name of an IANA time zone; write e.g. Europe/Brussels or Etc/UTC',
    ),
    (
        "regions[0].geography",
        PLACE | {"timeZone": "Europe/Brusels"},
        '.timeZone: "Europe/Brusels" is not in the IANA time zone database; did you mean Europe/Brussels?',
    ),
    (
        "regions[0].geography",
        PLACE | {"timeZone": "America/Argentina"},
        '.timeZone: "America/Argentina" is not in the IANA time zone database; did you mean America/Argentina/Salta?',
    ),
    (
        "regions[0].geography",
        PLACE | {"country": "Belgium"},
        '.country: "Belgium" must be an ISO 3166 country code of two capitals; write e.g. BE',
    ),
    (
        "regions[0].geography",
        PLACE | {"languages": []},
        ".languages: [] must have at least one entry; write e.g. [nl, fr]",
    ),
    (
        "regions[0].geography",
        PLACE | {"languages": ["nl", "Dutch"]},
        '.languages[1]: "Dutch" must be a BCP 47 language tag; write e.g. nl, pt-BR or zh-Hant-TW',
    ),
    (
        "regions[0].geography",
        PLACE | {"languages": ["nl", "nl"]},
        '.languages: ["nl", "nl"] must not name a language twice; remove the repetition',
    ),
    ("database", [], f"[] {MAP_RULE}"),
    ("database.engine", "cockroach", '"cockroach" must be cockroachdb or postgresql; did you mean cockroachdb?'),
    ("database.engine", "postgres", '"postgres" must be cockroachdb or postgresql; did you mean postgresql?'),
    ("database.nodes", 2, "2 must be 1, or 3 or more: two nodes cannot outvote each other; write 1 or 3"),
    ("database.nodes", 0, "0 must be 1, or 3 or more: two nodes cannot outvote each other; write 1 or 3"),
    ("database.nodes", "3", '"3" must be a whole number; write it without quotes, e.g. 3'),
    ("database.survive", "region", '"region" needs at least 3 regions, not 1; add regions, or write zone'),
    ("database.survive", "zones", '"zones" must be zone or region; did you mean zone?'),
    ("database.storage", "10Gb", f'"10Gb" {BYTES_RULE}'),
    ("database.storage", 10, f"10 {BYTES_RULE}"),
    ("database.storage", "0Gi", f'"0Gi" {BYTES_RULE}'),
    ("database.cpu", "half", f'"half" {CPU_RULE}'),
    ("database.cpu", 0, f"0 {CPU_RULE}"),
    ("database.storge", "10Gi", "is not a setting; did you mean storage?"),
    ("cache.engine", "valkey", '"valkey" must be redis or managed; write redis or managed'),
    ("cache.replicas", 2, "2 must be 1, or 3 or more: failover needs a quorum; write 1 (no failover) or 3"),
    (
        "cache.maxMemory",
        "256Mi",
        '"256Mi" must be below memory, which is 256Mi: Redis needs some for itself; '
        "write about half of memory, or raise memory",
    ),
    ("messaging.servers", 2, "2 must be 1, 3 or 5: JetStream needs an odd quorum; write 1, 3 or 5"),
    ("mesh.enabled", "yes", '"yes" must be true or false; write true or false, without quotes'),
    ("mesh.replicas", 0, "0 must be at least 1; write 1 or more"),
    ("mesh.replicas", 6, "6 must be at most 5; write 5 or less"),
    ("mesh.postQuantum", "preferred", '"preferred" must be off, prefer or strict; did you mean prefer?'),
    ("mesh.postQuantum", True, "true must be off, prefer or strict; write off, prefer or strict"),
    ("monitoring.retention", "1 week", f'"1 week" {DURATION_RULE}'),
    ("monitoring.retention", 7, f"7 {DURATION_RULE}"),
    ("monitoring.traceSampling", 10, "10 must be at most 1; write 1 or less"),
    ("monitoring.traceSampling", -0.1, "-0.1 must be at least 0; write 0 or more"),
    ("monitoring.machinePrices", {"e2-small": -1.5}, ".e2-small: -1.5 must be at least 0; write 0 or more"),
    (
        "monitoring.machinePrices",
        {"e2-small": "12"},
        '.e2-small: "12" must be a number; write it without quotes, e.g. 0.5',
    ),
    ("monitoring.runbooks", "docs/runbooks", f'"docs/runbooks" {FOLDER_RULE}'),
    ("monitoring.runbooks", "http://example.org/runbooks", f'"http://example.org/runbooks" {FOLDER_RULE}'),
    ("monitoring.runbooks", "https://example.org/?page=", f'"https://example.org/?page=" {FOLDER_RULE}'),
    ("services.agent-netwrk", {}, "is not a setting; did you mean agent-network?"),
    (
        "services.billing",
        {},
        "is not a setting; known here: consciousness-field, agent-network, sacred-messaging, work-coordination",
    ),
    ("services.agent-network", {"image": "example/agent"}, f'.image: "example/agent" {IMAGE_RULE}'),
    ("services.agent-network", {"image": "example/agent:latest"}, f'.image: "example/agent:latest" {IMAGE_RULE}'),
    ("services.agent-network", {"image": "localhost:5000/agent"}, f'.image: "localhost:5000/agent" {IMAGE_RULE}'),
    (
        "services.agent-network",
        {"image": "Example/agent:1"},
        '.image: "Example/agent:1" must be a container image; write e.g. ghcr.io/example/service:1.4.2',
    ),
    (
        "services.agent-network",
        {"minReplicas": 4},
        ".minReplicas: 4 must not be above maxReplicas, which is 3; write 3 or less, or raise maxReplicas",
    ),
    (
        "services.agent-network",
        {"followTheSun": True},
        ".followTheSun: true changes nothing with a minReplicas of 1: nights keep two of two; "
        "write a minReplicas of 3 or more, or leave followTheSun out",
    ),
    ("services.agent-network", {"maxReplicas": 0}, ".maxReplicas: 0 must be at least 1; write 1 or more"),
    (
        "edge.domain",
        "https://sacred-council.love/",
        '"https://sacred-council.love/" must be a domain name in lower case, without a scheme or a path; '
        "write e.g. sacred-council.love",
    ),
    ("databse", {"password": "hunter2"}, "is not a setting; did you mean database?"),
    ("cockroachLicence", "hunter2", "is not a setting; did you mean cockroachdbLicense?"),
]

SEVERAL_REGIONS = [
    (
        [HERE, THERE | {"name": "here"}],
        ['regions[1].name: "here" is the name of regions[0] already; give each region a name of its own'],
    ),
    (
        [HERE, THERE | {"context": "one"}],
        ['regions[1].context: "one" is the cluster of regions[0] already; give each region a cluster of its own'],
    ),
    (
        [HERE, {key: value for key, value in THERE.items() if key != "context"}],
        [
            "regions[1].context: is missing: with several regions each names its cluster; "
            "add a kubeconfig context; `kubectl config get-contexts` lists them"
        ],
    ),
    (
        [HERE, THERE | {"slot": 200}],
        [
            "regions[1].slot: 200 is the slot of regions[0] already, so that their addresses would overlap; "
            "choose a slot from 192 to 255 that no other region has"
        ],
    ),
    (
        [HERE | {"slot": 1}, IOWA],
        [
            "regions[1].slot: 1 is the slot of regions[0] already, so that their addresses would overlap; "
            "choose a slot from 192 to 255 that no other region has"
        ],
    ),
    (
        [IOWA, {"name": "at-home", "cloud": "existing", "context": "one"}],
        [
            "regions[1].egressAddresses: is missing: other regions let in nobody but the addresses that they know; "
            "name the IPv4 addresses that the cluster's pods are seen with from outside, those of its NAT or nodes "
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


def with_change(path: str, value: object) -> dict[str, Any]:
    """The good configuration with `value` at `path`."""
    values: dict[str, Any] = copy.deepcopy(dict(GOOD))
    *parents, last = path.replace("[0]", ".0").split(".")
    place: Any = values
    for step in parents:
        place = place[int(step)] if isinstance(place, list) else place.setdefault(step, {})
    place[int(last) if isinstance(place, list) else last] = value
    return values


def complaints(values: Mapping[str, object]) -> list[str]:
    """What is said about a bad configuration, a line for each mistake."""
    with pytest.raises(SettingsError) as caught:
        parse(values)
    headline, *lines = str(caught.value).split("\n  sacred-council:")
    number = "1 mistake" if len(lines) == 1 else f"{len(lines)} mistakes"
    assert headline == f"The configuration has {number}. Nothing was changed."
    return lines


@pytest.mark.parametrize(("path", "value", "complaint"), SINGLE)
def test_one_bad_value_is_reported_with_path_value_rule_and_remedy(path: str, value: object, complaint: str) -> None:
    expected = f"{path}{complaint}" if complaint.startswith(".") else f"{path}: {complaint}"
    assert complaints(with_change(path, value)) == [expected]


@pytest.mark.parametrize(("regions", "expected"), SEVERAL_REGIONS)
def test_regions_that_do_not_go_together_are_reported(regions: list[dict[str, object]], expected: list[str]) -> None:
    stores = {"database": {"founder": regions[0]["name"]}, "messaging": {"servers": 3}}
    assert complaints({"stage": "continental", "regions": regions, **stores}) == expected


def test_all_mistakes_are_reported_at_once() -> None:
    values = {
        "regions": [HERE | {"name": "Here"}, THERE | {"slot": 200, "zone": "a"}],
        "database": {"nodes": 2, "survive": "region", "founder": "heer"},
        "services": {"agent-network": {"image": "agent", "minReplicas": 9}},
    }
    assert complaints(values) == [
        "stage: is missing; add e.g. stage: local",
        f'regions[0].name: "Here" {NAME_RULE}',
        "regions[1].zone: is not a setting; known here: name, cloud, geography, slot, context, serviceType, "
        "gatewayAddress, egressAddresses",
        "database.nodes: 2 must be 1, or 3 or more: two nodes cannot outvote each other; write 1 or 3",
        f'services.agent-network.image: "agent" {IMAGE_RULE}',
        "regions[1].slot: 200 is the slot of regions[0] already, so that their addresses would overlap; "
        "choose a slot from 192 to 255 that no other region has",
        'database.founder: "heer" is not the name of a region of this stack; did you mean Here?'
        " How a founder leaves is in docs/runbooks/remove-a-region.md",
        'database.survive: "region" needs at least 3 regions, not 2; add regions, or write zone',
        "messaging.servers: 1 is too few for 2 regions: a region that has others beside it needs servers that can "
        "vote; write 3 or 5; where streams exist already, see docs/runbooks/nats-more-servers.md first",
        "services.agent-network.minReplicas: 9 must not be above maxReplicas, which is 3; "
        "write 3 or less, or raise maxReplicas",
    ]


@pytest.mark.parametrize("address", ["10.0.0.0/8", "0.0.0.0", "127.0.0.1", "nat.example.org"])
def test_those_who_may_knock_are_single_addresses(address: str) -> None:
    (line,) = complaints(with_change("regions[0].egressAddresses", [address]))
    assert line == (
        f'regions[0].egressAddresses[0]: "{address}" must be an IPv4 address that a cluster can have; '
        "write e.g. 203.0.113.7"
    )


def test_a_region_alone_that_is_ready_for_others_says_how_they_reach_it() -> None:
    ready = {**GOOD, "database": {"founder": "local"}, "messaging": {"servers": 3}}
    region = {"name": "local", "cloud": "existing", "serviceType": "NodePort"}
    assert [line.partition(": ")[0] for line in complaints({**ready, "regions": [region]})] == [
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
    database = {"survive": "region", "founder": "us-central1", "backup": {"regions": ["us-central1"]}}
    told = complaints({**GOOD, "regions": regions, "database": database, "messaging": {"servers": 3}})
    assert told
    assert [line for line in told if not line.startswith("regions")] == []


def test_the_value_of_an_unknown_key_is_not_shown_because_it_could_be_a_secret() -> None:
    assert "hunter2" not in "".join(complaints(with_change("database.password", "hunter2")))


def test_a_long_value_is_cut_off() -> None:
    (line,) = complaints(with_change("edge.domain", "x" * 500))
    assert line.startswith(f'edge.domain: "{"x" * 56}... must be a domain name')
