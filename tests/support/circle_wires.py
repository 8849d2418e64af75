"""What stands between people and the servers of circles: load balancers and a gateway, as one small process each.

`python -m tests.support.circle_wires RULES` forwards what comes to ports of its machine. RULES is JSON: a list of
objects with the fields of `Rule`.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

PIECE = 65536
CONNECT_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Where a port leads."""

    protocol: str
    """TCP or UDP."""
    port: int
    targets: str
    """File with `address:port` lines, read for each connection: the first that answers gets it."""
    prefix: str = ""
    """What is taken off the path of a request. Then a connection has one request."""
    certificate: str = ""
    """Folder with tls.crt and tls.key that the port shows. Empty: no TLS."""
    authority: str = ""
    """File with the authority that has signed the targets' certificates. Empty: no TLS."""
    name: str = ""
    """Of the targets' certificates."""

    def addresses(self) -> list[tuple[str, int]]:
        """The targets, in order."""
        found = (line.rpartition(":") for line in Path(self.targets).read_text().split())
        return [(host, int(port)) for host, _, port in found]


async def connect(rule: Rule) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
    """A connection to the first target that accepts one."""
    trust = ssl.create_default_context(cafile=rule.authority) if rule.authority else None
    for host, port in rule.addresses():
        with suppress(OSError, TimeoutError):
            opening = asyncio.open_connection(host, port, ssl=trust, server_hostname=rule.name or None)
            return await asyncio.wait_for(opening, CONNECT_SECONDS)
    return None


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on what comes, to its end."""
    with suppress(OSError):
        while piece := await reader.read(PIECE):
            writer.write(piece)
            await writer.drain()
    writer.close()


async def _request(reader: asyncio.StreamReader, prefix: str) -> bytes:
    """The head of the connection's only request, without the prefix of its path."""
    head = await reader.readuntil(b"\r\n\r\n")
    if b"upgrade: websocket" not in head.lower():
        head = head.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
    return head.replace(prefix.encode(), b"", 1)


async def serve_tcp(rule: Rule) -> None:
    """Forward connections."""

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await _request(reader, rule.prefix) if rule.prefix else b""
        there = await connect(rule)
        if there is None:
            writer.close()
            return
        there[1].write(first)
        await asyncio.gather(copy(reader, there[1]), copy(there[0], writer))

    shown = None
    if rule.certificate:
        shown = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        shown.load_cert_chain(f"{rule.certificate}/tls.crt", f"{rule.certificate}/tls.key")
    await asyncio.start_server(carry, "", rule.port, ssl=shown)


@dataclass
class _Back(asyncio.DatagramProtocol):
    """Answers of a target to one sender."""

    front: asyncio.DatagramTransport
    sender: Any

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.front.sendto(data, self.sender)


@dataclass
class _Front(asyncio.DatagramProtocol):
    """Datagrams of all senders. Each has a port of its own towards the target, like behind address translation."""

    rule: Rule
    transport: asyncio.DatagramTransport | None = None
    _senders: dict[Any, asyncio.Task[asyncio.DatagramTransport]] = field(default_factory=dict)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if addr not in self._senders:
            self._senders[addr] = asyncio.ensure_future(self._open(addr))
        task = self._senders[addr]
        if task.done():
            task.result().sendto(data)
        else:
            task.add_done_callback(lambda opened: opened.result().sendto(data))

    async def _open(self, sender: Any) -> asyncio.DatagramTransport:
        assert self.transport is not None
        front = self.transport
        loop = asyncio.get_running_loop()
        (target, *_) = self.rule.addresses()
        transport, _ = await loop.create_datagram_endpoint(lambda: _Back(front, sender), remote_addr=target)
        return transport


async def serve_udp(rule: Rule) -> None:
    """Forward datagrams."""
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(lambda: _Front(rule), local_addr=("0.0.0.0", rule.port))


async def main(rules: list[Rule]) -> None:
    """Forward all, until the process ends."""
    for rule in rules:
        await (serve_udp(rule) if rule.protocol == "UDP" else serve_tcp(rule))
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main([Rule(**each) for each in json.loads(sys.argv[1])]))
