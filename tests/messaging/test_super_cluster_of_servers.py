"""Three regions of real nats-servers, started with the files that the program renders for three regions.

Addresses are mapped to loopback, where each region has a peer endpoint like the one in front of its servers in the
clouds. The certificates are real and contain the names that the program certifies.
"""

import asyncio
import socket
import ssl
import time
from collections.abc import Iterator
from typing import Any

import nats
import pytest
from nats.aio.client import Client

from components.messaging import configuration
from components.namespaces import NATS
from components.peering import peer_name
from tests.support.nats_servers import PASSWORD, across, stored
from tests.support.rendering import render
from tests.support.super_cluster import SuperCluster, certified_names, super_cluster

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(300)]

SECONDS_IN_VAIN = 6
PRIMARY_REGION, NEAR, FAR = "us-central1", "europe-west1", "asia-east1"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SuperCluster]:
    """The super-cluster of the multiregion stack. Each test leaves it complete."""
    with super_cluster(render("multiregion"), tmp_path_factory.mktemp("super-cluster")) as built:
        built.start()
        built.together()
        yield built


def message(cluster: SuperCluster, source: str, target: str) -> bytes:
    return asyncio.run(across(cluster.platform, cluster.regions[source], cluster.regions[target]))


def publish(stream: str) -> Any:
    async def do(client: Client) -> str:
        jetstream = client.jetstream(timeout=10)
        await jetstream.add_stream(name=stream, subjects=[f"{stream}.>"], num_replicas=3)
        return (await stored(client, f"{stream}.first", b"we are one")).domain or ""

    return do


def test_the_stack_makes_one_super_cluster(cluster: SuperCluster) -> None:
    assert set(cluster.regions) == {PRIMARY_REGION, NEAR, FAR}
    for name, region in cluster.regions.items():
        page = cluster.platform.monitor(region, "gatewayz")
        assert (page["name"], set(page["outbound_gateways"])) == (name, set(cluster.regions) - {name})
        systems = {other["remote_name"] for other in cluster.platform.monitor(region, "routez")["routes"]}
        assert systems <= {region.server_name(index) for index in range(3)}


@pytest.mark.parametrize(("source", "target"), [(PRIMARY_REGION, FAR), (FAR, NEAR)])
def test_a_message_published_in_one_region_arrives_in_another(cluster: SuperCluster, source: str, target: str) -> None:
    assert message(cluster, source, target) == b"hello"


def test_a_request_is_answered_by_another_region(cluster: SuperCluster) -> None:
    async def ask() -> bytes:
        options: dict[str, Any] = {
            "user": configuration.APPLICATION_USER,
            "password": PASSWORD,
            "tls": cluster.platform.tls(),
        }
        asking = await nats.connect(cluster.regions[NEAR].client_url(1), **options)
        answering = await nats.connect(cluster.regions[FAR].client_url(2), **options)

        async def answer(question: Any) -> None:
            await question.respond(b"yes: " + question.data)

        try:
            await answering.subscribe("questions", cb=answer)
            await answering.flush()
            for _ in range(50):
                try:
                    return (await asking.request("questions", b"are we one?", timeout=1)).data
                except (nats.errors.NoRespondersError, nats.errors.TimeoutError):
                    await asyncio.sleep(0.2)
            return b""
        finally:
            await asking.close()
            await answering.close()

    assert asyncio.run(ask()) == b"yes: are we one?"


def greeting(cluster: SuperCluster, region: str, context: ssl.SSLContext, name: str) -> bytes:
    """Return the first four bytes that the region's gateway sends to a client that calls it by `name`."""
    with (
        socket.create_connection(("localhost", cluster.endpoints[region].port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=name) as encrypted,
    ):
        return encrypted.recv(4)


def test_a_gateway_is_certified_for_the_name_that_the_others_call_it(cluster: SuperCluster) -> None:
    for name in cluster.regions:
        caller = next(region for other, region in cluster.regions.items() if other != name)
        member = cluster.platform.tls()
        member.load_cert_chain(caller.certificates / "tls.crt", caller.certificates / "tls.key")
        assert greeting(cluster, name, member, peer_name(name, NATS)) == b"INFO"
        with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
            greeting(cluster, name, member, "gateway.example.org")


def test_a_gateway_lets_nobody_in_without_a_certificate_of_the_platform(cluster: SuperCluster) -> None:
    with pytest.raises(ssl.SSLError, match="certificate required"):
        greeting(cluster, PRIMARY_REGION, cluster.platform.tls(), peer_name(PRIMARY_REGION, NATS))


def test_certificates_know_all_peers_before_there_are_any(cluster: SuperCluster) -> None:
    alone = render("regional")
    (region,) = {r.inputs["metadata"]["labels"]["sacred-council.love/region"] for r in alone.objects("StatefulSet")}
    assert certified_names(alone, region) == certified_names(cluster.rendered, FAR)


def test_a_region_that_was_killed_is_part_again_after_its_restart(cluster: SuperCluster) -> None:
    cluster.kill(FAR)
    cluster.eventually(lambda: FAR not in cluster.outbound(NEAR), "the others have noticed")
    assert message(cluster, NEAR, PRIMARY_REGION) == b"hello"
    cluster.start(FAR)
    cluster.together()
    assert message(cluster, NEAR, FAR) == b"hello"
    assert message(cluster, FAR, PRIMARY_REGION) == b"hello"


def test_regions_find_each_other_while_the_one_they_meet_at_is_down(cluster: SuperCluster) -> None:
    cluster.kill(PRIMARY_REGION)
    cluster.kill(FAR)
    # Long enough for failed attempts: a region that the others gave up would never be found again.
    time.sleep(SECONDS_IN_VAIN)
    cluster.start(FAR)
    cluster.together(NEAR, FAR)
    assert message(cluster, NEAR, FAR) == b"hello"
    cluster.start(PRIMARY_REGION)
    cluster.together()
    assert message(cluster, FAR, PRIMARY_REGION) == b"hello"


def test_a_region_that_is_cut_off_serves_its_own_streams_and_comes_back(cluster: SuperCluster) -> None:
    for endpoint in cluster.endpoints.values():
        endpoint.shut()
    for name in cluster.regions:
        cluster.eventually(lambda name=name: cluster.outbound(name) == set(), f"{name} is cut off")
    for name, region in cluster.regions.items():
        assert cluster.platform.with_client(region, publish(f"alone-{name}")) == name
    for endpoint in cluster.endpoints.values():
        endpoint.open()
    cluster.together()
    assert message(cluster, PRIMARY_REGION, NEAR) == b"hello"


def test_each_region_keeps_its_own_streams(cluster: SuperCluster) -> None:
    async def streams(client: Client) -> set[str]:
        return {info.config.name or "" for info in await client.jetstream(timeout=10).streams_info()}

    for name, region in cluster.regions.items():
        assert cluster.platform.with_client(region, publish(f"in-{name}")) == name
    for name, region in cluster.regions.items():
        elsewhere = {f"in-{other}" for other in cluster.regions if other != name}
        found = cluster.platform.with_client(region, streams)
        assert f"in-{name}" in found
        assert not found & elsewhere
