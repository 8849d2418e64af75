"""Kafka in rendered stacks: what the operator gets, who reaches whom, and what adding a region changes."""

from typing import Any

import pytest

from components.streaming import configuration
from tests.support.regions import FIVE, GOOGLE, IOWA, MIXED, Where, changed, egress, of_region, streamed
from tests.support.rendering import Rendered

pytestmark = pytest.mark.stack

REGIONS = [name for name, _ in MIXED]


def part(stack: Rendered, region: str, rest: str) -> dict[str, Any]:
    """The inputs of a part of the region's streaming."""
    return stack.named(f"{region}-streaming-{rest}").inputs


def opened(stack: Rendered, region: str, policy: str, direction: str, port: int) -> list[dict[str, Any]]:
    """The peers for which a network policy opens a port."""
    rules = part(stack, region, f"network-policy-{policy}")["spec"][direction]
    ends = "from" if direction == "ingress" else "to"
    return [peer for rule in rules if port in {one["port"] for one in rule["ports"]} for peer in rule.get(ends, [])]


def addresses(peers: list[dict[str, Any]]) -> list[str]:
    return sorted(peer["ipBlock"]["cidr"] for peer in peers if "ipBlock" in peer)


@pytest.mark.parametrize("region", REGIONS)
def test_a_broker_tells_other_regions_the_name_of_its_peer_endpoint(region: str) -> None:
    stack = streamed(*MIXED)
    listeners = {one["name"]: one for one in part(stack, region, "cluster")["spec"]["kafka"]["listeners"]}
    assert listeners["peers"]["configuration"]["brokers"] == [
        {"broker": 0, "advertisedHost": f"{region}-0.peers.kafka.svc"}
    ]
    endpoint = stack.named(f"{region}-kafka-peer-0-service").inputs["spec"]
    assert endpoint["selector"] == {"strimzi.io/pod-name": "council-broker-0"}
    assert [port["port"] for port in endpoint["ports"]] == [listeners["peers"]["port"]]


@pytest.mark.parametrize("region", REGIONS)
def test_brokers_in_a_cloud_know_their_zone(region: str) -> None:
    rack = part(streamed(*MIXED), region, "cluster")["spec"]["kafka"]["rack"]
    assert rack["topologyKey"] == "topology.kubernetes.io/zone"


@pytest.mark.parametrize("region", REGIONS)
def test_every_listener_asks_for_a_certificate_and_shows_one_with_all_names(region: str) -> None:
    stack = streamed(*MIXED)
    listeners = part(stack, region, "cluster")["spec"]["kafka"]["listeners"]
    assert {(one["tls"], one["authentication"]["type"]) for one in listeners} == {(True, "tls")}
    names = set(part(stack, region, "certificate-request")["dnsNames"])
    assert names >= {
        "*.peers.kafka.svc",
        "council-kafka-bootstrap.kafka.svc",
        "*.council-kafka-brokers.kafka.svc",
    }


def test_kafka_knows_a_user_by_its_name_and_region_alone() -> None:
    stack = streamed(*MIXED)
    subjects = {
        rest: part(stack, IOWA[0], f"{rest}-request")["subject"]
        for rest in ("user-sacred-council-certificate", "mirror-certificate", "peer-certificate")
    }
    assert subjects == {
        "user-sacred-council-certificate": {"commonName": f"sacred-council.{IOWA[0]}"},
        "mirror-certificate": {"commonName": f"mirror.{IOWA[0]}"},
        "peer-certificate": {"commonName": "peers"},
    }
    users = {one.inputs["metadata"]["name"] for one in stack.objects("KafkaUser") if one.name.startswith(IOWA[0])}
    assert users == {subject["commonName"] for subject in subjects.values()}


def test_no_key_of_an_authority_is_in_a_cluster() -> None:
    stack = streamed(*MIXED)
    held = part(stack, IOWA[0], "clients-ca")["stringData"]["ca.key"]
    assert "PRIVATE KEY" not in held
    assert part(stack, IOWA[0], "cluster")["spec"]["clientsCa"] == {"generateCertificateAuthority": False}


@pytest.mark.parametrize("region", REGIONS)
def test_only_the_other_regions_reach_the_brokers_and_the_mirror_only_their_peer_endpoints(region: str) -> None:
    stack, others = streamed(*MIXED), [name for name in REGIONS if name != region]
    port = configuration.PEER_PORT
    assert addresses(opened(stack, region, "nodes", "ingress", port)) == sorted(
        address for other in others for address in egress(stack, other)
    )
    named = stack.named(f"{region}-kafka-peers-endpoints").inputs["subsets"]
    there = sorted(f"{one['ip']}/32" for subset in named for one in subset["addresses"])
    assert addresses(opened(stack, region, "mirror", "egress", port)) == there


def test_one_region_alone_has_no_listener_for_others_and_no_mirror() -> None:
    stack = streamed(IOWA)
    assert [one["name"] for one in part(stack, IOWA[0], "cluster")["spec"]["kafka"]["listeners"]] == ["clients"]
    assert stack.objects("KafkaMirrorMaker2") == []
    assert {one.inputs["metadata"]["name"] for one in stack.objects("KafkaUser")} == {f"sacred-council.{IOWA[0]}"}


@pytest.mark.parametrize("regions", [GOOGLE, FIVE], ids=len)
def test_a_region_has_one_mirror_with_an_entry_for_each_other_region(regions: tuple[Where, ...]) -> None:
    stack = streamed(*regions)
    for name, _ in regions:
        (mirror,) = (one for one in stack.objects("KafkaMirrorMaker2") if one.name.startswith(name))
        assert [one["source"]["alias"] for one in mirror.inputs["spec"]["mirrors"]] == sorted(
            other for other, _ in regions if other != name
        )


def test_regions_have_as_many_resources_of_streaming_however_many_there_are() -> None:
    counts = {
        len([key for key in of_region(streamed(*regions), IOWA[0]) if key.startswith("streaming")])
        for regions in (MIXED, FIVE)
    }
    assert len(counts) == 1
    assert 0 not in counts


def test_a_new_region_changes_no_brokers_of_the_others() -> None:
    before, after = streamed(*MIXED), streamed(*FIVE)
    for region in REGIONS:
        touched = {key for key in changed(before, after, region) if key.startswith("streaming")}
        assert touched == {
            "streaming-network-policy-nodes",
            "streaming-network-policy-mirror",
            "streaming-user-sacred-council",
            "streaming-user-mirror",
            "streaming-mirror",
        }


def test_services_find_kafka_and_wait_for_its_secret() -> None:
    stack = streamed(*MIXED)
    secret = part(stack, IOWA[0], "connection")
    assert secret["metadata"]["namespace"] == "sacred-council"
    assert set(secret["stringData"]) == {
        "url",
        "host",
        "port",
        "bootstrap.servers",
        "username",
        "region",
        "ca.crt",
        "tls.crt",
        "tls.key",
    }
    assert secret["stringData"]["bootstrap.servers"] == "council-kafka-bootstrap.kafka.svc:9093"
    assert part(stack, IOWA[0], "cluster")["metadata"]["name"] == "council"


def test_kafka_waits_for_what_it_reads() -> None:
    stack = streamed(*MIXED)
    cluster = stack.named(f"{IOWA[0]}-streaming-cluster")
    by_urn = {one.urn: one.name.removeprefix(f"{IOWA[0]}-streaming-") for one in stack.resources}
    waited = {by_urn[urn] for urn in cluster.dependencies}
    assert waited >= {"operator", "clients-ca", "clients-ca-cert", "metrics", "pool-broker", "pool-controller"}
