"""The edge on AWS, as a security reviewer reads it."""

import json
import shutil
import subprocess
from typing import Any

import pytest

from components.cdn.aws import serving
from tests.support.edges import DOMAIN, FIVE, edge, only

pytestmark = pytest.mark.stack

DISTRIBUTION = "aws:cloudfront/distribution:Distribution"


def distribution() -> dict[str, Any]:
    return only(edge("aws"), DISTRIBUTION)


def test_users_get_tls_1_2_or_newer_with_the_certificate_of_the_domain_once_it_is_valid() -> None:
    assert distribution()["viewerCertificate"] == {
        "acmCertificateArn": only(edge("aws"), "aws:acm/certificateValidation:CertificateValidation")["certificateArn"],
        "sslSupportMethod": "sni-only",
        "minimumProtocolVersion": "TLSv1.2_2021",
    }
    assert distribution()["aliases"] == [DOMAIN]


def test_every_behaviour_redirects_to_https_and_answers_hsts() -> None:
    behaviours = [distribution()["defaultCacheBehavior"], *distribution()["orderedCacheBehaviors"]]
    assert {one["viewerProtocolPolicy"] for one in behaviours} == {"redirect-to-https"}
    assert {one["responseHeadersPolicyId"] for one in behaviours} == {"edge-cdn-answers-id"}
    policy = only(edge("aws"), "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy")
    hsts = policy["securityHeadersConfig"]["strictTransportSecurity"]
    assert hsts == {"accessControlMaxAgeSec": 31536000, "includeSubdomains": True, "override": True}


def test_regions_are_asked_in_https_only_with_the_token() -> None:
    (origin,) = distribution()["origins"]
    assert origin["domainName"] == f"origin.{DOMAIN}"
    assert origin["customHeaders"] == [{"name": "x-sacred-edge", "value": "the token"}]
    assert origin["customOriginConfig"]["originProtocolPolicy"] == "https-only"
    assert origin["customOriginConfig"]["originSslProtocols"] == ["TLSv1.2"]


def test_only_static_paths_are_kept_and_they_get_no_cookies() -> None:
    default, cached = distribution()["defaultCacheBehavior"], distribution()["orderedCacheBehaviors"]
    assert default["cachePolicyId"] == serving.CACHING_DISABLED
    assert {one["pathPattern"]: one["cachePolicyId"] for one in cached} == {
        "/a/static/*": "edge-cdn-cached-id",
        "/b/static/*": "edge-cdn-cached-id",
    }
    assert all(one["allowedMethods"] == ["GET", "HEAD"] for one in cached)
    asking = only(edge("aws"), "aws:cloudfront/originRequestPolicy:OriginRequestPolicy")
    assert asking["cookiesConfig"] == {"cookieBehavior": "none"}
    # The regions' routes match only this host.
    assert asking["headersConfig"]["headers"]["items"] == ["Host"]


def test_everything_else_is_passed_on_whole_so_that_websockets_and_circles_work() -> None:
    default = distribution()["defaultCacheBehavior"]
    assert default["originRequestPolicyId"] == serving.ALL_VIEWER
    assert {"GET", "POST", "PUT", "PATCH", "DELETE"} <= set(default["allowedMethods"])


@pytest.mark.parametrize(
    ("waf", "limit", "managed"),
    [
        ("block", {"block": {"customResponse": {"responseCode": 429}}}, {"none": {}}),
        ("observe", {"count": {}}, {"count": {}}),
    ],
)
def test_the_firewall_blocks_or_only_counts(waf: str, limit: dict[str, Any], managed: dict[str, Any]) -> None:
    firewall = only(edge("aws", waf=waf), "aws:wafv2/webAcl:WebAcl")
    first, *others = firewall["rules"]
    assert firewall["scope"] == "CLOUDFRONT"
    assert first["statement"]["rateBasedStatement"] == {
        "aggregateKeyType": "IP",
        "evaluationWindowSec": 60,
        "limit": 600,
    }
    assert first["action"] == limit
    assert [rule["statement"]["managedRuleGroupStatement"]["name"] for rule in others] == list(serving.MANAGED_RULES)
    assert {json.dumps(rule["overrideAction"]) for rule in others} == {json.dumps(managed)}
    assert distribution()["webAclId"]


def test_long_bodies_are_counted_and_not_denied() -> None:
    rules = only(edge("aws"), "aws:wafv2/webAcl:WebAcl")["rules"]
    (common,) = [rule for rule in rules if rule["name"] == "AWSManagedRulesCommonRuleSet"]
    (override,) = common["statement"]["managedRuleGroupStatement"]["ruleActionOverrides"]
    assert override == {"name": "SizeRestrictions_BODY", "actionToUse": {"count": {}}}


def test_requests_and_what_was_stopped_are_logged_for_a_month_without_credentials() -> None:
    rendered = edge("aws")
    logs = rendered.of_type("aws:cloudwatch/logGroup:LogGroup")
    assert {log.inputs["name"]: log.inputs["retentionInDays"] for log in logs} == {
        f"aws-waf-logs-{DOMAIN}": 30,
        f"/aws/vendedlogs/cloudfront/{DOMAIN}": 30,
    }
    source = only(rendered, "aws:cloudwatch/logDeliverySource:LogDeliverySource")
    assert source["logType"] == "ACCESS_LOGS"
    redacted = only(rendered, "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration")["redactedFields"]
    assert [field["singleHeader"]["name"] for field in redacted] == ["authorization", "cookie"]


def test_route_53_steers_to_the_nearest_that_is_well_whatever_its_cloud() -> None:
    rendered = edge("aws", FIVE)
    steered = {
        r.inputs["setIdentifier"]: r.inputs
        for r in rendered.of_type("aws:route53/record:Record")
        if "setIdentifier" in r.inputs
    }
    assert steered.keys() == FIVE.keys()
    for region, record in steered.items():
        assert (record["name"], record["type"]) == (f"origin.{DOMAIN}", "CNAME")
        assert record["records"] == [f"{region}.origin.{DOMAIN}"]
        assert record["healthCheckId"] == f"{region}-edge-health-id"
        health = rendered.named(f"{region}-edge-health").inputs
        assert (health["type"], health["port"], health["resourcePath"]) == ("HTTPS", 443, "/healthz/ready")
        # The health check names this host in the handshake and in the request.
        assert (health["fqdn"], health["enableSni"]) == (f"{region}.origin.{DOMAIN}", True)
    place = steered["asia-east1"]["geoproximityRoutingPolicy"]["coordinates"]
    assert place == [{"latitude": "24.08", "longitude": "120.54"}]


def test_the_domain_says_who_may_sign_certificates_because_its_aliases_cannot() -> None:
    allowed = {
        r.inputs["name"]: r.inputs["records"]
        for r in edge("aws").of_type("aws:route53/record:Record")
        if r.inputs["type"] == "CAA"
    }
    assert allowed == {
        DOMAIN: [
            '0 issue "amazon.com"',
            '0 issue "letsencrypt.org; validationmethods=http-01"',
            '0 issuewild ";"',
        ]
    }


def test_the_domain_points_to_the_distribution_in_both_internet_protocols() -> None:
    aliases = [r.inputs for r in edge("aws").of_type("aws:route53/record:Record") if "aliases" in r.inputs]
    assert sorted(alias["type"] for alias in aliases) == ["A", "AAAA"]
    assert {alias["name"] for alias in aliases} == {DOMAIN}


@pytest.mark.skipif(shutil.which("node") is None, reason="the function is JavaScript, and there is no node to run it")
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("pt-BR,pt;q=0.9,en;q=0.8", "pt-BR"),
        ("pt-br", "pt-BR"),
        ("pt-PT,en;q=0.5", "pt"),
        ("en;q=0.3, nl;q=0.9, pt;q=0.5", "pt"),
        ("nl, de;q=0.9", None),
        ("constructor, toString;q=0.5", None),
        ("en;q=0", None),
        ("*", None),
        ("", None),
        (None, None),
    ],
)
def test_the_function_makes_the_best_tag_that_somebody_serves(given: str | None, expected: str | None) -> None:
    headers: dict[str, Any] = {"x-sacred-language": {"value": "chosen-by-the-client"}}
    if given is not None:
        headers["accept-language"] = {"value": given}
    event = json.dumps({"request": {"headers": headers}})
    code = serving.language_function(["en", "pt-BR"])
    script = f"{code}\nconsole.log(JSON.stringify(handler({event}).headers['x-sacred-language'] || null));"
    run = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True)
    assert json.loads(run.stdout) == (None if expected is None else {"value": expected})


def test_the_function_is_small_enough_with_every_language_of_the_catalogue() -> None:
    from stacks.geography import CATALOGUE

    languages = {tag for region in CATALOGUE for tag in region.place.languages}
    assert len(serving.language_function(sorted(languages)).encode()) < 10_240
