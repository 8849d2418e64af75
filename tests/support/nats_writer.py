"""Writes to a region's NATS until it is asked to end: `python -m tests.support.nats_writer FILE`.

One connection stays, and every message on it must be stored. Beside it, a new connection after the other must lead to
the same region.
"""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import ssl
import sys
from dataclasses import dataclass, field
from pathlib import Path

import nats
from nats.aio.client import Client

STREAM, SUBJECT = "growth", "growth"
PAUSE_SECONDS = 0.05
PATIENCE_SECONDS = 10.0


@dataclass(frozen=True)
class Given:
    """The contents of the file."""

    region: str
    address: str
    """Of the region's Service."""
    host: str
    """The name that is in the servers' certificates."""
    port: int
    user: str
    password: str
    authority: str
    """File with the certificate that it trusts."""
    report: str
    """File for what it has seen."""


@dataclass
class Seen:
    """What the writer has seen."""

    written: int = 0
    """Messages that were stored."""
    stored: int = 0
    """Messages of the stream at the end."""
    met: int = 0
    """New connections that led to the region."""
    errors: list[str] = field(default_factory=list)
    disconnected: int = 0
    reconnected: int = 0


class Writer:
    """The program."""

    def __init__(self, given: Given) -> None:
        self.given, self.seen = given, Seen()
        self._ended = asyncio.Event()

    async def run(self) -> None:
        """Write until a signal asks for the end."""
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._ended.set)
        client = await self._connected()
        try:
            await self._prepare(client)
            await asyncio.gather(self._write(client), self._meet(), self._report())
            self.seen.stored = (await client.jetstream().stream_info(STREAM)).state.messages
        finally:
            self._save()
            await client.close()

    async def _connected(self) -> Client:
        async def lost() -> None:
            self.seen.disconnected += not self._ended.is_set()

        async def back() -> None:
            self.seen.reconnected += 1

        async def failed(error: Exception) -> None:
            self.seen.errors.append(repr(error))

        return await nats.connect(
            f"tls://{self.given.address}:{self.given.port}",
            user=self.given.user,
            password=self.given.password,
            tls=ssl.create_default_context(cafile=self.given.authority),
            tls_hostname=self.given.host,
            disconnected_cb=lost,
            reconnected_cb=back,
            error_cb=failed,
        )

    async def _prepare(self, client: Client) -> None:
        """Make the stream. Servers that have just started may have no leader yet."""
        jetstream = client.jetstream(timeout=PATIENCE_SECONDS)
        while True:
            try:
                subjects = [f"{SUBJECT}.{self.given.region}"]
                await jetstream.add_stream(name=STREAM, subjects=subjects, num_replicas=3, max_bytes=64 * 2**20)
                break
            except nats.errors.Error as error:
                print(repr(error), flush=True)
                await asyncio.sleep(1)

    async def _write(self, client: Client) -> None:
        jetstream = client.jetstream(timeout=PATIENCE_SECONDS)
        while not self._ended.is_set():
            try:
                await jetstream.publish(f"{SUBJECT}.{self.given.region}", b"%d" % self.seen.written)
                self.seen.written += 1
            except Exception as error:
                self.seen.errors.append(f"message {self.seen.written}: {error!r}")
            await asyncio.sleep(PAUSE_SECONDS)

    async def _meet(self) -> None:
        """Make a connection after the other. The server speaks first, and says its name."""
        while not self._ended.is_set():
            try:
                name = await asyncio.to_thread(self._server)
                if name.startswith(f"{self.given.region}-nats-"):
                    self.seen.met += 1
                else:
                    self.seen.errors.append(f"a new connection led to {name}")
            except (OSError, ValueError, KeyError) as error:
                self.seen.errors.append(f"new connection {self.seen.met}: {error!r}")
            await asyncio.sleep(4 * PAUSE_SECONDS)

    def _server(self) -> str:
        """The name of the server that a new connection leads to."""
        with socket.create_connection((self.given.address, self.given.port), PATIENCE_SECONDS) as connection:
            line = connection.makefile("rb").readline()
        return str(json.loads(line.removeprefix(b"INFO "))["server_name"])

    async def _report(self) -> None:
        while not self._ended.is_set():
            self._save()
            await asyncio.sleep(10 * PAUSE_SECONDS)

    def _save(self) -> None:
        file = Path(self.given.report)
        new = file.with_suffix(".new")
        new.write_text(json.dumps(vars(self.seen)))
        new.replace(file)


if __name__ == "__main__":
    asyncio.run(Writer(Given(**json.loads(Path(sys.argv[1]).read_text()))).run())
