"""Live collaboration in rendered stacks: objects, routes, secrets, policies, and what adding a region changes."""

import base64
import json
import re
from typing import Any

import pytest

from components.messaging import live_configuration, nkeys
from tests.support.data_services import allowed, object_named, secret_texts
from tests.support.live_client import pem_of
from tests.support.network_policies import Pods, may_send
from tests.support.regions import FIVE, IOWA, MIXED, VIRGINIA, Where, changed, live, of_region, rendered
from tests.support.rendering import BEHIND_A_CDN, Rendered, render

pytestmark = pytest.mark.stack

REGIONS = [name for name, _ in MIXED]
NAMESPACE = "nats-live"
LOCAL: dict[str, Any] = {"sacred-council:messaging": {"websocket": {"enabled": True}}}


def spec(stack: Rendered, region: str, rest: str) -> dict[str, Any]:
    """The spec of an object of the region's mesh."""
    return dict(stack.named(f"{region}-mesh-live-{rest}").inputs["spec"])


def test_it_is_off_unless_asked_for() -> None:
    for stack in (render("local"), render("regional"), rendered(*MIXED)):
        assert [r.name for r in stack.resources if "-live" in r.name or "nats-live" in json.dumps(r.inputs)] == []


def test_a_region_more_changes_nothing_of_the_others() -> None:
    before, after = live(*MIXED), live(*FIVE)
    for region in REGIONS:
        touched = changed(before, after, region)
        assert not [name for name in touched if "live" in name or "streams" in name]
        assert "messaging-settings" not in touched
        assert "messaging-statefulset" not in touched


def test_the_order_of_the_regions_has_no_effect() -> None:
    one, other = live(*MIXED), live(*reversed(MIXED))
    assert {r.urn: r.inputs for r in one.resources} == {r.urn: r.inputs for r in other.resources}


def test_regions_have_as_many_resources_of_it_however_many_there_are() -> None:
    counts = {len([key for key in of_region(live(*regions), IOWA[0]) if "live" in key]) for regions in (MIXED, FIVE)}
    assert len(counts) == 1
    assert 0 not in counts


def test_browsers_may_connect_to_any_region_with_the_same_token() -> None:
    stack = live(*MIXED)
    secrets = [secret_texts(stack.named(f"{region}-messaging-connection").inputs) for region in REGIONS]
    shared = [{key: text for key, text in each.items() if key.startswith("live.")} for each in secrets]
    assert shared[0] == shared[1] == shared[2]
    assert set(shared[0]) == {"live.url", "live.account", "live.seed", "live.bucket", "live.domain"}
    assert shared[0]["live.url"] == "wss://example.org/live"
    files = {stack.named(f"{region}-messaging-live-settings").inputs["data"]["nats.conf"] for region in REGIONS}
    assert len(files) == 1


def test_with_agents_services_have_a_second_key_and_the_servers_of_every_region_know_it() -> None:
    stack = live(*MIXED, agents={"enabled": True})
    secrets = [secret_texts(stack.named(f"{region}-messaging-connection").inputs) for region in REGIONS]
    seeds = {(each["live.seed"], each["live.agentSeed"]) for each in secrets}
    ((browsers, agents),) = seeds
    assert browsers != agents
    file = stack.named(f"{IOWA[0]}-messaging-live-settings").inputs["data"]["nats.conf"]
    (preloaded,) = re.findall(r'^  A\w+: "(.+)"$', file, re.MULTILINE)
    assert [signer["key"] for signer in claims_of(preloaded)["nats"]["signing_keys"]] == [
        nkeys.public_key(pem_of(seed), "account") for seed in (browsers, agents)
    ]


def claims_of(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))))


def test_agents_add_one_key_and_no_other_resource() -> None:
    before, after = (live(*MIXED, agents={"enabled": enabled}) for enabled in (False, True))
    assert {r.urn for r in before.resources} <= {r.urn for r in after.resources}
    (added,) = {r.name for r in after.resources} - {r.name for r in before.resources}
    assert added.endswith("live-keys-agents")


@pytest.mark.parametrize("key", ["live.seed", "live.agentSeed"])
def test_the_services_keys_are_in_the_connections_secret_only(key: str) -> None:
    stack = live(*MIXED, agents={"enabled": True})
    seed = secret_texts(stack.named(f"{IOWA[0]}-messaging-connection").inputs)[key]
    holders = {r.name for r in stack.resources if seed in json.dumps(r.inputs)}
    assert holders == {f"{region}-messaging-connection" for region in REGIONS}
    for region in REGIONS:
        assert "stringData" in stack.named(f"{region}-messaging-connection").secret_paths
    assert seed not in json.dumps(stack.outputs)


def test_passwords_of_the_links_are_in_secrets_only() -> None:
    stack = live(*MIXED)
    for user in ("live-circles", "live-state"):
        password = f"password-of-{IOWA[0]}-messaging-{user}-password"
        holders = {r.inputs["kind"] for r in stack.objects() if password in json.dumps(r.inputs)}
        assert holders == {"Secret"}
        users = secret_texts(stack.named(f"{IOWA[0]}-messaging-users").inputs)["users.conf"]
        assert f"hash-of-{IOWA[0]}-messaging-{user}-password" in users
    settings = stack.named(f"{IOWA[0]}-messaging-live-settings")
    assert settings.secret_paths == frozenset()


def test_pages_of_the_platforms_domain_may_connect_unless_others_are_named() -> None:
    file = live(*MIXED).named(f"{IOWA[0]}-messaging-live-settings").inputs["data"]["nats.conf"]
    assert 'allowed_origins: ["https://example.org"]' in file
    other = live(*MIXED, origins=["https://council.example.net"])
    file = other.named(f"{IOWA[0]}-messaging-live-settings").inputs["data"]["nats.conf"]
    assert 'allowed_origins: ["https://council.example.net"]' in file


def pods(stack: Rendered, namespace: str, **labels: str) -> Pods:
    provider = stack.named(f"{IOWA[0]}-messaging-statefulset").provider
    return Pods(provider=provider, namespace=namespace, labels=labels)


def test_only_the_public_gateway_reaches_the_servers_and_they_reach_only_nats() -> None:
    stack = live(*MIXED)
    gateway = pods(stack, "istio-ingress", istio="ingressgateway")
    east_west = pods(stack, "istio-ingress", istio="eastwestgateway")
    servers = pods(stack, NAMESPACE, **{"app.kubernetes.io/name": "nats-live"})
    nats = pods(stack, "nats", **{"app.kubernetes.io/name": "nats"})
    database = pods(stack, "cockroachdb", **{"app.kubernetes.io/name": "cockroachdb"})
    assert may_send(stack, gateway, servers, live_configuration.WEBSOCKET_PORT)
    assert not may_send(stack, east_west, servers, live_configuration.WEBSOCKET_PORT)
    assert not may_send(stack, gateway, nats, 4222)
    assert may_send(stack, servers, nats, 7422)
    assert not may_send(stack, servers, nats, 4222)
    assert not may_send(stack, servers, database, 26257)
    alone = live(IOWA)
    assert allowed(alone, "nats-live", NAMESPACE, "ingress") == {("istio-ingress", 8443), ("monitoring", 7777)}
    assert allowed(alone, "nats-live", NAMESPACE, "egress") == {("nats", 7422)}


def test_the_gateway_leads_to_the_servers_at_one_path_and_over_verified_tls() -> None:
    stack = live(*MIXED)
    service = spec(stack, IOWA[0], "virtualservice")
    assert (service["hosts"], service["gateways"]) == (["example.org"], ["istio-ingress/sacred-council"])
    (route,) = service["http"]
    assert route["match"] == [{"uri": {"exact": "/live"}}]
    # Istio refuses a timeout of 0s, and has none by default.
    assert "timeout" not in route
    rule = spec(stack, IOWA[0], "destinationrule")
    assert rule["host"] == route["route"][0]["destination"]["host"] == "nats-live.nats-live.svc.cluster.local"
    tls = rule["trafficPolicy"]["tls"]
    assert (tls["mode"], tls["credentialName"]) == ("SIMPLE", "live-authority")
    names = stack.named(f"{IOWA[0]}-messaging-live-certificate-request").inputs["dnsNames"]
    assert set(tls["subjectAltNames"]) <= set(names)
    authority = stack.named(f"{IOWA[0]}-mesh-live-authority").inputs
    assert authority["metadata"]["namespace"] == "istio-ingress"
    assert set(authority["stringData"]) == {"ca.crt"}


def test_the_gateway_limits_new_connections_and_uploads_of_this_route_alone() -> None:
    found = spec(live(*MIXED, connectionsPerSecond=7, uploadPerSecond="2Mi"), IOWA[0], "envoyfilter")
    assert found["workloadSelector"] == {"labels": {"istio": "ingressgateway"}}
    patches = {patch["applyTo"]: patch["patch"]["value"] for patch in found["configPatches"]}
    limits = patches["HTTP_ROUTE"]["typed_per_filter_config"]
    assert limits["envoy.filters.http.local_ratelimit"]["token_bucket"] == {
        "max_tokens": 7,
        "tokens_per_fill": 7,
        "fill_interval": "1s",
    }
    assert limits["envoy.filters.http.bandwidth_limit"]["limit_kbps"] == 2048
    listeners = [patch for patch in found["configPatches"] if patch["applyTo"] == "HTTP_FILTER"]
    configured = [patch["patch"]["value"]["typed_config"] for patch in listeners]
    assert all("token_bucket" not in each for each in configured)
    assert [each.get("enable_mode") for each in configured] == [None, "DISABLED"]


def test_each_region_makes_the_bucket_or_its_copy() -> None:
    stack = live(*MIXED)
    for region in REGIONS:
        data = stack.named(f"{region}-messaging-streams-settings").inputs["data"]
        assert ("mirror" in json.loads(data["KV_circles.json"])) is (region != IOWA[0])


def test_the_servers_are_restricted_pods_that_keep_nothing() -> None:
    deployment = object_named(live(IOWA), "Deployment", "nats-live", NAMESPACE)
    template = deployment["spec"]["template"]["spec"]
    assert deployment["spec"]["replicas"] == 2
    assert template["automountServiceAccountToken"] is False
    assert {volume["name"] for volume in template["volumes"]} == {"settings", "certificates", "run"}
    (server, _) = template["containers"]
    assert server["securityContext"]["readOnlyRootFilesystem"] is True
    assert server["lifecycle"]["preStop"]["exec"]["command"][1].startswith("--signal=ldm")


def test_one_region_alone_needs_no_home() -> None:
    stack = render("local", LOCAL)
    data = stack.named("local-messaging-streams-settings").inputs["data"]
    assert json.loads(data["KV_circles.json"])["subjects"] == ["$KV.circles.>"]
    assert stack.outputs["regions"]["local"]["gateway"]["urls"]["live"] == "wss://sacred-council.localhost/live"


def test_behind_a_cdn_a_browser_needs_the_edges_token_too() -> None:
    stack = render("local", {**BEHIND_A_CDN, **LOCAL})
    (policy,) = [r.inputs for r in stack.objects("AuthorizationPolicy") if r.name.endswith("edge-only")]
    operations = [to["operation"] for rule in policy["spec"]["rules"] for to in rule.get("to", [])]
    paths = [path for operation in operations for path in operation.get("paths", [])]
    assert paths == ["/healthz/ready"]
    assert spec(stack, "local", "virtualservice")["hosts"] == ["example.org"]


def test_switching_it_on_replaces_nothing() -> None:
    before = render("local")
    after = render("local", LOCAL)
    assert {r.urn for r in before.resources} <= {r.urn for r in after.resources}


@pytest.mark.parametrize("regions", [MIXED, FIVE], ids=len)
def test_servers_name_no_other_region_but_the_home(regions: tuple[Where, ...]) -> None:
    mirror = VIRGINIA[0]
    text = live(*regions).named(f"{mirror}-messaging-settings").inputs["data"]["nats.conf"]
    assert {name for name, _ in regions if f"SYS_{name}" in text} == {IOWA[0], mirror}
