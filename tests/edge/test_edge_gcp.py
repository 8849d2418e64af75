"""The edge on Google Cloud, as a security reviewer reads it."""

import pytest

from components.cdn.gcp import serving
from tests.support.edges import DOMAIN, FIVE, THREE, edge, only

pytestmark = pytest.mark.stack


def rules(waf: str = "block") -> list[dict[str, object]]:
    return list(only(edge("gcp", waf=waf), "gcp:compute/securityPolicy:SecurityPolicy")["rules"])


def test_users_get_tls_1_2_or_newer_with_restricted_ciphers_and_post_quantum_key_exchange() -> None:
    rendered = edge("gcp")
    policy = only(rendered, "gcp:compute/sSLPolicy:SSLPolicy")
    assert policy == {"profile": "RESTRICTED", "minTlsVersion": "TLS_1_2", "postQuantumKeyExchange": "ENABLED"}
    assert only(rendered, "gcp:compute/targetHttpsProxy:TargetHttpsProxy")["sslPolicy"] == "edge-front-ciphers-id"


def test_plain_http_is_only_redirected() -> None:
    rendered = edge("gcp")
    redirect = rendered.named("edge-front-redirect").inputs
    assert redirect["defaultUrlRedirect"]["httpsRedirect"] is True
    assert "defaultService" not in redirect
    assert only(rendered, "gcp:compute/targetHttpProxy:TargetHttpProxy")["urlMap"] == "edge-front-redirect-id"
    ports = {
        r.inputs["portRange"]: r.inputs["target"]
        for r in rendered.of_type("gcp:compute/globalForwardingRule:GlobalForwardingRule")
    }
    assert ports == {"443": "edge-front-https-id", "80": "edge-front-http-id"}


def test_both_backend_services_are_behind_the_firewall_and_ask_regions_in_https_with_the_token() -> None:
    services = edge("gcp").of_type("gcp:compute/backendService:BackendService")
    assert len(services) == 2
    for service in services:
        assert service.inputs["securityPolicy"] == "edge-cdn-firewall-id"
        assert service.inputs["protocol"] == "HTTPS"
        assert service.inputs["customRequestHeaders"] == ["x-sacred-edge:the token"]
        assert any(path.startswith("customRequestHeaders") for path in service.secret_paths)
        assert service.inputs["logConfig"] == {"enable": True, "sampleRate": 1}
        assert service.inputs["customResponseHeaders"] == [
            "Strict-Transport-Security:max-age=31536000; includeSubDomains"
        ]


def test_only_static_paths_are_kept() -> None:
    rendered = edge("gcp")
    assert rendered.named("edge-cdn-cached").inputs["enableCdn"] is True
    assert "enableCdn" not in rendered.named("edge-cdn-direct").inputs
    (matcher,) = rendered.named("edge-routes").inputs["pathMatchers"]
    first, *others = matcher["routeRules"]
    assert first["matchRules"] == [{"prefixMatch": "/a/static/"}, {"prefixMatch": "/b/static/"}]
    assert first["service"] == "edge-cdn-cached-id"
    assert {rule["service"] for rule in others} == {matcher["defaultService"]} == {"edge-cdn-direct-id"}


def test_a_client_s_language_does_not_reach_what_is_kept_for_everybody() -> None:
    (matcher,) = edge("gcp").named("edge-routes").inputs["pathMatchers"]
    (kept,) = [rule for rule in matcher["routeRules"] if rule["service"] == "edge-cdn-cached-id"]
    assert kept["headerAction"] == {"requestHeadersToRemoves": ["x-sacred-language"]}


def test_without_cached_paths_nothing_is_kept() -> None:
    rules = serving.route_rules(cached_paths=[], languages=["en"], cached="cached", direct="direct")
    assert {rule["service"] for rule in rules} == {"direct"}


def test_a_websocket_may_stay_for_an_hour() -> None:
    assert edge("gcp").named("edge-cdn-direct").inputs["timeoutSec"] == 3600


def test_managed_rules_come_before_the_limit_which_lets_the_rest_through() -> None:
    *managed, limit, rest = rules()
    assert [rule["action"] for rule in managed] == ["deny(403)"] * len(serving.MANAGED_RULES)
    assert [rule["priority"] for rule in rules()] == sorted(rule["priority"] for rule in rules())  # type: ignore[type-var]
    assert limit["rateLimitOptions"] == {
        "conformAction": "allow",
        "exceedAction": "deny(429)",
        "enforceOnKey": "IP",
        "rateLimitThreshold": {"count": 600, "intervalSec": 60},
    }
    assert rest["priority"] == 2147483647


@pytest.mark.parametrize(("waf", "preview"), [("block", False), ("observe", True)])
def test_observing_stops_nobody(waf: str, preview: bool) -> None:
    *judging, _ = rules(waf)
    assert {rule["preview"] for rule in judging} == {preview}


def test_a_language_is_the_edge_s_to_say() -> None:
    (matcher,) = edge("gcp").named("edge-routes").inputs["pathMatchers"]
    *_, rest = matcher["routeRules"]
    assert rest["matchRules"] == [{"prefixMatch": "/"}]
    assert rest["headerAction"] == {"requestHeadersToRemoves": ["x-sacred-language"]}
    added = [header for rule in matcher["routeRules"][1:-1] for header in rule["headerAction"]["requestHeadersToAdds"]]
    assert [header["headerValue"] for header in added] == ["pt-BR", "en", "pt"]
    assert all(header["replace"] is True and header["headerName"] == "x-sacred-language" for header in added)


def test_cloud_dns_steers_to_the_nearest_that_is_well() -> None:
    rendered = edge("gcp", FIVE)
    policy = rendered.named("edge-origins").inputs["routingPolicy"]
    assert policy["healthCheck"] == "edge-origin-health-id"
    assert policy["enableGeoFencing"] is False
    places = {geo["location"]: geo["healthCheckedTargets"]["externalEndpoints"] for geo in policy["geos"]}
    # Two regions of other clouds in Paris share Google's region there, which is nearer to them than Belgium.
    assert places == {
        "asia-east1": [THREE["asia-east1"]],
        "europe-west1": [THREE["europe-west1"]],
        "europe-west9": ["192.0.2.4", "192.0.2.5", "192.0.2.6"],
        "us-central1": [THREE["us-central1"]],
    }
    health = rendered.named("edge-origin-health").inputs
    assert "httpHealthCheck" not in health
    assert health["httpsHealthCheck"] == {"port": 443, "host": f"origin.{DOMAIN}", "requestPath": "/healthz/ready"}
    assert len(health["sourceRegions"]) == 3
    assert health["checkIntervalSec"] >= 30


def test_the_load_balancer_asks_for_the_steered_host_by_name_so_that_its_certificate_is_checked() -> None:
    endpoint = only(edge("gcp"), "gcp:compute/globalNetworkEndpoint:GlobalNetworkEndpoint")
    assert endpoint["fqdn"] == f"origin.{DOMAIN}"
    assert "ipAddress" not in endpoint


def test_the_certificate_is_managed_and_validated_by_dns() -> None:
    rendered = edge("gcp")
    certificate = only(rendered, "gcp:certificatemanager/certificate:Certificate")["managed"]
    assert certificate == {"domains": [DOMAIN], "dnsAuthorizations": ["edge-certificate-authorization-id"]}
    proof = rendered.named("edge-certificate-proof").inputs
    assert (proof["type"], proof["name"]) == ("CNAME", f"_acme-challenge.{DOMAIN}.")


def test_the_zone_is_not_signed_because_a_place_may_have_several_addresses() -> None:
    rendered = edge("gcp", FIVE)
    items = rendered.named("edge-origins").inputs["routingPolicy"]["geos"]
    assert max(len(item["healthCheckedTargets"]["externalEndpoints"]) for item in items) > 1
    assert only(rendered, "gcp:dns/managedZone:ManagedZone")["dnssecConfig"] == {"state": "off"}


def test_the_zone_says_who_may_sign_certificates() -> None:
    allowed = {r.name: r.inputs["rrdatas"] for r in edge("gcp").resources if r.inputs.get("type") == "CAA"}
    assert allowed == {
        "edge-domain-authorities": ['0 issue "pki.goog"', '0 issuewild ";"'],
        "edge-origin-authorities": ['0 issue "letsencrypt.org; validationmethods=http-01"', '0 issuewild ";"'],
    }
