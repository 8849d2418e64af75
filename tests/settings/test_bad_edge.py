"""Bad settings of the edge, with the exact messages."""

from collections.abc import Mapping
from typing import Any

import pytest

from stacks.settings import SettingsError, parse
from tests.support.bad_settings import ADDRESS_RULE

pytestmark = pytest.mark.unit

DOMAIN = "example.org"
PLACE = {"latitude": 50.85, "longitude": 4.35, "timeZone": "Europe/Brussels", "languages": ["nl", "fr"]}
HERE = {"name": "here", "cloud": "existing", "geography": PLACE}
HOSTED_ZONE_RULE = "is not the id of a zone of Route 53; `aws route53 list-hosted-zones` shows them, after /hostedzone/"
PUBLIC_RULE = (
    "is not in public DNS, so no authority signs a certificate for the CDN; write a domain of yours, or cdn: none"
)
GATEWAY_RULE = "is missing: the CDN needs the address of the region's public gateway"


def complaints(edge: Mapping[str, Any], **more: Any) -> list[str]:
    """Return the messages, without the project, about a stack on an existing cluster; `region` adds to its region."""
    region = {**HERE, "gatewayAddress": "192.0.2.7", **more.pop("region", {})}
    values = {"stage": "local", "regions": [region], "edge": dict(edge), **more}
    with pytest.raises(SettingsError) as caught:
        parse(values)
    return [str(mistake).removeprefix("sacred-council:") for mistake in caught.value.mistakes]


SINGLE: list[tuple[dict[str, Any], str]] = [
    ({"cdn": "gpc"}, 'edge.cdn: "gpc" must be none, gcp, aws or azure; did you mean gcp?'),
    (
        {"zone": "my zone"},
        'edge.zone: "my zone" must be create, or an existing DNS zone; write e.g. create, my-zone (gcp), '
        "Z0123456789ABC (aws) or my-group/example.org (azure)",
    ),
    ({"rateLimit": 9}, "edge.rateLimit: 9 must be at least 10; write 10 or more"),
    ({"rateLimit": 10_001}, "edge.rateLimit: 10001 must be at most 10000; write 10000 or less"),
    ({"waf": "count"}, 'edge.waf: "count" must be block or observe; write block or observe'),
    (
        {"cachedPaths": ["/*/static/"]},
        'edge.cachedPaths[0]: "/*/static/" must be a path prefix that begins and ends with a slash, without wildcards; '
        "write e.g. /agent-network/static/",
    ),
    ({"signingKey": "red"}, 'edge.signingKey: "red" must be blue or green; write blue or green'),
    (
        {"location": "West Europe"},
        'edge.location: "West Europe" must be an Azure location; `az account list-locations` shows them',
    ),
    ({"ratelimit": 100}, "edge.ratelimit: is not a setting; did you mean rateLimit?"),
    (
        {"cdn": "aws", "domain": DOMAIN, "zone": "my-group/example.org"},
        f'edge.zone: "my-group/example.org" {HOSTED_ZONE_RULE}',
    ),
    (
        {"cdn": "aws", "domain": DOMAIN, "zone": "my-zone"},
        f'edge.zone: "my-zone" {HOSTED_ZONE_RULE}',
    ),
    (
        {"cdn": "gcp", "project": "my-project", "domain": DOMAIN, "zone": "example.org"},
        'edge.zone: "example.org" is not the name of a zone of Cloud DNS; `gcloud dns managed-zones list` shows them',
    ),
    (
        {"cdn": "aws", "domain": "a.very.local"},
        f'edge.domain: "a.very.local" {PUBLIC_RULE}',
    ),
    (
        {"cdn": "aws", "domain": "203.0.113.7"},
        f'edge.domain: "203.0.113.7" {PUBLIC_RULE}',
    ),
    (
        {"cdn": "azure", "domain": f"{'x' * 53}.example.org"},
        f'edge.domain: "{"x" * 53}.ex... is longer than the 64 characters that a CDN certificate allows; '
        "write a shorter domain",
    ),
    (
        {"cachedPaths": ["/a/", "/b/", "/a/"]},
        'edge.cachedPaths: ["/a/", "/b/", "/a/"] must not name a path twice; remove the repetition',
    ),
    (
        {"cachedPaths": [f"/a/{number}/" for number in range(26)]},
        'edge.cachedPaths: ["/a/0/", "/a/1/", "/a/2/", "/a/3/", "/a/4/", "/a/5/", "/... must have at most 25 entries; '
        "name a beginning that several of them share",
    ),
    (
        {"cdn": "azure", "domain": DOMAIN, "zone": "example.org"},
        'edge.zone: "example.org" does not name the resource group of the zone; write e.g. my-group/example.org',
    ),
    (
        {"cdn": "azure", "domain": "badexample.org", "zone": "my-group/example.org"},
        'edge.zone: "my-group/example.org" is a zone that does not contain badexample.org; '
        "name the zone that contains the domain",
    ),
    (
        {"cdn": "aws"},
        "edge.domain: is missing: a CDN needs a domain in public DNS; write e.g. domain: sacred-council.love",
    ),
    (
        {"cdn": "gcp", "domain": DOMAIN},
        "edge.project: is missing: Cloud CDN is part of a project, and clouds.gcp names none; "
        "add e.g. project: my-project, here or below clouds.gcp",
    ),
]


@pytest.mark.parametrize(("edge", "expected"), SINGLE, ids=[expected[:40] for _, expected in SINGLE])
def test_one_bad_setting_of_the_edge_is_reported_with_rule_and_remedy(edge: dict[str, Any], expected: str) -> None:
    assert complaints(edge) == [expected]


AWS = {"cdn": "aws", "domain": DOMAIN}
GCP = {"cdn": "gcp", "domain": DOMAIN, "project": "my-project"}


def test_a_cdn_must_know_where_the_gateway_of_a_cluster_of_one_s_own_is() -> None:
    assert complaints(AWS, region={"gatewayAddress": None}) == [
        f"regions[0].gatewayAddress: {GATEWAY_RULE}; add its IPv4 address or host name"
    ]
    assert complaints(GCP, region={"gatewayAddress": None}) == [
        f"regions[0].gatewayAddress: {GATEWAY_RULE}; add its IPv4 address"
    ]


@pytest.mark.parametrize(
    ("edge", "region", "path", "name"),
    [
        ({"domain": "ab--cd.example.org"}, {}, "edge.domain", "ab--cd.example.org"),
        ({}, {"name": "my--council"}, "regions[0].name", "my--council"),
    ],
)
def test_no_host_has_a_label_that_authorities_do_not_sign(
    edge: dict[str, Any], region: dict[str, Any], path: str, name: str
) -> None:
    """https://cabforum.org/working-groups/server/baseline-requirements/requirements/, 7.1.2.7.12."""
    assert complaints({**AWS, **edge}, region=region) == [
        f'{path}: "{name}" has hyphens as third and fourth characters, and no authority signs a certificate for such '
        "a host; write another name, or cdn: none"
    ]
    parse({"stage": "local", "regions": [{**HERE, **region}], "edge": edge})


def test_cloud_dns_looks_after_addresses_only() -> None:
    assert complaints(GCP, region={"gatewayAddress": "gateway.example.net"}) == [
        'regions[0].gatewayAddress: "gateway.example.net" is not an IPv4 address, and Cloud DNS checks the health '
        "of addresses only; write the gateway's address, or choose cdn: aws or azure"
    ]


@pytest.mark.parametrize("edge", [{}, AWS, GCP], ids=["none", "aws", "gcp"])
def test_a_gateway_is_an_address_or_a_host(edge: dict[str, Any]) -> None:
    assert complaints(edge, region={"gatewayAddress": "http://x"}) == [
        'regions[0].gatewayAddress: "http://x" must be an IPv4 address or a host name in lower case; '
        "write e.g. 203.0.113.7 or gateway.example.org"
    ]


@pytest.mark.parametrize("edge", [{}, AWS, GCP], ids=["none", "aws", "gcp"])
@pytest.mark.parametrize("address", ["999.1.2.3", "1.2.3.04", "0.0.0.0", "127.0.0.1"])
def test_a_gateways_address_is_one(edge: dict[str, Any], address: str) -> None:
    assert complaints(edge, region={"gatewayAddress": address}) == [
        f'regions[0].gatewayAddress: "{address}" {ADDRESS_RULE}'
    ]


@pytest.mark.parametrize("edge", [AWS, GCP], ids=["aws", "gcp"])
@pytest.mark.parametrize("address", ["10.1.2.3", "172.31.0.1", "192.168.0.1", "100.64.0.1"])
def test_a_cdn_reaches_public_addresses_only(edge: dict[str, Any], address: str) -> None:
    assert complaints(edge, region={"gatewayAddress": address}) == [
        f'regions[0].gatewayAddress: "{address}" is a private address, which a CDN cannot reach; '
        "write the gateway's public address"
    ]
    parse({"stage": "local", "regions": [{**HERE, "gatewayAddress": address}]})


@pytest.mark.parametrize(
    "edge",
    [
        {**AWS, "zone": "Z0123456789ABCDEFGHIJ"},
        {**GCP, "zone": "my-zone"},
        {**AWS, "domain": f"{'x' * 52}.example.org"},
        {**AWS, "domain": "localhost.example.org"},
        {**AWS, "domain": "xn--bcher-kva.example.org"},
        {**AWS, "domain": "abc--d.example.org"},
    ],
)
def test_zones_and_domains_that_the_cloud_takes(edge: dict[str, Any]) -> None:
    parse({"stage": "local", "regions": [{**HERE, "gatewayAddress": "192.0.2.7"}], "edge": edge})


def test_a_cdn_needs_the_mesh_s_gateways_and_what_it_can_speak() -> None:
    assert complaints(AWS, mesh={"enabled": False, "postQuantum": "strict"}) == [
        "mesh.enabled: false leaves the regions without the gateways that the CDN sends users to; "
        "write true, or cdn: none",
        'mesh.postQuantum: "strict" locks out the CDN, which reaches the regions with classical key exchange; '
        "write prefer, or cdn: none",
    ]


def test_without_a_cdn_nothing_is_asked_for() -> None:
    parse({"stage": "local", "regions": [HERE], "edge": {"cdn": "none"}, "mesh": {"postQuantum": "strict"}})


@pytest.mark.parametrize("zone", ["my-group/example.org", "my-group/sub.example.org"])
def test_a_zone_of_azure_may_be_above_the_domain(zone: str) -> None:
    region = {**HERE, "gatewayAddress": "gateway.example.net"}
    edge = {"cdn": "azure", "domain": "sub.example.org", "zone": zone}
    assert parse({"stage": "local", "regions": [region], "edge": edge}).edge.zone == zone


def test_the_project_of_the_regions_is_the_edge_s_unless_it_has_its_own() -> None:
    region = {**HERE, "gatewayAddress": "192.0.2.7"}
    edge = {"cdn": "gcp", "domain": DOMAIN}
    clouds = {"gcp": {"project": "my-project"}}
    settings = parse({"stage": "local", "regions": [region], "edge": edge, "clouds": clouds})
    assert settings.clouds.gcp.project == "my-project"
