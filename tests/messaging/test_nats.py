"""Real nats-servers accept the rendered configuration: TLS, accounts, JetStream, clusters and gateways."""

import asyncio
import json
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import nats
import pytest
from nats.aio.client import Client

from components.messaging import configuration
from components.messaging.settings import MessagingSettings
from tests.support.nats_servers import PASSWORD, SYSTEM_PASSWORD, Platform, across, rendered_files, stored
from tests.support.servers import eventually, free_ports, processes, write_certificate

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(180)]


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    with processes(tmp_path / "logs") as running:
        yield Platform(tmp_path, running, write_certificate(tmp_path / "certificates"))


def _servers(region: str, count: int, gateway: configuration.Gateway | None = None) -> configuration.RegionServers:
    settings = MessagingSettings(servers=count, storage="200Mi", memory="256Mi")
    return configuration.RegionServers(region=region, settings=settings, gateway=gateway)


def _publish(replicas: int, stream: str = "visions") -> Callable[[Client], Awaitable[str]]:
    async def do(client: Client) -> str:
        jetstream = client.jetstream(timeout=10)
        await jetstream.add_stream(name=stream, subjects=[f"{stream}.>"], num_replicas=replicas)
        return (await stored(client, f"{stream}.first", b"we are one")).domain or ""

    return do


async def _messages(client: Client) -> int:
    return (await client.jetstream(timeout=10).stream_info("visions")).state.messages


def test_the_application_publishes_into_a_stream_of_its_regions_domain(platform: Platform) -> None:
    region = platform.region(_servers("local", 1))
    platform.start(region)
    platform.healthy(region)
    assert platform.with_client(region, _publish(1)) == "local"


def test_a_wrong_password_is_refused(platform: Platform) -> None:
    region = platform.region(_servers("local", 1))
    platform.start(region)
    platform.healthy(region)
    with pytest.raises(nats.errors.Error, match="Authorization Violation"):
        platform.with_client(region, _publish(1), password="wrong")


def test_a_client_without_tls_is_refused(platform: Platform) -> None:
    region = platform.region(_servers("local", 1))
    platform.start(region)
    platform.healthy(region)
    port = region.ports[0][configuration.CLIENT_PORT]

    async def plain() -> tuple[bytes, bytes]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        greeting = await reader.readline()
        login = {"user": configuration.APPLICATION_USER, "pass": PASSWORD, "verbose": True}
        writer.write(b"CONNECT " + json.dumps(login).encode() + b"\r\nPING\r\n")
        await writer.drain()
        answer = await asyncio.wait_for(reader.read(), timeout=10)
        writer.close()
        return greeting, answer

    greeting, answer = asyncio.run(plain())
    assert json.loads(greeting.removeprefix(b"INFO "))["tls_required"] is True
    assert answer == b""


def test_the_application_cannot_see_the_system_account(platform: Platform) -> None:
    region = platform.region(_servers("local", 1))
    platform.start(region)
    platform.healthy(region)

    async def ask(client: Client) -> str:
        try:
            return (await client.request("$SYS.REQ.SERVER.PING", b"", timeout=2)).data.decode()
        except nats.errors.NoRespondersError:
            return "nobody answers"

    assert platform.with_client(region, ask) == "nobody answers"
    answer = platform.with_client(region, ask, user=configuration.SYSTEM_USER, password=SYSTEM_PASSWORD)
    assert "local-nats-0" in answer


def test_messages_survive_a_restart(platform: Platform) -> None:
    region = platform.region(_servers("local", 1))
    platform.start(region)
    platform.healthy(region)
    platform.with_client(region, _publish(1))
    platform.running.stop(region.server_name(0))
    platform.start(region)
    platform.healthy(region)
    assert platform.with_client(region, _messages) == 1


def test_three_servers_form_a_cluster_that_survives_the_loss_of_one(platform: Platform) -> None:
    region = platform.region(_servers("europe-west1", 3))
    platform.start(region)
    for index in range(3):
        platform.healthy(region, index)
    assert platform.with_client(region, _publish(3)) == "europe-west1"
    routes = platform.monitor(region, "routez")["routes"]
    assert {route["remote_name"] for route in routes} == {region.server_name(1), region.server_name(2)}
    platform.running.stop(region.server_name(0), kill=True)
    eventually(
        lambda: platform.with_client(region, _messages, index=1) == 1, seconds=30, what="the stream without server 0"
    )


def test_a_route_needs_a_certificate(platform: Platform) -> None:
    region = platform.region(_servers("europe-west1", 3))
    platform.start(region)
    platform.healthy(region)
    port = region.ports[0][configuration.CLUSTER_PORT]

    def greeting(context: ssl.SSLContext) -> bytes:
        with (
            socket.create_connection(("localhost", port), timeout=10) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as encrypted,
        ):
            return encrypted.recv(4)

    member = platform.tls()
    member.load_cert_chain(platform.certificates / "tls.crt", platform.certificates / "tls.key")
    assert greeting(member) == b"INFO"
    with pytest.raises(ssl.SSLError, match="certificate required"):
        greeting(platform.tls())


def test_a_cluster_does_not_start_over_the_streams_of_a_single_server(platform: Platform) -> None:
    alone = platform.region(_servers("local", 1))
    platform.start(alone)
    platform.healthy(alone)
    platform.with_client(alone, _publish(1))
    platform.running.stop(alone.server_name(0))
    grown = platform.region(_servers("local", 3))
    platform.start(grown, 0)
    assert platform.running.wait(grown.server_name(0), seconds=20) == 1
    assert "nats stream backup" in platform.running.log(grown.server_name(0))
    platform.start(alone)
    platform.healthy(alone)
    assert platform.with_client(alone, _messages) == 1


def test_a_region_that_gets_a_peer_keeps_its_streams(platform: Platform) -> None:
    old = platform.region(_servers("us-central1", 3))
    platform.start(old)
    platform.healthy(old)
    platform.with_client(old, _publish(3))
    platform.endpoints = dict(zip(("america:7222", "asia:7222"), free_ports(2), strict=True))
    seed = configuration.GatewayPeer(name=old.name, address="america:7222")
    new = platform.region(_servers("asia-east1", 3, configuration.Gateway(advertise="asia:7222", seeds=[seed])))
    new.ports[0][configuration.GATEWAY_PORT] = platform.endpoints["asia:7222"]
    old.files = rendered_files(_servers(old.name, 3, configuration.Gateway(advertise="america:7222")))
    old.ports[0][configuration.GATEWAY_PORT] = platform.endpoints["america:7222"]
    for index in (2, 1, 0):
        platform.running.stop(old.server_name(index))
        platform.start(old, index)
        platform.healthy(old, index)
    platform.start(new)
    platform.healthy(new)
    assert platform.with_client(old, _messages) == 1
    assert platform.with_client(new, _publish(3, "elsewhere")) == new.name
    assert asyncio.run(across(platform, new, old)) == b"hello"
