"""Bad regions of clouds, with the exact messages."""

from typing import Any

import pytest

from stacks.settings import parse
from tests.support.bad_settings import BOOLEAN_RULE, MAP_RULE, NOT_A_REGION, broken, complaints

pytestmark = pytest.mark.unit

GROUP = "11111111-2222-3333-4444-555555555555"
PLACE = {"latitude": 50.85, "longitude": 4.35, "timeZone": "Europe/Brussels", "languages": ["nl", "fr"]}
IOWA: dict[str, Any] = {
    "name": "us-central1",
    "cloud": "gcp",
    "project": "my-project",
    "nodes": {"type": "e2-standard-4", "min": 3, "max": 9},
}
VIRGINIA: dict[str, Any] = {
    "name": "us-east-1",
    "cloud": "aws",
    "administrators": ["arn:aws:iam::123456789012:role/deployers"],
    "nodes": {"type": "m7i.xlarge", "min": 3, "max": 9},
}
AMSTERDAM: dict[str, Any] = {
    "name": "westeurope",
    "cloud": "azure",
    "adminGroups": [GROUP],
    "nodes": {"type": "Standard_D4s_v5", "min": 3, "max": 9},
}
TWO = ("us-central1", "europe-west1")
VERSION_RULE = 'must be a Kubernetes minor version; write e.g. "1.35", in quotes'
NETWORK_RULE = (
    "must be an IPv4 range in CIDR notation, with no bits set after the prefix; "
    "write e.g. 203.0.113.0/24, or 203.0.113.7/32 for one address"
)
CALLERS_RULE = (
    "is not a public range, as required by {}; "
    "write the public addresses that you and your pipelines connect from, or remove it"
)
ZONES_RULE = (
    "must be two to four zone letters, no two of them four letters apart (such as a and e); write e.g. [a, b, c]"
)

ADDRESSES_RULE = (
    "is more than the {0} nodes that the region's pod addresses allow; "
    "write {0} or less, and use a larger machine type or another region"
)
EACH_ZONE_RULE = "is too small for 3 zones: each zone needs a node; write 3 or more, or name fewer zones"
AZURE_SIZE_RULE = "must be an Azure virtual machine size; write e.g. Standard_D4s_v5"
PATCHES_RULE = 'must be a month, or another short text; write e.g. "2026-12"'
PROJECT_RULE = (
    "must be the id of a Google Cloud project: 6 to 30 lower case letters, digits and hyphens; "
    "`gcloud projects list` shows the ids"
)
TOO_FEW_RULE = (
    "is too few for {}: each region needs enough servers to vote; "
    "write 3 or 5; if streams exist already, follow docs/runbooks/nats-more-servers.md first"
)
LEAVING = "To remove a primary region, follow docs/runbooks/remove-a-region.md"

HERE = [
    (IOWA, "zones", ["a"], "is not a setting; did you mean nodes?"),
    (
        IOWA,
        "context",
        "home",
        "is not a setting; known here: name, cloud, geography, slot, traffic, nodes, apiAccess, deletionProtection, "
        "flowLogs, project, releaseChannel, kubernetesVersion, instances",
    ),
    (IOWA, "nodes", None, f"null {MAP_RULE}"),
    (
        IOWA,
        "nodes",
        {"type": "m7i.xlarge", "min": 3, "max": 9},
        '.type: "m7i.xlarge" must be a Google Cloud machine type; write e.g. e2-standard-4',
    ),
    (
        VIRGINIA,
        "nodes",
        {"type": "e2-standard-4", "min": 3, "max": 9},
        '.type: "e2-standard-4" must be an AWS instance type; write e.g. m7i.xlarge',
    ),
    (
        AMSTERDAM,
        "nodes",
        {"type": "D4s_v5", "min": 3, "max": 9},
        f'.type: "D4s_v5" {AZURE_SIZE_RULE}',
    ),
    (
        IOWA,
        "nodes",
        {"type": "e2-standard-4", "min": 4, "max": 3},
        '{"type": "e2-standard-4", "min": 4, "max": 3} must not have a min above its max; lower min or raise max',
    ),
    (
        VIRGINIA,
        "nodes",
        {"type": "m7i.xlarge", "min": 1, "max": 2},
        f".max: 2 {EACH_ZONE_RULE}",
    ),
    (
        # cloud.google.com/kubernetes-engine/docs/concepts/regional-clusters: three zones, a node in each at first.
        IOWA,
        "nodes",
        {"type": "e2-standard-4", "min": 1, "max": 2},
        ".max: 2 is too small for 3 zones: each zone needs a node; write 3 or more",
    ),
    (
        IOWA,
        "nodes",
        {"type": "e2-standard-4", "min": 3, "max": 64},
        f".max: 64 {ADDRESSES_RULE.format(63)}",
    ),
    (
        AMSTERDAM,
        "nodes",
        {"type": "Standard_D4s_v5", "min": 3, "max": 100},
        f".max: 100 {ADDRESSES_RULE.format(52)}",
    ),
    (
        AMSTERDAM,
        "nodes",
        {"type": "Standard_D4s_v5", "min": 1, "max": 2},
        f".max: 2 {EACH_ZONE_RULE}",
    ),
    (
        VIRGINIA,
        "nodes",
        {"type": "m7i.xlarge", "min": 3, "max": 91},
        f".max: 91 {ADDRESSES_RULE.format(90)}",
    ),
    (
        VIRGINIA | {"zones": ["a", "b"]},
        "nodes",
        {"type": "m7i.xlarge", "min": 3, "max": 61},
        f".max: 61 {ADDRESSES_RULE.format(60)}",
    ),
    (
        VIRGINIA,
        "slot",
        0,
        "0 is not possible on AWS, which adds no range of 10.0.0.0/16 to a network that begins there; "
        "choose a slot from 192 to 255 that no other region has",
    ),
    (
        AMSTERDAM | {"upgradeChannel": "rapid"},
        "kubernetesVersion",
        "1.35",
        '"1.35" contradicts upgradeChannel rapid: Azure then raises the minor version itself; '
        "remove it, or write upgradeChannel: patch",
    ),
    (
        IOWA,
        "project",
        "My Project",
        f'"My Project" {PROJECT_RULE}',
    ),
    (
        IOWA,
        "releaseChannel",
        "regular",
        '"regular" must be RAPID, REGULAR, STABLE or EXTENDED; did you mean REGULAR?',
    ),
    (
        IOWA,
        "kubernetesVersion",
        "latest",
        '"latest" must be a Kubernetes or GKE version; write e.g. "1.35", or remove it to follow the release channel',
    ),
    (VIRGINIA, "kubernetesVersion", 1.35, "1.35 must be text; put it in quotes"),
    (VIRGINIA, "kubernetesVersion", "1.35.1", f'"1.35.1" {VERSION_RULE}'),
    (AMSTERDAM, "kubernetesVersion", "v1.35", f'"v1.35" {VERSION_RULE}'),
    (IOWA, "apiAccess", ["203.0.113.7/24"], f'[0]: "203.0.113.7/24" {NETWORK_RULE}'),
    (IOWA, "apiAccess", ["office"], f'[0]: "office" {NETWORK_RULE}'),
    (IOWA, "deletionProtection", "yes", f'"yes" {BOOLEAN_RULE}'),
    (VIRGINIA, "zones", ["a"], f'["a"] {ZONES_RULE}'),
    (VIRGINIA, "zones", ["a", "e"], f'["a", "e"] {ZONES_RULE}'),
    (VIRGINIA, "zones", ["a", "us-east-1b"], f'["a", "us-east-1b"] {ZONES_RULE}'),
    (
        VIRGINIA,
        "administrators",
        ["someone"],
        '[0]: "someone" must be the ARN of an IAM role or user; '
        "write e.g. arn:aws:iam::123456789012:role/administrators",
    ),
    (
        VIRGINIA,
        "administrators",
        ["arn:aws-cn:iam::123456789012:role/council"],
        '[0]: "arn:aws-cn:iam::123456789012:role/council" must be the ARN of an IAM role or user; '
        "write e.g. arn:aws:iam::123456789012:role/administrators",
    ),
    (
        VIRGINIA,
        "administrators",
        ["arn:aws:iam::123456789012:role/a", "arn:aws:iam::123456789012:role/b/a"],
        '["arn:aws:iam::123456789012:role/a", "arn:aws:iam::123456... must not list two roles or users of the '
        "same name, whatever their paths; remove or rename one of them",
    ),
    (
        VIRGINIA,
        "administrators",
        [],
        "[] must have at least one entry; write e.g. [arn:aws:iam::123456789012:role/administrators]",
    ),
    (VIRGINIA, "patches", "", f'"" {PATCHES_RULE}'),
    (VIRGINIA, "patches", "Dec 2026", f'"Dec 2026" {PATCHES_RULE}'),
    (VIRGINIA, "patches", 12, "12 must be text; put it in quotes"),
    (IOWA, "flowLogs", "all", f'"all" {BOOLEAN_RULE}'),
    (VIRGINIA, "apiAccess", ["10.0.0.0/8"], f'[0]: "10.0.0.0/8" {CALLERS_RULE.format("AWS")}'),
    (VIRGINIA, "apiAccess", ["100.64.0.1/32"], f'[0]: "100.64.0.1/32" {CALLERS_RULE.format("AWS")}'),
    (VIRGINIA, "apiAccess", ["203.0.113.0/24"], f'[0]: "203.0.113.0/24" {CALLERS_RULE.format("AWS")}'),
    (AMSTERDAM, "apiAccess", ["192.168.1.0/24"], f'[0]: "192.168.1.0/24" {CALLERS_RULE.format("Azure")}'),
    (AMSTERDAM, "adminGroups", [], f"[] must have at least one entry; write e.g. [{GROUP}]"),
    (
        AMSTERDAM,
        "subscription",
        "mine",
        '"mine" must be an Azure id: 32 hexadecimal digits with four hyphens; '
        "`az account show` and `az ad group list` show the ids of subscriptions and groups",
    ),
    (AMSTERDAM, "zones", ["a"], '[0]: "a" must be a zone number; write e.g. 1, 2 or 3'),
    (
        AMSTERDAM,
        "systemMachine",
        "m7i.large",
        f'"m7i.large" {AZURE_SIZE_RULE}',
    ),
    (AMSTERDAM, "zones", [1, 1], "[1, 1] must not name a zone twice; remove or rename one of them"),
]


def stack(*regions: dict[str, Any], **more: object) -> dict[str, Any]:
    """Return the configuration of a stack of these regions, with the settings that several regions need."""
    several = {"database": {"primaryRegion": regions[0]["name"]}, "messaging": {"servers": 3}}
    return {"stage": "planetary", "regions": list(regions), **(several if len(regions) > 1 else {}), **more}


def said(*regions: dict[str, Any], **more: object) -> list[str]:
    """Return the messages about a stack of these regions."""
    return complaints(stack(*regions, **more))


def paths(*regions: dict[str, Any], **more: object) -> list[str]:
    """Return the paths of the mistakes in a stack of these regions."""
    return broken(stack(*regions, **more))


def test_entries_beside_a_malformed_one_are_judged() -> None:
    assert paths(VIRGINIA | {"apiAccess": ["office", "10.0.0.0/8"]}) == [
        "regions[0].apiAccess[0]",
        "regions[0].apiAccess[1]",
    ]


def test_numbers_of_nodes_are_judged_beside_a_malformed_type() -> None:
    nodes = {"type": "e2-standard-4", "min": 3, "max": 91}
    assert paths(VIRGINIA | {"nodes": nodes}) == ["regions[0].nodes.type", "regions[0].nodes.max"]


@pytest.mark.parametrize(("region", "key", "value", "complaint"), HERE)
def test_a_bad_value_is_reported_with_path_value_rule_and_remedy(
    region: dict[str, Any], key: str, value: object, complaint: str
) -> None:
    path = f"regions[0].{key}"
    expected = f"{path}{complaint}" if complaint.startswith((".", "[0]")) else f"{path}: {complaint}"
    assert said(region | {key: value}) == [expected]


def test_what_a_cloud_needs_is_asked_for() -> None:
    assert said({"name": "us-central1", "cloud": "gcp"}) == [
        "regions[0].nodes: is missing; add e.g. nodes: {type: e2-standard-4, min: 3, max: 9}",
        "regions[0].project: is missing; add e.g. project: my-project, here or for all regions below clouds.gcp",
    ]
    assert said({"name": "us-east-1", "cloud": "aws"}) == [
        "regions[0].nodes: is missing; add e.g. nodes: {type: m7i.xlarge, min: 3, max: 9}",
        "regions[0].administrators: is missing; add e.g. "
        "administrators: [arn:aws:iam::123456789012:role/administrators], here or for all regions below clouds.aws",
    ]
    assert said({"name": "westeurope", "cloud": "azure", "nodes": {}}) == [
        "regions[0].nodes.type: is missing; add e.g. type: Standard_D4s_v5",
        "regions[0].nodes.min: is missing; add e.g. min: 3",
        "regions[0].nodes.max: is missing; add e.g. max: 9",
        "regions[0].adminGroups: is missing; "
        f"add e.g. adminGroups: [{GROUP}], here or for all regions below clouds.azure",
    ]


def test_what_another_cloud_understands_is_refused() -> None:
    for region, key, value in [
        (IOWA, "adminGroups", [GROUP]),
        (VIRGINIA, "project", "my-project"),
        (AMSTERDAM, "administrators", []),
    ]:
        (line,) = said(region | {key: value})
        assert line.startswith(f"regions[0].{key}: is not a setting; ")


def test_of_a_region_whose_cloud_is_unknown_nothing_else_is_judged_but_what_all_have() -> None:
    assert paths(IOWA | {"cloud": "gpc", "slot": 300}) == ["regions[0].cloud", "regions[0].slot"]


@pytest.mark.parametrize(
    ("name", "cloud", "owner", "nearest"),
    [("us-central1", "azure", "gcp", "centralus"), ("eastus", "aws", "azure", "us-east-1")],
)
def test_a_region_of_another_cloud_is_refused(name: str, cloud: str, owner: str, nearest: str) -> None:
    region = (VIRGINIA if cloud == "aws" else AMSTERDAM) | {"name": name}
    assert said(region) == [
        f'regions[0].cloud: "{cloud}" has no region {name}, which belongs to {owner}; '
        f"write {owner}, or a name such as {nearest}"
    ]


def test_any_name_will_do_for_a_cluster_that_is_there() -> None:
    assert parse({"stage": "local", "regions": [{"name": "us-east-1", "cloud": "existing"}]})


def test_a_region_that_the_catalogue_does_not_know_says_where_it_is_even_when_it_is_alone() -> None:
    poland = IOWA | {"name": "europe-central2"}
    assert said(poland) == [
        'regions[0].geography: is missing: the catalogue does not know "europe-central2"; '
        "did you mean the name europe-west2? Else add latitude, longitude, timeZone and languages below it",
        'regions[0].slot: is missing: the catalogue does not know "europe-central2"; '
        "did you mean the name europe-west2? Else add one from 192 to 255 and never change it "
        "(0 if this region was the stack's only one before)",
    ]
    (region,) = parse({"stage": "regional", "regions": [poland | {"geography": PLACE, "slot": 192}]}).regions
    assert region.name == "europe-central2"


def test_slot_0_is_not_proposed_on_aws_which_refuses_it() -> None:
    (line,) = said(VIRGINIA | {"name": "mx-central-1", "geography": PLACE})
    assert line.endswith("add one from 192 to 255 and never change it")


def test_a_mistake_in_what_a_cloud_s_regions_have_in_common_is_reported_there_and_once() -> None:
    regions = [{key: value for key, value in IOWA.items() if key != "project"} | {"name": name} for name in TWO]
    assert said(*regions, clouds={"gcp": {"project": "My Project", "zones": ["a"]}}) == [
        f'clouds.gcp.project: "My Project" {PROJECT_RULE}',
        "clouds.gcp.zones: is not a setting; did you mean nodes?",
    ]


def test_a_cloud_that_no_region_uses_is_judged_too() -> None:
    assert said(IOWA, clouds={"aws": {"zones": ["a"]}, "gpc": {}}) == [
        f'clouds.aws.zones: ["a"] {ZONES_RULE}',
        "clouds.gpc: is not a setting; did you mean gcp?",
    ]


@pytest.mark.parametrize("clouds", ["gcp", {"gcp": "my-project"}])
def test_clouds_that_are_not_maps_are_reported(clouds: object) -> None:
    (line,) = said(IOWA, clouds=clouds)
    assert "must be a map of settings" in line


def test_several_regions_need_a_primary_region_which_is_one_of_them() -> None:
    values = {"stage": "planetary", "regions": [IOWA, VIRGINIA], "messaging": {"servers": 3}}
    assert complaints(values) == [
        "database.primaryRegion: is missing: with several regions, all databases join that of the primary region; "
        "name the region that existed first (one of us-central1, us-east-1), and to change it later, follow "
        "docs/runbooks/remove-a-region.md"
    ]
    assert complaints({**values, "database": {"primaryRegion": "us-central2"}}) == [
        f'database.primaryRegion: "us-central2" {NOT_A_REGION}; did you mean us-central1? {LEAVING}'
    ]
    assert complaints({**values, "regions": [IOWA], "database": {"primaryRegion": "europe-west1"}}) == [
        f'database.primaryRegion: "europe-west1" {NOT_A_REGION}; known here: us-central1. {LEAVING}'
    ]


def test_one_server_of_messaging_is_too_few_for_several_regions() -> None:
    assert parse({"stage": "regional", "regions": [IOWA], "messaging": {"servers": 1}})
    for messaging in ({}, {"servers": 1}):
        assert said(IOWA, VIRGINIA, messaging=messaging) == [f"messaging.servers: 1 {TOO_FEW_RULE.format('2 regions')}"]


def test_one_server_of_messaging_is_too_few_for_the_first_of_several_regions() -> None:
    assert said(IOWA, database={"primaryRegion": "us-central1"}, messaging={"servers": 1}) == [
        f"messaging.servers: 1 {TOO_FEW_RULE.format('a stack with a primary region (us-central1)')}"
    ]


@pytest.mark.parametrize(
    ("region", "most"),
    [
        (IOWA, 63),
        (VIRGINIA, 90),
        # A /20 has 256 /28; EKS gives 250 pods (16 /28) to machines of 30 processors or more.
        (VIRGINIA | {"nodes": VIRGINIA["nodes"] | {"type": "m7i.8xlarge"}}, 36),
        (VIRGINIA | {"nodes": VIRGINIA["nodes"] | {"type": "m7i.metal-24xl"}}, 36),
        (VIRGINIA | {"nodes": VIRGINIA["nodes"] | {"type": "m7i.4xlarge"}, "zones": ["a", "b"]}, 60),
        (AMSTERDAM, 52),
        (AMSTERDAM | {"zones": ["2"]}, 58),
    ],
)
def test_as_many_nodes_as_the_pods_have_addresses_for_are_possible_and_no_more(
    region: dict[str, Any], most: int
) -> None:
    assert parse({"stage": "regional", "regions": [region | {"nodes": region["nodes"] | {"max": most}}]})
    assert said(region | {"nodes": region["nodes"] | {"max": most + 1}}) == [
        f"regions[0].nodes.max: {most + 1} {ADDRESSES_RULE.format(most)}"
    ]


def test_azure_may_raise_the_minor_version_where_none_is_named() -> None:
    assert parse({"stage": "regional", "regions": [AMSTERDAM | {"upgradeChannel": "stable"}]})


def test_more_networks_than_aws_lets_through_are_refused() -> None:
    office = [f"192.31.196.{number}/32" for number in range(40)]
    assert parse({"stage": "regional", "regions": [VIRGINIA | {"apiAccess": office}]})
    (line,) = said(VIRGINIA | {"apiAccess": office}, IOWA)
    assert line.startswith('regions[0].apiAccess: ["192.31.196.0/32", ')
    assert line.endswith(
        "together with the addresses of the other regions (1) exceeds the 40 networks that AWS allows; "
        "name fewer networks, or fewer zones in the regions on AWS and Azure"
    )
    (line,) = said(VIRGINIA | {"apiAccess": office}, AMSTERDAM)
    assert "together with the addresses of the other regions (3) exceeds" in line
    (line,) = said(VIRGINIA | {"apiAccess": office}, AMSTERDAM | {"zones": ["1", "3"]})
    assert "together with the addresses of the other regions (2) exceeds" in line


def test_networks_of_regions_that_never_call_the_api_do_not_count() -> None:
    office = [f"192.31.196.{number}/32" for number in range(40)]
    quiet = {
        "stage": "continental",
        "regions": [VIRGINIA | {"apiAccess": office}, IOWA],
        "database": {"primaryRegion": "us-central1"},
        "messaging": {"servers": 3},
        "mesh": {"enabled": False},
    }
    assert parse(quiet)
    repository = {"url": "https://git.example.org/council/platform.git"}
    (line,) = complaints({**quiet, "gitops": {"enabled": True, "repository": repository}})
    assert line.startswith("regions[0].apiAccess: ")
    hub = {"enabled": True, "hub": "us-east-1", "repository": repository}
    assert parse({**quiet, "gitops": hub})


def test_ranges_of_internal_networks_may_call_where_google_lets_them_in_from_inside() -> None:
    assert parse({"stage": "regional", "regions": [IOWA | {"apiAccess": ["10.0.0.0/8"]}]})


@pytest.mark.parametrize("everybody", ["0.0.0.0/0", "8.0.0.0/6"])
def test_a_network_that_is_more_than_an_internal_one_is_taken(everybody: str) -> None:
    assert parse({"stage": "regional", "regions": [VIRGINIA | {"apiAccess": [everybody]}]})


def test_addresses_that_aws_and_azure_would_refuse_among_the_callers_of_their_clusters_are_refused() -> None:
    cellar = {"name": "cellar", "cloud": "existing", "context": "cellar", "geography": PLACE, "slot": 200}
    private = cellar | {"egressAddresses": ["203.0.113.7", "10.1.2.3"]}
    assert said(VIRGINIA, private) == [
        'regions[1].egressAddresses[1]: "10.1.2.3" is not a public address, as required by AWS; '
        "write the public address that the cluster's pods connect from"
    ]
    # Without a mesh no other region calls the Kubernetes API. Existing clusters may share a private network.
    data_services = {"database": {"primaryRegion": "us-east-1"}, "messaging": {"servers": 3}}
    assert parse({"stage": "planetary", "regions": [VIRGINIA, private], **data_services, "mesh": {"enabled": False}})
    attic = private | {"name": "attic", "context": "attic", "slot": 201}
    assert parse(
        {"stage": "planetary", "regions": [attic, private], **data_services, "database": {"primaryRegion": "attic"}}
    )


def test_users_can_be_sent_to_one_region_at_least() -> None:
    several = {"database": {"primaryRegion": "us-central1"}, "messaging": {"servers": 3}}
    closed = [region | {"traffic": False} for region in (IOWA, VIRGINIA)]
    assert said(*closed, **several) == [
        "regions: none of them receives users, because all have traffic: false; "
        "remove traffic: false from at least one of them"
    ]
    assert parse({"stage": "continental", "regions": [IOWA, closed[1]], **several})
    assert said(IOWA | {"traffic": "no"}) == [f'regions[0].traffic: "no" {BOOLEAN_RULE}']
