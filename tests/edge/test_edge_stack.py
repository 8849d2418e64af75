"""A CDN in front of a stack: its resources in the regions, its growth with them, and its reach to every cloud."""

import base64
import json
import subprocess
import sys
from functools import cache
from typing import Any

import pytest

from stacks.edge import nearest_region
from stacks.geography import lookup
from stacks.topology import Site
from tests.support.edges import CDNS, dns_records, planetary
from tests.support.regions import (
    AMSTERDAM,
    BECOMES_A_PEER,
    FIVE,
    IOWA,
    KNOWS_PEERS,
    MIXED,
    PRIMARY_REGION_KNOWS_PEERS,
    SDKS,
    Where,
    changed,
    configured,
    of_region,
    own,
    same,
)
from tests.support.rendering import ROOT, Rendered, render

pytestmark = pytest.mark.stack

DOMAIN = "example.org"
HERE = own("here")

# Resources of an edge that list regions: the origins, and the routes of languages.
KNOWS_REGIONS = {"edge-origins", "edge-routes"}


@cache
def rendered(cdn: str, *regions: Where) -> Rendered:
    """Render a stack of these regions behind a CDN."""
    settings = {**configured(*regions), "edge": {"domain": DOMAIN, "cdn": cdn}}
    return render("multiregion", {f"sacred-council:{key}": value for key, value in settings.items()})


def of_edge(stack: Rendered) -> dict[str, Any]:
    return {r.urn: r for r in stack.resources if r.name == "edge" or r.name.startswith("edge-")}


def spec(stack: Rendered, name: str) -> dict[str, Any]:
    return dict(stack.named(name).inputs["spec"])


@pytest.mark.parametrize("cdn", CDNS)
def test_any_cdn_is_in_front_of_the_regions_of_all_clouds(cdn: str) -> None:
    stack = planetary(cdn)
    origins = {r.name.removesuffix("-edge-origin") for r in stack.resources if r.name.endswith("-edge-origin")}
    regions = {"us-central1", "europe-west1", "asia-east1", "sa-east-1", "ap-southeast-2", "southafricanorth"}
    assert origins == regions | {"honolulu", "lisbon"}
    text = json.dumps([r.inputs for r in stack.resources if r.name.endswith("-edge-origin")])
    # Addresses of Google, AWS and Azure: each cloud's stand-in uses a different first number.
    assert all(f'"{first}.' in text for first in (240, 241, 242))


@pytest.mark.parametrize("cdn", CDNS)
def test_the_edge_is_made_by_a_provider_of_its_own(cdn: str) -> None:
    stack = planetary(cdn)
    providers = {r.urn: r.name for r in stack.resources if r.type.startswith("pulumi:providers:")}
    made = [r for r in stack.resources if r.custom and ("edge-" in r.name) and r.type.startswith(tuple(SDK_TOKENS))]
    assert {providers[r.provider.rpartition("::")[0]] for r in made} == {f"edge-{cdn}"}


SDK_TOKENS = ("gcp:", "aws:", "azure-native:")


@pytest.mark.parametrize(("few", "many"), [((IOWA,), MIXED), (MIXED, FIVE)])
def test_regions_more_change_only_what_knows_the_regions(few: tuple[Where, ...], many: tuple[Where, ...]) -> None:
    before, after = rendered("gcp", *few), rendered("gcp", *many)
    old, new = of_edge(before), of_edge(after)
    assert old.keys() <= new.keys()
    assert {old[urn].name for urn in old if not same(old[urn], new[urn])} == KNOWS_REGIONS
    for name, _ in few:
        assert of_region(before, name).keys() <= of_region(after, name).keys()
        # No resource that the edge adds to a region refers to another region.
        assert changed(before, after, name) <= KNOWS_PEERS | PRIMARY_REGION_KNOWS_PEERS | BECOMES_A_PEER


def test_the_order_of_the_list_changes_nothing() -> None:
    one, other = (of_edge(rendered("gcp", *order)) for order in (MIXED, MIXED[::-1]))
    assert one
    assert one.keys() == other.keys()
    assert [urn for urn in one if not same(one[urn], other[urn])] == []


def test_without_a_cdn_there_is_nothing_of_an_edge(local: Rendered) -> None:
    strange = ("edge", "origin", "certificates")
    assert [r.name for r in local.resources if any(word in r.name.split("-") for word in strange)] == []
    assert "cert-manager" not in {r.inputs["metadata"]["name"] for r in local.objects("Namespace")}


@pytest.mark.parametrize("where", MIXED)
def test_the_gateway_has_the_reserved_address_that_the_cdn_is_told(where: Where) -> None:
    stack, (name, cloud) = rendered("gcp", *MIXED), where
    service = stack.named(f"{name}-mesh-gateway-release").inputs["values"]["service"]
    origin = stack.named(f"{name}-edge-origin").inputs["rrdatas"]
    assert origin
    match cloud:
        case "gcp":
            assert [service["loadBalancerIP"]] == origin
        case "aws":
            allocations = service["annotations"]["service.beta.kubernetes.io/aws-load-balancer-eip-allocations"]
            assert len(allocations.split(",")) == len(origin)
        case _:
            assert service["annotations"]["service.beta.kubernetes.io/azure-pip-name"].startswith(f"{name}-gateway")


def test_a_lone_region_on_azure_has_an_address_for_its_gateway_too() -> None:
    stack = rendered("azure", AMSTERDAM)
    service = stack.named("westeurope-mesh-gateway-release").inputs["values"]["service"]
    assert service["annotations"]["service.beta.kubernetes.io/azure-load-balancer-resource-group"]


def asked(stack: Rendered, cdn: str, region: str) -> tuple[str | None, str, int, str]:
    """Return the target of probes of `cdn`: host in the handshake or None, host in the request, port and path."""
    match cdn:
        case "aws":
            health = stack.named(f"{region}-edge-health").inputs
            assert health["type"] == "HTTPS"
            return health["fqdn"], health["fqdn"], health["port"], health["resourcePath"]
        case "gcp":
            health = stack.named("edge-origin-health").inputs["httpsHealthCheck"]
            return None, health["host"], health["port"], health["requestPath"]
        case _:
            origin = azure_origin(stack, region)
            (group,) = stack.of_type("azure-native:cdn:AFDOriginGroup")
            assert group.inputs["healthProbeSettings"]["probeProtocol"] == "Https"
            path = group.inputs["healthProbeSettings"]["probePath"]
            return origin["hostName"], origin["originHostHeader"], origin["httpsPort"], path


def azure_origin(stack: Rendered, region: str) -> dict[str, Any]:
    (origin,) = [r for r in stack.of_type("azure-native:cdn:AFDOrigin") if r.name == f"{region}-edge-origin"]
    return origin.inputs


@pytest.mark.parametrize("cdn", CDNS)
def test_a_probe_is_answered_by_a_gateway_with_a_certificate_and_by_no_other(cdn: str) -> None:
    """A gateway would answer plain HTTP before it has a certificate, and the CDN would send users there too early."""
    stack = rendered(cdn, *MIXED)
    for region, _ in MIXED:
        in_handshake, host, port, path = asked(stack, cdn, region)
        (secure,) = [
            one for one in spec(stack, f"{region}-mesh-gateway-gateway")["servers"] if "credentialName" in one["tls"]
        ]
        assert secure["port"]["number"] == port
        # Without a name in the handshake only a server for all hosts answers.
        assert "*" in secure["hosts"] or in_handshake in secure["hosts"]
        assert secure["tls"]["credentialName"] == spec(stack, f"{region}-mesh-origin-certificate")["secretName"]
        ready = spec(stack, f"{region}-mesh-origin-authentication-readiness")
        assert ready["gateways"] == ["istio-ingress/sacred-council"]
        assert host in ready["hosts"]
        (route,) = ready["http"]
        assert route["match"] == [{"uri": {"exact": path}}]
        assert route["directResponse"]["status"] == 200


def test_without_the_token_https_has_nothing_but_the_answer_to_probes() -> None:
    rules = spec(rendered("gcp", IOWA), "us-central1-mesh-origin-authentication-edge-only")["rules"]
    open_to_all = [rule["to"] for rule in rules if "from" not in rule]
    https = [one["operation"] for to in open_to_all for one in to if "8443" in one["operation"]["ports"]]
    assert https == [{"ports": ["8443"], "methods": ["GET", "HEAD"], "paths": ["/healthz/ready"]}]


def test_the_gateway_answers_to_all_its_names_with_the_public_certificate() -> None:
    stack = rendered("gcp", IOWA)
    plain, secure = spec(stack, "us-central1-mesh-gateway-gateway")["servers"]
    hosts = [DOMAIN, f"us-central1.origin.{DOMAIN}", f"origin.{DOMAIN}"]
    assert plain["hosts"] == hosts
    # Probes of Google name no host in the handshake.
    assert secure["hosts"] == ["*"]
    assert plain["tls"] == {"httpsRedirect": True}
    certificate = spec(stack, "us-central1-mesh-origin-certificate")
    assert secure["tls"]["credentialName"] == certificate["secretName"]
    assert certificate["dnsNames"] == hosts[1:]
    assert certificate["privateKey"]["rotationPolicy"] == "Always"


@pytest.mark.parametrize("cdn", CDNS)
def test_every_host_in_a_region_s_certificate_has_an_address_in_the_edge_s_dns(cdn: str) -> None:
    stack = rendered(cdn, *MIXED)
    records = dns_records(stack)
    found = {record.host for record in records if record.kind == "A"}
    found |= {record.host for record in records if record.kind == "CNAME" and record.target in found}
    for region, _ in MIXED:
        hosts = spec(stack, f"{region}-mesh-origin-certificate")["dnsNames"]
        assert f"{region}.origin.{DOMAIN}" in hosts
        # The authority calls each of these hosts, and refuses the whole certificate when it finds no address of one.
        assert set(hosts) <= found


@pytest.mark.parametrize(("cdn", "asked"), [("aws", f"origin.{DOMAIN}"), ("gcp", f"origin.{DOMAIN}"), ("azure", None)])
def test_the_certificate_is_for_the_host_that_the_cdn_asks(cdn: str, asked: str | None) -> None:
    hosts = spec(rendered(cdn, IOWA), "us-central1-mesh-origin-certificate")["dnsNames"]
    assert hosts == [f"us-central1.origin.{DOMAIN}", *([asked] if asked else [])]


def test_regions_share_the_account_that_answers_challenges_and_keep_its_key_in_secrets() -> None:
    stack = rendered("gcp", *MIXED)
    secrets = [stack.named(f"{name}-mesh-origin-account") for name, _ in MIXED]
    assert len({json.dumps(secret.inputs["stringData"]) for secret in secrets}) == 1
    assert all(any(path.startswith("stringData") for path in secret.secret_paths) for secret in secrets)
    filters = {json.dumps(spec(stack, f"{name}-mesh-origin-authentication-challenges")) for name, _ in MIXED}
    assert len(filters) == 1
    issuer = spec(stack, "us-central1-mesh-origin-issuer")["acme"]
    assert issuer["disableAccountKeyGeneration"] is True
    # cert-manager takes no other algorithm for an account.
    assert stack.named("edge-keys-account").inputs["algorithm"] == "RSA"
    assert issuer["privateKeySecretRef"]["name"] == secrets[0].inputs["metadata"]["name"]


def test_the_gateway_serves_the_bearer_of_the_token_and_plain_http_alone() -> None:
    stack = rendered("gcp", IOWA)
    policy = spec(stack, "us-central1-mesh-origin-authentication-edge-only")
    assert policy["action"] == "ALLOW"
    assert policy["selector"] == {"matchLabels": {"istio": "ingressgateway"}}
    assert policy["rules"] == [
        {"from": [{"source": {"requestPrincipals": ["sacred-council-edge/edge"]}}]},
        {"to": [{"operation": {"ports": ["8080"]}}]},
        {"to": [{"operation": {"ports": ["8443"], "methods": ["GET", "HEAD"], "paths": ["/healthz/ready"]}}]},
    ]


def test_regions_accept_either_key_and_the_token_goes_no_further_than_the_gateway() -> None:
    stack = rendered("gcp", IOWA)
    (rule,) = spec(stack, "us-central1-mesh-origin-authentication-token")["jwtRules"]
    assert rule["audiences"] == [DOMAIN]
    assert rule["forwardOriginalToken"] is False
    assert {key["kid"] for key in json.loads(rule["jwks"])["keys"]} == {"blue", "green"}
    (sent,) = {
        header.partition(":")[2]
        for service in stack.of_type("gcp:compute/backendService:BackendService")
        for header in service.inputs["customRequestHeaders"]
    }
    head = sent.partition(".")[0]
    assert json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"] == "blue"
    assert rule["fromHeaders"] == [{"name": "x-sacred-edge"}]


def test_no_object_in_a_cluster_holds_the_token() -> None:
    stack = rendered("gcp", IOWA)
    (service, *_) = stack.of_type("gcp:compute/backendService:BackendService")
    token = service.inputs["customRequestHeaders"][0].partition(":")[2]
    holders = {r.type for r in stack.resources if token in json.dumps(r.inputs)}
    assert holders == {"gcp:compute/backendService:BackendService"}


def test_cert_manager_has_a_closed_namespace_of_its_own() -> None:
    stack = rendered("gcp", IOWA)
    release = stack.named("us-central1-certificates-release").inputs
    assert release["namespace"] == "cert-manager"
    policies = {
        r.name: r.inputs["spec"]
        for r in stack.objects("NetworkPolicy")
        if r.inputs["metadata"]["namespace"] == "cert-manager"
    }
    assert len(policies) == 4
    opened = policies["us-central1-certificates-policy"]
    assert {port["port"] for rule in opened["egress"] for port in rule["ports"]} == {443, 6443, 8443, 16443}


def test_a_cluster_of_one_s_own_is_an_origin_by_the_address_that_its_owner_gives() -> None:
    settings = {
        "regions": [{**HERE, "gatewayAddress": "gateway.example.net"}],
        "edge": {"domain": DOMAIN, "cdn": "aws", "cachedPaths": ["/kept/"], "signingKey": "green"},
        "monitoring": {"enabled": False},
    }
    stack = render("local", {f"sacred-council:{key}": value for key, value in settings.items()})
    record = stack.named("here-edge-origin").inputs
    assert (record["type"], record["records"]) == ("CNAME", ["gateway.example.net"])
    assert "loadBalancerIP" not in stack.named("here-mesh-gateway-release").inputs["values"]["service"]
    (behaviour,) = stack.named("edge-cdn-distribution").inputs["orderedCacheBehaviors"]
    assert behaviour["pathPattern"] == "/kept/*"


@pytest.mark.parametrize("cdn", ["aws", "azure"])
def test_an_origin_may_change_from_an_address_to_a_name(cdn: str) -> None:
    records = [r for r in rendered(cdn, *MIXED).resources if r.type.endswith((":Record", ":RecordSet"))]
    (record,) = (r for r in records if r.name == "us-central1-edge-origin")
    assert record.deleted_first


@pytest.mark.parametrize(
    ("region", "expected"),
    [("us-central1", "us-central1"), ("eu-west-3", "europe-west1"), ("southafricanorth", "africa-south1")],
)
def test_a_region_of_another_cloud_is_near_one_of_google_s(region: str, expected: str) -> None:
    known = lookup(region)
    assert known is not None
    assert nearest_region("gcp", Site(name=region, cloud=known.cloud, slot=known.slot, place=known.place)) == expected


@pytest.mark.parametrize("cdn", CDNS)
def test_a_stack_imports_the_sdk_of_its_cdn_and_of_no_other(cdn: str) -> None:
    settings = {
        "regions": [{**HERE, "gatewayAddress": "192.0.2.7"}],
        "edge": {"domain": DOMAIN, "cdn": cdn, "project": "my-project"},
        "monitoring": {"enabled": False},
    }
    overrides = {f"sacred-council:{key}": value for key, value in settings.items()}
    code = (
        "import json, sys; from tests.support.rendering import render; "
        f"render('local', json.loads({json.dumps(json.dumps(overrides))})); print(json.dumps(sorted(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(SDKS.values()) & set(json.loads(run.stdout)) == {SDKS[cdn]}
