"""The edge on Azure, as a security reviewer reads it."""

import re
from typing import Any

import pytest

from components.cdn.azure import serving
from components.cdn.azure.zone import existing_zone, relative_name
from components.cdn.languages import language_matches
from sandbox.providers.cloud.sdk import Sdk
from stacks.geography import CATALOGUE
from tests.support.edges import DOMAIN, FIVE, edge, only

pytestmark = pytest.mark.stack

CDN = "azure-native:cdn:"


def routes() -> dict[str, dict[str, Any]]:
    return {r.name: r.inputs for r in edge("azure").of_type(f"{CDN}Route")}


def rule(name: str) -> dict[str, Any]:
    return edge("azure").named(name).inputs


def test_users_get_tls_1_2_or_newer_with_a_managed_certificate_that_dns_validates() -> None:
    rendered = edge("azure")
    assert only(rendered, f"{CDN}AFDCustomDomain")["tlsSettings"] == {
        "certificateType": "ManagedCertificate",
        "minimumTlsVersion": "TLS12",
        "cipherSuiteSetType": "TLS12_2023",
    }
    proof = rendered.named("edge-domain-proof").inputs
    assert (proof["recordType"], proof["relativeRecordSetName"]) == ("TXT", "_dnsauth")
    (record,) = proof["txtRecords"]
    assert len(record["value"][0]) > 20


def test_every_route_redirects_to_https_and_is_reached_by_the_domain_only() -> None:
    assert set(routes()) == {"edge-routes-cached", "edge-routes-direct"}
    for route in routes().values():
        assert route["httpsRedirect"] == "Enabled"
        assert route["forwardingProtocol"] == "HttpsOnly"
        assert route["linkToDefaultDomain"] == "Disabled"
        assert len(route["customDomains"]) == 1


def test_only_static_paths_are_kept() -> None:
    cached, direct = routes()["edge-routes-cached"], routes()["edge-routes-direct"]
    assert cached["patternsToMatch"] == ["/a/static/*", "/b/static/*"]
    assert cached["cacheConfiguration"]["queryStringCachingBehavior"] == "UseQueryString"
    assert direct["patternsToMatch"] == ["/*"]
    assert "cacheConfiguration" not in direct


def test_every_request_gets_the_token_and_loses_a_language_that_the_client_chose() -> None:
    (token, language, hsts) = rule("edge-routes-every-request")["actions"]
    assert token["parameters"] == {
        "typeName": "DeliveryRuleHeaderActionParameters",
        "headerAction": "Overwrite",
        "headerName": "x-sacred-edge",
        "value": "the token",
    }
    assert language["parameters"]["headerAction"] == "Delete"
    assert language["parameters"]["headerName"] == "x-sacred-language"
    assert hsts["name"] == "ModifyResponseHeader"
    assert hsts["parameters"]["value"] == "max-age=31536000; includeSubDomains"
    assert routes()
    for route in routes().values():
        assert route["ruleSets"][0]["id"].endswith("/edge-routes-requests")


def test_actions_and_conditions_are_written_as_the_protocol_has_them() -> None:
    source = Sdk("pulumi_azure_native").find(f"{CDN}Rule")
    assert source is not None
    known = source.object("HeaderActionParametersArgs"), source.object("RequestHeaderMatchConditionParametersArgs")
    assert known[0] is not None
    assert known[1] is not None
    rules = edge("azure").of_type(f"{CDN}Rule")
    assert any(found.inputs["actions"] for found in rules)
    assert any(found.inputs["conditions"] for found in rules)
    for found in rules:
        for action in found.inputs["actions"]:
            assert action["parameters"].keys() <= known[0].keys()
        for condition in found.inputs["conditions"]:
            assert condition["parameters"].keys() <= known[1].keys()


def test_a_browser_s_first_language_is_told_and_longer_tags_are_looked_at_first() -> None:
    brazil, portuguese = rule("edge-routes-language-pt-BR"), rule("edge-routes-language-pt")
    (condition,) = brazil["conditions"]
    assert condition["parameters"]["selector"] == "Accept-Language"
    assert condition["parameters"]["matchValues"] == ["^pt-br$", "^pt-br,", "^pt-br;", "^pt-br-"]
    assert condition["parameters"]["transforms"] == ["Lowercase"]
    assert brazil["actions"][0]["parameters"]["value"] == "pt-BR"
    assert brazil["matchProcessingBehavior"] == "Stop"
    assert brazil["order"] < portuguese["order"]


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        ("pt", "pt"),
        ("en", "en"),
        ("pt-BR", "pt-BR"),
        ("PT-br,pt;q=0.9", "pt-BR"),
        ("pt-PT,en;q=0.5", "pt"),
        ("pt;q=0.9", "pt"),
        ("ptx", None),
        ("nl,pt", None),
    ],
)
def test_the_first_language_is_the_one_that_is_told(accepted: str, expected: str | None) -> None:
    assert told(accepted) == expected


def told(accepted: str) -> str | None:
    """Return the language that the rules derive from Accept-Language. As in Front Door, the first match wins."""
    languages = [r.inputs for r in edge("azure").of_type(f"{CDN}Rule") if r.inputs["conditions"]]
    for found in sorted(languages, key=lambda one: one["order"]):
        (condition,) = found["conditions"]
        assert condition["parameters"]["operator"] == "RegEx"
        if any(re.search(value, accepted.lower()) for value in condition["parameters"]["matchValues"]):
            return str(found["actions"][0]["parameters"]["value"])
    return None


def test_rules_of_all_languages_of_the_catalogue_have_names_and_orders_of_their_own() -> None:
    tags = [match.tag for match in language_matches(tag for region in CATALOGUE for tag in region.place.languages)]
    assert len({serving.rule_name(tag) for tag in tags}) == len({serving.rule_order(tag) for tag in tags}) == len(tags)
    assert all(serving.rule_name(tag).isalnum() for tag in tags)
    # Front Door accepts at most 100 rules in a set.
    assert len(tags) <= 100


@pytest.mark.parametrize(("waf", "mode"), [("block", "Prevention"), ("observe", "Detection")])
def test_the_firewall_prevents_or_only_detects(waf: str, mode: str) -> None:
    firewall = only(edge("azure", waf=waf), "azure-native:frontdoor:Policy")
    assert firewall["policySettings"]["mode"] == mode
    assert firewall["sku"] == {"name": "Premium_AzureFrontDoor"}
    sets = [(one["ruleSetType"], one["ruleSetVersion"]) for one in firewall["managedRules"]["managedRuleSets"]]
    assert sets == list(serving.MANAGED_RULES)
    (limit,) = firewall["customRules"]["rules"]
    assert (limit["ruleType"], limit["action"]) == ("RateLimitRule", "Block")
    assert (limit["rateLimitThreshold"], limit["rateLimitDurationInMinutes"]) == (600, 1)


def test_the_firewall_is_in_front_of_every_path_of_the_domain() -> None:
    parameters = only(edge("azure"), f"{CDN}SecurityPolicy")["parameters"]
    (association,) = parameters["associations"]
    assert association["patternsToMatch"] == ["/*"]
    assert association["domains"][0]["id"].endswith("/edge-domain-domain")
    assert parameters["wafPolicy"]["id"].endswith("/edge-firewall-policy")


def test_each_region_is_an_origin_whose_certificate_is_checked_and_whose_health_is_probed() -> None:
    rendered = edge("azure", FIVE)
    origins = {r.name.removesuffix("-edge-origin"): r.inputs for r in rendered.of_type(f"{CDN}AFDOrigin")}
    assert origins.keys() == FIVE.keys()
    for region, origin in origins.items():
        assert origin["hostName"] == f"{region}.origin.{DOMAIN}"
        assert origin["originHostHeader"] == DOMAIN
        assert origin["enforceCertificateNameCheck"] is True
        assert origin["httpsPort"] == 443
    # Equal priorities and weights let latency decide.
    assert len({(origin["priority"], origin["weight"]) for origin in origins.values()}) == 1
    probe = only(rendered, f"{CDN}AFDOriginGroup")["healthProbeSettings"]
    assert (probe["probePath"], probe["probeProtocol"]) == ("/healthz/ready", "Https")


def test_requests_probes_and_what_was_stopped_are_logged_for_a_month() -> None:
    rendered = edge("azure")
    logged = {one["category"] for one in only(rendered, "azure-native:monitor:DiagnosticSetting")["logs"]}
    assert logged == {"FrontDoorAccessLog", "FrontDoorWebApplicationFirewallLog", "FrontDoorHealthProbeLog"}
    assert only(rendered, "azure-native:operationalinsights:Workspace")["retentionInDays"] == 30


def test_records_in_a_zone_above_the_domain_have_their_names_in_it() -> None:
    rendered = edge("azure", zone="group/org")
    names = {r.name: r.inputs["relativeRecordSetName"] for r in rendered.of_type("azure-native:dns:RecordSet")}
    assert names["edge-domain-alias"] == "example"
    assert names["us-central1-edge-origin"] == "us-central1.origin.example"
    assert {r.inputs["resourceGroupName"] for r in rendered.of_type("azure-native:dns:RecordSet")} == {"group"}


@pytest.mark.parametrize("zone", ["org", "a/b/c", "/org", "group/"])
def test_a_zone_of_azure_is_a_group_and_a_name(zone: str) -> None:
    with pytest.raises(ValueError, match="zone: expected a resource group and a zone"):
        existing_zone(zone)


def test_a_host_outside_a_zone_has_no_name_in_it() -> None:
    with pytest.raises(ValueError, match=r"zone: badexample\.org is not part of example\.org"):
        relative_name("badexample.org", "example.org")
