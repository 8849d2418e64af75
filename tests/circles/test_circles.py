"""Circles' servers in rendered stacks: files, addresses, ways in and out, and what one region more changes.

What LiveKit 1.13.5 reads is in its pkg/config/config.go and, for `rtc`, in mediatransportutil's
pkg/rtcconfig/config.go; for `redis`, in the redis and xtls packages of its protocol module.
"""

import json
from typing import Any

import pytest
import yaml

from components.metadata import selector
from components.versions import LIVEKIT_IMAGE
from tests.support import clouds
from tests.support.data_services import container, secret_texts, waits_for
from tests.support.network_policies import Pods, may_send, may_send_anywhere, may_send_to
from tests.support.regions import (
    AMSTERDAM,
    FIVE,
    IOWA,
    MIXED,
    VIRGINIA,
    changed,
    circled,
    configured,
    of_region,
    rendered_with,
)
from tests.support.rendering import ROOT, Rendered, render

pytestmark = pytest.mark.stack

REGIONS = [name for name, _ in MIXED]
SERVER = selector("circles")
GATEWAY = {"istio": "ingressgateway"}
RESERVED = {
    "gcp:compute/address:Address": ("address", "address"),
    "aws:ec2/eip:Eip": ("publicIp", "allocationId"),
    "azure-native:network:PublicIPAddress": ("ipAddress", "name"),
}
"""By type of a reserved address: its outputs with the address, and with what a Service names it by."""


def alone(*, monitoring: bool = False, **keys: object) -> Rendered:
    """One region without a CDN."""
    more: dict[str, Any] = {"monitoring": {}} if monitoring else {}
    return rendered_with((IOWA,), circles={"enabled": True, **keys}, **more)


def with_regions(regions: list[dict[str, Any]], **sections: Any) -> Rendered:
    """Regions with keys of their own."""
    settings = {**configured(*MIXED), "regions": regions, "circles": {"enabled": True}, **sections}
    return render("multiregion", {f"sacred-council:{key}": value for key, value in settings.items()})


def part(stack: Rendered, region: str, rest: str) -> dict[str, Any]:
    """The inputs of a part of the region's servers."""
    return stack.named(f"{region}-circles-{rest}").inputs


def file(stack: Rendered, region: str, index: int = 0) -> dict[str, Any]:
    """The file that the server number `index` reads."""
    document: dict[str, Any] = yaml.safe_load(part(stack, region, "settings")["data"][f"circles-{index}.yaml"])
    return document


def pods(stack: Rendered, region: str, namespace: str = "circles", labels: dict[str, str] | None = None) -> Pods:
    provider = stack.named(f"{region}-circles-statefulset").provider
    return Pods(provider=provider, namespace=namespace, labels=SERVER if labels is None else labels)


def ports(service: dict[str, Any]) -> set[tuple[str, int, int]]:
    return {(port["protocol"], port["port"], port["targetPort"]) for port in service["spec"]["ports"]}


def test_without_circles_there_is_nothing_of_them() -> None:
    stack = rendered_with(MIXED, edge={"domain": "example.org", "cdn": "gcp", "project": "my-project"})
    assert [r.name for r in stack.resources if "circles" in r.name] == []


# What LiveKit reads.


def test_a_server_announces_its_own_address_and_asks_nobody_for_it() -> None:
    stack = circled(*MIXED)
    for region in REGIONS:
        for index in (0, 1):
            rtc = file(stack, region, index)["rtc"]
            assert rtc["use_external_ip"] is False
            assert rtc["node_ip"] in address_of(stack, region, index, "udp")
            assert rtc["udp_port"] == 7882
            # With a range besides, LiveKit would not use the port.
            assert not {"port_range_start", "port_range_end"} & set(rtc)


def address_of(stack: Rendered, region: str, index: int, protocol: str) -> set[str]:
    """The reserved addresses that a load balancer's Service names, as its cloud does."""
    service = part(stack, region, f"{index}-{protocol}-service")
    named = [service["spec"].get("loadBalancerIP"), *service["metadata"]["annotations"].values()]
    mine = [r for r in stack.resources if r.name.startswith(f"{region}-circles-{index}-") and r.type in RESERVED]
    outputs = [clouds.outputs_of(r.type, r.name, r.inputs) for r in mine]
    return {
        str(known[RESERVED[r.type][0]])
        for r, known in zip(mine, outputs, strict=True)
        if known[RESERVED[r.type][1]] in named
    }


def test_a_server_answers_participants_and_services_in_its_pod_only() -> None:
    document = file(circled(*MIXED), IOWA[0])
    assert document["bind_addresses"] == ["127.0.0.1"]
    assert (document["port"], document["prometheus"]) == (7880, {"port": 6789})
    assert "development" not in document


def test_turn_over_tls_has_a_name_of_its_own_and_the_proxy_has_its_certificate() -> None:
    stack = circled(*MIXED)
    for index in (0, 1):
        turn = file(stack, IOWA[0], index)["turn"]
        assert turn["domain"] == f"circles-{index}.us-central1.origin.example.org"
        assert (turn["enabled"], turn["tls_port"], turn["external_tls"]) == (True, 5349, True)


def test_browsers_ask_this_server_for_their_address_and_not_google() -> None:
    # Without `turn.udp_port` and `rtc.stun_servers`, LiveKit names servers of Google's and Twilio's.
    stack = circled(*MIXED)
    assert file(stack, IOWA[0])["turn"]["udp_port"] == 3478
    assert ("UDP", 3478, 3478) in ports(part(stack, IOWA[0], "0-udp-service"))


def test_turn_leads_to_the_server_s_own_address_only() -> None:
    document = file(circled(*MIXED), IOWA[0])
    assert document["turn"]["allow_restricted_peer_cidrs"] == [f"{document['rtc']['node_ip']}/32"]


def test_limits_are_those_of_the_settings() -> None:
    document = file(alone(maxParticipants=12, maxRate="25M"), IOWA[0])
    assert document["room"]["max_participants"] == 12
    assert document["limit"] == {"bytes_per_sec": 25_000_000}


@pytest.mark.parametrize(("replicas", "labels"), [(1, "redis"), (3, "redis-proxy")])
def test_calls_are_kept_in_the_region_s_redis_over_tls(replicas: int, labels: str) -> None:
    stack = rendered_with((IOWA,), circles={"enabled": True}, cache={"replicas": replicas})
    redis = file(stack, IOWA[0])["redis"]
    assert redis == {
        "address": "redis.redis.svc:6379",
        "username": "default",
        "tls": {"enabled": True, "ca_cert_file": "/etc/circles/settings/cache-ca.crt"},
    }
    connection = secret_texts(stack.named("us-central1-cache-connection").inputs)
    assert part(stack, IOWA[0], "settings")["data"]["cache-ca.crt"] == connection["ca.crt"]
    assert secret_texts(part(stack, IOWA[0], "keys"))["cache-password"] == connection["password"]
    cache = pods(stack, IOWA[0], "redis", selector(labels))
    assert may_send(stack, pods(stack, IOWA[0]), cache, 6379)
    opened = part(stack, IOWA[0], "cache")
    assert opened["metadata"]["namespace"] == "redis"
    assert opened["spec"]["podSelector"]["matchLabels"] == selector(labels)


@pytest.mark.parametrize("where", MIXED)
def test_calls_are_kept_in_a_cache_that_the_cloud_runs(where: tuple[str, str]) -> None:
    stack = rendered_with((where,), circles={"enabled": True}, cache={"engine": "managed"})
    region = where[0]
    connection = secret_texts(stack.named(f"{region}-cache-connection").inputs)
    assert file(stack, region)["redis"]["address"] == f"{connection['host']}:{connection['port']}"
    assert part(stack, region, "settings")["data"]["cache-ca.crt"] == connection["ca.crt"]
    assert secret_texts(part(stack, region, "keys"))["cache-password"] == connection["password"]
    egress = part(stack, region, "network-policy")["spec"]["egress"]
    opened = {
        (rule["to"][0]["ipBlock"]["cidr"], rule["ports"][0]["port"]) for rule in egress if "ipBlock" in rule["to"][0]
    }
    (to_cache,) = stack.named(f"{region}-cache-clients").inputs["spec"]["egress"]
    assert (to_cache["to"][0]["ipBlock"]["cidr"], int(connection["port"])) in opened


def test_the_keeper_uses_the_keys_that_say_which_call_is_where() -> None:
    # pkg/routing/redisrouter.go: NodesKey, NodeRoomKey; pkg/service/redisstore.go: RoomsKey, RoomInternalKey.
    stack = alone()
    template = part(stack, IOWA[0], "statefulset")["spec"]["template"]
    script = part(stack, IOWA[0], "settings")["data"]["keeper.sh"]
    assert "for key in nodes room_node_map rooms room_internal; do" in script
    variables = {one["name"]: one.get("value") for one in container(template, "keeper")["env"]}
    assert (variables["REDIS_HOST"], variables["REDIS_PORT"]) == ("redis.redis.svc", "6379")
    assert "REDISCLI_AUTH" in variables


# Keys and tokens.


def test_all_regions_take_two_keys_and_services_sign_with_one_of_them() -> None:
    stack = circled(*MIXED)
    (keys,) = {secret_texts(part(stack, region, "keys"))["keys.yaml"] for region in REGIONS}
    known = yaml.safe_load(keys)
    assert set(known) == {"blue", "green"}
    assert len({*known.values()}) == 2
    for region in REGIONS:
        connection = secret_texts(part(stack, region, "connection"))
        assert (connection["api.key"], connection["api.secret"]) == ("blue", known["blue"])
    other = secret_texts(part(circled(*MIXED, signingKey="green"), IOWA[0], "connection"))
    assert (other["api.key"], other["api.secret"]) == ("green", known["green"])


def test_another_signing_key_restarts_no_server() -> None:
    before, after = circled(*MIXED), circled(*MIXED, signingKey="green")
    for region in REGIONS:
        assert {rest for rest in changed(before, after, region) if "circles" in rest} == {"circles-connection"}


def test_no_key_is_in_plain() -> None:
    stack = circled(*MIXED)
    for rest in ("keys", "connection"):
        assert any("stringData" in path for path in stack.named(f"{IOWA[0]}-circles-{rest}").secret_paths), rest
    known = yaml.safe_load(secret_texts(part(stack, IOWA[0], "keys"))["keys.yaml"])
    for resource in stack.resources:
        plain = json.dumps(resource.inputs) if not resource.secret_paths else ""
        assert not any(secret in plain for secret in known.values()), resource.name
    outputs = json.dumps(stack.outputs) + json.dumps(stack.registered_outputs)
    assert not any(secret in outputs for secret in known.values())


def test_others_than_the_server_cannot_read_its_key_file() -> None:
    # LiveKit refuses a key file with any right for others (ErrKeyFileIncorrectPermission).
    template = part(alone(), IOWA[0], "statefulset")["spec"]["template"]["spec"]
    (volume,) = (one["secret"] for one in template["volumes"] if one["name"] == "keys")
    assert volume["defaultMode"] & 0o007 == 0
    assert [item["key"] for item in volume["items"]] == ["keys.yaml"]
    assert "keys" not in file(alone(), IOWA[0])
    assert file(alone(), IOWA[0])["key_file"] == "/etc/circles/keys/keys.yaml"


def test_services_learn_where_calls_may_be_and_wait_for_a_server() -> None:
    stack = circled(*MIXED)
    secret = stack.named(f"{IOWA[0]}-circles-connection")
    texts = secret_texts(secret.inputs)
    assert secret.inputs["metadata"]["namespace"] == "sacred-council"
    assert texts["url"] == "https://circles.circles.svc:8443"
    assert texts["region"] == IOWA[0]
    homes = {one["region"]: one for one in json.loads(texts["homes"])}
    assert sorted(homes) == sorted(REGIONS)
    assert homes[VIRGINIA[0]]["url"] == "wss://us-east-1.origin.example.org/circles"
    assert (round(homes[IOWA[0]]["latitude"]), round(homes[IOWA[0]]["longitude"])) == (41, -96)
    assert f"{IOWA[0]}-circles-statefulset" in waits_for(stack, secret)


def test_a_region_that_takes_no_users_is_no_call_s_home() -> None:
    given = [
        {"name": name, "cloud": cloud, "nodes": {"type": machine, "min": 3, "max": 9}, "traffic": name != VIRGINIA[0]}
        for (name, cloud), machine in zip(MIXED, ("e2-standard-4", "m7i.xlarge", "Standard_D4s_v5"), strict=True)
    ]
    edge = {"domain": "example.org", "cdn": "gcp", "project": "my-project"}
    stack = with_regions(given, edge=edge)
    homes = json.loads(secret_texts(part(stack, IOWA[0], "connection"))["homes"])
    assert [one["region"] for one in homes] == sorted({IOWA[0], AMSTERDAM[0]})


# Addresses and load balancers.


@pytest.mark.parametrize("region", REGIONS)
def test_each_server_has_load_balancers_that_lead_to_its_pod_only(region: str) -> None:
    stack = circled(*MIXED)
    seen = []
    for index in (0, 1):
        for protocol in ("udp", "tcp"):
            service = part(stack, region, f"{index}-{protocol}-service")
            assert service["spec"]["selector"]["statefulset.kubernetes.io/pod-name"] == f"circles-{index}"
            assert service["spec"]["externalTrafficPolicy"] == "Local"
            assert "loadBalancerSourceRanges" not in service["spec"]
            # The controller of AWS refuses a Service with two protocols (checkMixedProtocol).
            assert {port["protocol"] for port in service["spec"]["ports"]} == {protocol.upper()}
            seen.append((index, protocol, frozenset(address_of(stack, region, index, protocol))))
    assert len({address for _, _, address in seen}) == (4 if region == VIRGINIA[0] else 2)


def test_a_server_that_waits_for_its_calls_to_end_keeps_its_load_balancers() -> None:
    # Kubernetes calls the endpoint of a terminating pod ready only where the Service publishes those that are not.
    stack = circled(*MIXED)
    for rest in ("0-udp-service", "0-tcp-service"):
        assert part(stack, IOWA[0], rest)["spec"]["publishNotReadyAddresses"] is True


@pytest.mark.parametrize("region", REGIONS)
def test_ports_outside_are_those_that_livekit_announces(region: str) -> None:
    stack = circled(*MIXED)
    assert ports(part(stack, region, "0-udp-service")) == {("UDP", 7882, 7882), ("UDP", 3478, 3478)}
    # turns:<domain>:443 is in pkg/service/roommanager.go; 80 is where an authority asks (RFC 8555, section 8.3).
    over_tls = {("TCP", 443, 8444), ("TCP", 80, 8080)}
    tcp = ports(part(stack, region, "0-tcp-service"))
    if region == VIRGINIA[0]:
        # LiveKit announces TCP at the address of UDP, and here that is another one.
        assert (tcp, file(stack, region)["rtc"]["tcp_port"]) == (over_tls, 0)
    else:
        assert (tcp, file(stack, region)["rtc"]["tcp_port"]) == ({*over_tls, ("TCP", 7881, 7881)}, 7881)


def test_dns_leads_to_the_address_of_turn_before_there_is_a_cluster() -> None:
    stack = circled(*MIXED)
    for region in REGIONS:
        record = stack.named(f"{region}-edge-circles-1").inputs
        assert record["name"] == f"circles-1.{region}.origin.example.org."
        assert set(record["rrdatas"]) == address_of(stack, region, 1, "tcp")
        waited = waits_for(stack, stack.named(f"{region}-edge-circles-1"))
        assert not any("cluster" in name or "statefulset" in name for name in waited)


@pytest.mark.parametrize("cdn", ["aws", "azure"])
def test_every_cdn_s_dns_names_the_servers(cdn: str) -> None:
    stack = rendered_with(MIXED, edge={"domain": "example.org", "cdn": cdn}, circles={"enabled": True})
    record = json.dumps(stack.named(f"{IOWA[0]}-edge-circles-0").inputs)
    (address,) = address_of(stack, IOWA[0], 0, "tcp")
    assert address in record
    assert "circles-0.us-central1.origin" in record


def test_the_cluster_gives_addresses_where_nobody_reserves_any() -> None:
    stack = with_regions([{"name": "local", "cloud": "existing"}], database={})
    given = [part(stack, "local", f"0-{protocol}-service") for protocol in ("udp", "tcp")]
    assert all("loadBalancerIP" not in one["spec"] for one in given)
    address = file(stack, "local")["rtc"]["node_ip"]
    assert address.startswith("198.51.100.")
    assert file(stack, "local")["rtc"]["tcp_port"] == 0
    assert file(stack, "local")["turn"]["domain"] == "circles-0.example.org"


# Who reaches whom.


def test_everybody_reaches_media_and_turn_and_nothing_else() -> None:
    stack = rendered_with((IOWA,), circles={"enabled": True}, monitoring={})
    ingress = part(stack, IOWA[0], "network-policy")["spec"]["ingress"]
    everybody = {(port["protocol"], port["port"]) for rule in ingress if "from" not in rule for port in rule["ports"]}
    assert everybody == {("UDP", 7882), ("UDP", 3478), ("TCP", 7881), ("TCP", 8444)}
    named = {port["port"] for rule in ingress if "from" in rule for port in rule["ports"]}
    assert named == {8443, 8405}


def test_services_and_the_gateway_reach_signalling() -> None:
    stack = circled(*MIXED)
    server = pods(stack, IOWA[0])
    assert may_send(stack, pods(stack, IOWA[0], "istio-ingress", GATEWAY), server, 8443)
    values = yaml.safe_load((ROOT / "charts" / "sacred-council" / "values.yaml").read_text())
    assert values["networkPolicy"]["to"]["circles"] == {"namespace": "circles", "ports": [8443]}


def test_a_server_reaches_the_cache_and_its_own_media_address_and_nothing_else() -> None:
    stack = circled(*MIXED)
    server, address = pods(stack, IOWA[0]), file(stack, IOWA[0])["rtc"]["node_ip"]
    assert may_send_to(stack, server, address, 7882, "UDP")
    assert not may_send_to(stack, server, "192.0.2.1", 7882, "UDP")
    assert not may_send_to(stack, server, address, 443)
    assert not any(may_send_anywhere(stack, server, port) for port in (443, 80, 7882))


def test_cert_manager_reaches_what_it_asks_before_the_authority_does() -> None:
    stack = circled(*MIXED)
    controller = {"app.kubernetes.io/name": "cert-manager", "app.kubernetes.io/component": "controller"}
    asking = pods(stack, IOWA[0], "cert-manager", controller)
    assert may_send(stack, asking, pods(stack, IOWA[0]), 8080)


# Certificates.


def test_a_public_authority_signs_for_the_names_of_turn() -> None:
    stack = circled(*MIXED)
    certificate = part(stack, IOWA[0], "turn-certificate")["spec"]
    assert certificate["dnsNames"] == [file(stack, IOWA[0], index)["turn"]["domain"] for index in (0, 1)]
    issuer = part(stack, IOWA[0], "turn-issuer")
    assert certificate["issuerRef"]["name"] == issuer["metadata"]["name"]
    assert certificate["secretName"] == public_volume(stack)["secretName"]
    account = part(stack, IOWA[0], "turn-account")
    assert issuer["spec"]["acme"]["privateKeySecretRef"]["name"] == account["metadata"]["name"]


def public_volume(stack: Rendered) -> dict[str, Any]:
    template = part(stack, IOWA[0], "statefulset")["spec"]["template"]["spec"]
    (volume,) = (one["secret"] for one in template["volumes"] if one["name"] == "public")
    secret: dict[str, Any] = volume
    return secret


def test_a_server_starts_without_the_certificate_because_it_answers_the_authority() -> None:
    stack = circled(*MIXED)
    assert public_volume(stack)["optional"] is True
    proxy = part(stack, IOWA[0], "settings")["data"]["haproxy.cfg"]
    thumbprint = accounts_thumbprint(stack)
    assert f"%[path,field(4,/)].{thumbprint}" in proxy


def accounts_thumbprint(stack: Rendered) -> str:
    (registered,) = (outputs for urn, outputs in stack.registered_outputs.items() if urn.endswith("::edge-keys"))
    return str(registered["account_thumbprint"])


def test_without_a_cdn_the_region_s_own_authority_signs_for_turn() -> None:
    stack = alone()
    names = part(stack, IOWA[0], "certificate-request")["dnsNames"]
    assert {"circles-0.example.org", "circles-1.example.org", "circles.circles.svc"} <= set(names)
    assert "frontend challenges" not in part(stack, IOWA[0], "settings")["data"]["haproxy.cfg"]
    assert ports(part(stack, IOWA[0], "0-tcp-service")) == {("TCP", 443, 8444), ("TCP", 7881, 7881)}
    assert [r.name for r in stack.resources if "circles-turn" in r.name] == []


def test_a_new_certificate_restarts_no_server() -> None:
    annotations = part(circled(*MIXED), IOWA[0], "statefulset")["spec"]["template"]["metadata"]["annotations"]
    assert set(annotations) == {"sacred-council.love/checksum"}


# Pods.


def test_pods_have_a_server_its_proxy_and_the_keeper_and_no_disk() -> None:
    spec = part(alone(cpu="3", memory="2Gi"), IOWA[0], "statefulset")["spec"]
    template = spec["template"]["spec"]
    assert [one["name"] for one in template["containers"]] == ["livekit", "proxy", "keeper"]
    assert "volumeClaimTemplates" not in spec
    server = container(spec["template"], "livekit")
    assert server["image"] == LIVEKIT_IMAGE
    assert server["command"] == ["/livekit-server", "--config", "/etc/circles/settings/$(POD_NAME).yaml"]
    assert server["resources"]["limits"] == {"cpu": "3", "memory": "2Gi", "ephemeral-storage": "128Mi"}
    # The flag redis-password reads this variable (cmd/server/main.go).
    assert "REDIS_PASSWORD" in {one["name"] for one in server["env"]}


def test_an_outage_of_the_cache_ends_no_call() -> None:
    # GET / says 406 while a server cannot renew its entry in Redis.
    server = container(part(alone(), IOWA[0], "statefulset")["spec"]["template"], "livekit")
    assert server["readinessProbe"]["httpGet"]["path"] == "/"
    assert server["livenessProbe"]["httpGet"]["path"] == "/metrics"


@pytest.mark.parametrize(("drain", "seconds"), [("1h", 3600), ("3h", 10_800)])
def test_a_server_waits_for_its_calls_to_end_for_so_long(drain: str, seconds: int) -> None:
    stack = alone(drain=drain)
    template = part(stack, IOWA[0], "statefulset")["spec"]["template"]
    assert template["spec"]["terminationGracePeriodSeconds"] == seconds
    stop = container(template, "proxy")["lifecycle"]["preStop"]["exec"]["command"]
    assert stop == ["/bin/sh", "/etc/circles/settings/stop.sh"]
    assert "nc -z 127.0.0.1 7880" in part(stack, IOWA[0], "settings")["data"]["stop.sh"]


def test_nobody_waits_for_an_update_that_waits_for_calls() -> None:
    # With this annotation, the provider waits for the condition instead of for all pods.
    annotations = part(alone(), IOWA[0], "statefulset")["metadata"]["annotations"]
    assert annotations["pulumi.com/waitFor"] == "jsonpath={.status.readyReplicas}"


# The way in.


def test_the_gateway_leads_participants_to_the_servers_and_nobody_to_their_other_paths() -> None:
    stack = circled(*MIXED)
    route = stack.named(f"{IOWA[0]}-mesh-circles-virtualservice").inputs["spec"]
    assert route["hosts"] == ["us-central1.origin.example.org"]
    (http,) = route["http"]
    assert (http["match"], http["rewrite"]) == ([{"uri": {"prefix": "/circles/rtc"}}], {"uri": "/rtc"})
    destination = http["route"][0]["destination"]
    assert destination == {"host": "circles.circles.svc.cluster.local", "port": {"number": 8443}}
    names = part(stack, IOWA[0], "certificate-request")["dnsNames"]
    tls = stack.named(f"{IOWA[0]}-mesh-circles-destinationrule").inputs["spec"]["trafficPolicy"]["tls"]
    assert set(tls["subjectAltNames"]) <= set(names)


def test_the_public_certificate_has_the_host_of_the_route() -> None:
    stack = circled(*MIXED)
    (host,) = stack.named(f"{IOWA[0]}-mesh-circles-virtualservice").inputs["spec"]["hosts"]
    assert host in stack.named(f"{IOWA[0]}-mesh-origin-certificate").inputs["spec"]["dnsNames"]
    assert stack.named(f"{IOWA[0]}-edge-origin").inputs["name"] == f"{host}."


def test_past_the_cdn_the_gateway_allows_signalling_only() -> None:
    policy = circled(*MIXED).named(f"{IOWA[0]}-mesh-circles-authorizationpolicy").inputs["spec"]
    ((to,),) = ([entry["operation"] for entry in rule["to"]] for rule in policy["rules"])
    assert policy["action"] == "ALLOW"
    assert to["paths"] == ["/circles/rtc", "/circles/rtc/*"]
    assert set(to["hosts"]) == {"us-central1.origin.example.org", "us-central1.origin.example.org:*"}


def test_without_a_cdn_the_gateway_allows_everything_as_before() -> None:
    stack = alone()
    assert [r.name for r in stack.resources if r.name.endswith("circles-authorizationpolicy")] == []
    assert stack.named(f"{IOWA[0]}-mesh-circles-virtualservice").inputs["spec"]["hosts"] == ["example.org"]


def test_new_connections_are_limited_by_a_filter_of_its_own() -> None:
    patches = alone(connectionsPerSecond=7).named(f"{IOWA[0]}-mesh-circles-envoyfilter").inputs["spec"]["configPatches"]
    added, configured = patches
    name = added["patch"]["value"]["name"]
    bucket = configured["patch"]["value"]["typed_per_filter_config"][name]["token_bucket"]
    assert (bucket["max_tokens"], bucket["fill_interval"]) == (7, "1s")
    assert name != "envoy.filters.http.local_ratelimit"


# Growth.


def test_a_region_more_changes_of_the_others_only_what_services_know() -> None:
    before, after = circled(*MIXED), circled(*FIVE)
    for region in REGIONS:
        touched = {rest for rest in changed(before, after, region) if "circles" in rest}
        assert touched == {"circles-connection"}


def test_the_order_of_the_regions_means_nothing() -> None:
    one, other = circled(*MIXED), circled(*reversed(MIXED))
    for region in REGIONS:
        assert of_region(one, region).keys() == of_region(other, region).keys()
        assert changed(one, other, region) == set()


def test_a_server_more_restarts_none_of_the_others() -> None:
    before, after = circled(*MIXED), circled(*MIXED, servers=3)
    for region in REGIONS:
        one, other = (part(stack, region, "statefulset")["spec"] for stack in (before, after))
        assert one["template"] == other["template"]
        assert (one["replicas"], other["replicas"]) == (2, 3)
        assert file(before, region, 1) == file(after, region, 1)


def test_switching_circles_on_replaces_nothing_and_restarts_no_other_data_service() -> None:
    edge = {"domain": "example.org", "cdn": "gcp", "project": "my-project"}
    off, on = rendered_with(MIXED, edge=edge), circled(*MIXED)
    for region in REGIONS:
        assert of_region(off, region).keys() <= of_region(on, region).keys()
        assert not any("statefulset" in rest for rest in changed(off, on, region))


def test_no_region_waits_for_another_one_s_servers() -> None:
    stack = circled(*MIXED)
    for region in REGIONS:
        others = {f"{name}-circles-" for name in REGIONS if name != region}
        waited = waits_for(stack, stack.named(f"{region}-circles-connection"))
        assert not any(name.startswith(other) for name in waited for other in others)
