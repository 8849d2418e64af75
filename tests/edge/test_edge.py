"""Rules for an edge on every CDN: growth, order, names, secrets, and inputs that the SDKs know."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from components.cdn import Origin
from sandbox.providers.cloud import inputs as cloud_inputs
from sandbox.providers.cloud.sdk import Sdk
from tests.support.edges import CDNS, DOMAIN, FIVE, THREE, by_urn, dns_records, edge
from tests.support.rendering import Rendered

pytestmark = pytest.mark.stack

SDKS = {"gcp": "pulumi_gcp", "aws": "pulumi_aws", "azure-native": "pulumi_azure_native"}
ONE = {"us-central1": THREE["us-central1"]}
TOKEN = "the token"

# Resources of an edge that list its origins, by CDN. All of them can change in place.
LISTS_ORIGINS = {"gcp": {"edge-origins"}, "aws": set(), "azure": set()}
KEPT_IN_PLACE = {"gcp": {"routingPolicy"}}


@pytest.mark.parametrize("cdn", CDNS)
@pytest.mark.parametrize(("few", "many"), [(ONE, THREE), (THREE, FIVE)])
def test_regions_more_only_add_and_change_the_list_of_origins_in_place(
    cdn: str, few: dict[str, str], many: dict[str, str]
) -> None:
    before, after = by_urn(edge(cdn, few)), by_urn(edge(cdn, many))
    assert before.keys() <= after.keys()
    changed = {before[urn].name for urn in before if before[urn].inputs != after[urn].inputs}
    assert changed == LISTS_ORIGINS[cdn]
    for urn in before:
        old, new = before[urn].inputs, after[urn].inputs
        assert {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)} <= KEPT_IN_PLACE.get(cdn, set())


@pytest.mark.parametrize("cdn", CDNS)
def test_what_a_region_adds_is_called_after_it_and_is_as_much_for_every_region(cdn: str) -> None:
    added = {
        region: sorted(
            r.name.removeprefix(region) for r in edge(cdn, FIVE).resources if r.name.startswith(f"{region}-")
        )
        for region in FIVE
    }
    assert all(added.values())
    assert len(set(map(tuple, added.values()))) == 1
    assert all(r.name.startswith(("edge", *FIVE)) for r in edge(cdn, FIVE).resources)


@pytest.mark.parametrize("cdn", CDNS)
def test_the_order_of_the_origins_changes_nothing(cdn: str) -> None:
    forward, backward = by_urn(edge(cdn, FIVE)), by_urn(edge(cdn, dict(reversed(FIVE.items()))))
    assert {urn: r.inputs for urn, r in forward.items()} == {urn: r.inputs for urn, r in backward.items()}


@pytest.mark.parametrize("cdn", CDNS)
def test_the_token_is_in_the_state_as_a_secret_only(cdn: str) -> None:
    found = 0
    for resource in edge(cdn).resources:
        for path, text in texts(resource.inputs):
            if TOKEN in text:
                found += 1
                assert any(path.startswith(secret) for secret in resource.secret_paths), (resource.name, path)
    assert found


@pytest.mark.parametrize("cdn", CDNS)
def test_every_input_is_one_that_the_cloud_s_sdk_knows(cdn: str) -> None:
    checked = 0
    for resource in edge(cdn, FIVE).resources:
        package = resource.type.partition(":")[0]
        if package not in SDKS:
            continue
        source = Sdk(SDKS[package]).find(resource.type)
        assert source is not None, resource.type
        assert cloud_inputs.check(source, resource.inputs) == []
        checked += 1
    assert checked > 10


@pytest.mark.parametrize("cdn", CDNS)
def test_no_name_of_an_input_is_python_s_where_the_protocol_has_its_own(cdn: str) -> None:
    keys = {key for r in edge(cdn, FIVE).resources for path, _ in texts(r.inputs) for key in path.split(".")}
    assert [key for key in keys if re.fullmatch(r"[a-z]+(_[a-z]+)+(\[\d+\])*", key)] == []


@pytest.mark.parametrize("cdn", CDNS)
def test_an_edge_in_a_zone_that_exists_makes_none_and_leaves_its_authorities_alone(cdn: str) -> None:
    zone = {"gcp": "zone", "aws": "Z1", "azure": f"group/{DOMAIN}"}[cdn]
    made = {r.name for r in edge(cdn, zone=zone).resources}
    assert "edge-zone" in {r.name for r in edge(cdn).resources}
    assert made == {
        r.name
        for r in edge(cdn).resources
        if r.name not in ("edge-zone", "edge-domain-authorities", "edge-origin-authorities")
    }


@pytest.mark.parametrize(
    ("cdn", "origins"), [("gcp", FIVE), *((cdn, {**FIVE, "mars": "gateway.example.net"}) for cdn in ("aws", "azure"))]
)
def test_a_host_that_is_an_alias_has_no_other_record(cdn: str, origins: dict[str, str]) -> None:
    kinds: dict[str, set[str]] = {}
    for record in dns_records(edge(cdn, origins)):
        kinds.setdefault(record.host, set()).add(record.kind)
    assert [host for host, found in kinds.items() if "CNAME" in found and len(found) > 1] == []
    assert {"A", "CAA"} <= kinds[DOMAIN]


@pytest.mark.parametrize("cdn", CDNS)
def test_the_name_servers_and_the_host_are_told(cdn: str) -> None:
    rendered = edge(cdn)
    (outputs,) = [values for urn, values in rendered.registered_outputs.items() if urn.endswith("Edge::edge")]
    assert len(outputs["name_servers"]) == 4
    assert outputs["hostname"]


@pytest.mark.parametrize("cdn", ["aws", "azure"])
def test_a_gateway_may_have_a_host_name_instead_of_an_address(cdn: str) -> None:
    mixed = edge(cdn, {"us-central1": "192.0.2.1", "mars": "gateway.example.net"})
    kinds = {
        r.name: r.inputs.get("type") or r.inputs["recordType"]
        for r in mixed.resources
        if r.name.endswith("-edge-origin") and ("recordType" in r.inputs or "type" in r.inputs)
    }
    assert kinds == {"us-central1-edge-origin": "A", "mars-edge-origin": "CNAME"}


def texts(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield all texts in a value, each with its path."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from texts(item, f"{path}.{key}".lstrip("."))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from texts(item, f"{path}[{index}]")
    elif isinstance(value, str):
        yield path, value


def origin(region: str = "here", **more: Any) -> Origin:
    return Origin(**{"region": region, "latitude": 0.0, "longitude": 0.0, "addresses": ["192.0.2.1"], **more})


@pytest.mark.parametrize("more", [{"addresses": []}, {"host_name": "x.example"}])
def test_an_origin_has_addresses_or_a_name(more: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="addresses of origin here: expected addresses or a host_name, and not both"):
        origin(**more)


@pytest.mark.parametrize("cdn", CDNS)
def test_nobody_is_sent_to_a_region_that_gets_no_traffic_and_its_certificate_can_be_signed(cdn: str) -> None:
    closed, opened = edge(cdn, FIVE, closed=json.dumps(["asia-east1"])), edge(cdn, FIVE)
    # The authority calls the region's host, so the host needs a DNS record first.
    assert dns_records(closed)
    hosts = {record.host for record in dns_records(closed) if record.kind in ("A", "CNAME")}
    assert f"asia-east1.origin.{DOMAIN}" in hosts
    assert steered_to(opened, cdn) == set(FIVE)
    assert steered_to(closed, cdn) == set(FIVE) - {"asia-east1"}
    assert by_urn(closed).keys() <= by_urn(opened).keys()


def steered_to(rendered: Rendered, cdn: str) -> set[str]:
    """Return the regions that receive users."""
    match cdn:
        case "gcp":
            geos = rendered.named("edge-origins").inputs["routingPolicy"]["geos"]
            addresses = {address for geo in geos for address in geo["healthCheckedTargets"]["externalEndpoints"]}
            return {region for region, given in FIVE.items() if set(given.split(",")) <= addresses}
        case "aws":
            records = rendered.of_type("aws:route53/record:Record")
            return {r.inputs["setIdentifier"] for r in records if "setIdentifier" in r.inputs}
        case _:
            origins = rendered.of_type("azure-native:cdn:AFDOrigin")
            return {r.name.removesuffix("-edge-origin") for r in origins if r.inputs["enabledState"] == "Enabled"}
