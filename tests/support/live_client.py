"""A browser's side of live collaboration: its key and token, and NATS over a WebSocket (RFC 6455)."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import json
import os
import ssl
import struct
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from components.messaging import nkeys
from components.messaging.live_rights import ASKED_READS, ASKED_VALUES, CIRCLE, INBOXES, TAG
from tests.support.keys import private_pem

SECONDS = 10
_BINARY, _CLOSE, _PING, _PONG = 2, 8, 9, 10
_HEAD = b"NATS/1.0"
EXPECTED = "Nats-Expected-Last-Subject-Sequence"
"""Header of a value that is taken only if the key's last change has this number; 0: if there is no value."""


class Keyed(Protocol):
    """Whoever has a key."""

    @property
    def public_key(self) -> str:
        """The nkey that a token names."""


class RefusedError(Exception):
    """The connection was not made, or was ended."""


class ConflictError(Exception):
    """Somebody else has changed the value."""


@dataclass(frozen=True)
class Browser:
    """A user's key. It does not leave the browser."""

    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def public_key(self) -> str:
        """The nkey that a token names."""
        return nkeys.public_key(private_pem(self.key), "user")

    def signature(self, nonce: str) -> str:
        """The proof that the key is here."""
        return base64.urlsafe_b64encode(self.key.sign(nonce.encode())).decode().rstrip("=")


def pem_of(seed: str) -> str:
    """The private key of an nkey's seed, in PEM."""
    raw = base64.b32decode(seed + "=" * (-len(seed) % 8))
    return private_pem(Ed25519PrivateKey.from_private_bytes(raw[2:-2]))


def token(
    secret: Mapping[str, str],
    browser: Keyed,
    name: str,
    *circles: str,
    seconds: float = 600,
    seed: str = "live.seed",
    **changes: Any,
) -> str:
    """A token that a service signs, with the Secret `messaging-connection`. `changes` replaces claims.

    `seed` is the Secret's key with the signer: `live.agentSeed` lets an agent in.
    """
    key = pem_of(secret[seed])
    claims = {
        "iss": nkeys.public_key(key, "account"),
        "sub": browser.public_key,
        "name": name,
        "iat": int(time.time()),
        "exp": int(time.time() + seconds),
        "nats": {
            "type": "user",
            "version": 2,
            "issuer_account": secret["live.account"],
            "tags": [f"{TAG}:{circle.removeprefix(CIRCLE)}" for circle in circles],
        },
    }
    return nkeys.token({**claims, **changes}, key)


@dataclass(frozen=True)
class Message:
    """A message, with its headers and the status of an answer (None: no answer of a server)."""

    subject: str
    data: bytes
    headers: Mapping[str, str]
    status: int | None = None


@dataclass(frozen=True)
class Gateway:
    """The public gateway of a region, on loopback."""

    port: int
    domain: str
    tls: ssl.SSLContext

    @property
    def origin(self) -> str:
        """The origin of the platform's own pages."""
        return f"https://{self.domain}"


class WebSocket:
    """A WebSocket of a client, with binary frames."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def open(cls, gateway: Gateway, path: str, origin: str | None) -> WebSocket:
        """Open one. Raises `RefusedError` with the HTTP status unless the server changes to WebSockets."""
        reader, writer = await asyncio.wait_for(
            asyncio.open_connection("127.0.0.1", gateway.port, ssl=gateway.tls, server_hostname=gateway.domain), SECONDS
        )
        lines = [
            f"GET {path} HTTP/1.1",
            f"Host: {gateway.domain}",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
            *([f"Origin: {origin}"] if origin else []),
        ]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        try:
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), SECONDS)
            status = int(head.split()[1])
            if status != 101:
                raise RefusedError(f"HTTP {status}")
        except BaseException as error:
            writer.close()
            with contextlib.suppress(OSError, ssl.SSLError):
                await writer.wait_closed()
            if isinstance(error, asyncio.IncompleteReadError | OSError):
                raise RefusedError(repr(error)) from error
            raise
        return cls(reader, writer)

    async def send(self, data: bytes, opcode: int = _BINARY) -> None:
        """Send one frame."""
        size, mask = len(data), os.urandom(4)
        if size < 126:
            head = struct.pack("!BB", 0x80 | opcode, 0x80 | size)
        elif size < 1 << 16:
            head = struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, size)
        else:
            head = struct.pack("!BBQ", 0x80 | opcode, 0x80 | 127, size)
        masked = bytes(byte ^ key for byte, key in zip(data, itertools.cycle(mask), strict=False))
        self._writer.write(head + mask + masked)
        await self._writer.drain()

    async def receive(self) -> bytes:
        """The payload of the next frame with data. Raises `RefusedError` once the server has closed."""
        while True:
            try:
                first, second = await self._reader.readexactly(2)
                size = second & 127
                if size > 125:
                    length = 2 if size == 126 else 8
                    size = int.from_bytes(await self._reader.readexactly(length), "big")
                data = await self._reader.readexactly(size)
            except (asyncio.IncompleteReadError, OSError) as error:
                raise RefusedError("the connection has ended") from error
            opcode = first & 15
            if opcode == _CLOSE:
                raise RefusedError(f"closed: {data[2:].decode(errors='replace')}")
            if opcode == _PING:
                await self.send(data, _PONG)
            elif opcode != _PONG:
                return data

    async def close(self) -> None:
        """End the connection."""
        self._writer.close()
        with contextlib.suppress(OSError, ssl.SSLError, TimeoutError):
            await asyncio.wait_for(self._writer.wait_closed(), SECONDS)


class LiveClient:
    """A client of NATS over a WebSocket, as a browser is one. Use `connected`."""

    def __init__(self, socket: WebSocket, browser: Browser) -> None:
        self._socket, self._browser = socket, browser
        self._buffer = b""
        self._subscriptions: dict[str, asyncio.Queue[Message]] = {}
        self._waiting: dict[str, asyncio.Future[Message]] = {}
        self._numbers = itertools.count(1)
        self._pong: asyncio.Future[None] | None = None
        self._reading: asyncio.Task[None] | None = None
        self.errors: list[str] = []
        self.ended = asyncio.Event()
        """Set once the connection has ended."""

    @property
    def inbox(self) -> str:
        """Where this client's answers arrive."""
        return f"{INBOXES}.{self._browser.public_key}"

    async def log_in(self, credential: str) -> None:
        """Show the token, and the proof that its key is here."""
        while b"\r\n" not in self._buffer:
            self._buffer += await self._socket.receive()
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        info = json.loads(line.removeprefix(b"INFO "))
        login = {
            "verbose": False,
            "pedantic": False,
            "jwt": credential,
            "sig": self._browser.signature(info["nonce"]),
            "lang": "test",
            "version": "1",
            "protocol": 1,
            "headers": True,
            "no_responders": True,
            "echo": False,
        }
        await self._socket.send(b"CONNECT " + json.dumps(login).encode() + b"\r\n")
        self._reading = asyncio.create_task(self._read())
        try:
            await self.flush()
            await self._subscribe(f"{self.inbox}.>", "inbox")
        except BaseException:
            await self.close()
            raise

    async def flush(self) -> None:
        """Wait until the server has seen all that was sent. Raises `RefusedError` when the connection ends before."""
        self._pong = asyncio.get_running_loop().create_future()
        with contextlib.suppress(OSError):
            await self._socket.send(b"PING\r\n")
        await asyncio.wait_for(self._pong, SECONDS)

    async def publish(
        self, subject: str, data: bytes, *, headers: Mapping[str, str] | None = None, reply: str = ""
    ) -> None:
        """Send a message."""
        if headers:
            lines = [_HEAD.decode(), *(f"{key}: {value}" for key, value in headers.items()), "", ""]
            head = "\r\n".join(lines).encode()
            command = f"HPUB {subject} {reply + ' ' if reply else ''}{len(head)} {len(head) + len(data)}\r\n".encode()
            await self._socket.send(command + head + data + b"\r\n")
        else:
            command = f"PUB {subject} {reply + ' ' if reply else ''}{len(data)}\r\n".encode()
            await self._socket.send(command + data + b"\r\n")

    async def subscribe(self, subject: str) -> asyncio.Queue[Message]:
        """Messages on a subject, from now on."""
        found = await self._subscribe(subject, str(next(self._numbers)))
        await self.flush()
        return found

    async def _subscribe(self, subject: str, number: str) -> asyncio.Queue[Message]:
        self._subscriptions[number] = asyncio.Queue()
        await self._socket.send(f"SUB {subject} {number}\r\n".encode())
        return self._subscriptions[number]

    async def request(
        self, subject: str, data: bytes = b"", *, headers: Mapping[str, str] | None = None, seconds: float = SECONDS
    ) -> Message:
        """The answer to a message. Raises `TimeoutError` without one."""
        reply = f"{self.inbox}.{next(self._numbers)}"
        self._waiting[reply] = asyncio.get_running_loop().create_future()
        try:
            await self.publish(subject, data, headers=headers, reply=reply)
            return await asyncio.wait_for(self._waiting[reply], seconds)
        finally:
            del self._waiting[reply]

    async def get(self, key: str) -> tuple[bytes | None, int]:
        """A value (None: there is none) and the number of its last change."""
        answer = await self.request(f"{ASKED_READS}.{key}")
        if answer.status is not None:
            assert answer.status == 404, answer
            return None, 0
        return answer.data, int(answer.headers["Nats-Sequence"])

    async def put(self, key: str, value: bytes, *, last: int | None = None, **headers: str) -> int:
        """Set a value; return the change's number. Raises `ConflictError` if a given `last` is not the last change."""
        more = {name.replace("_", "-"): text for name, text in headers.items()}
        expected = {} if last is None else {EXPECTED: str(last)}
        answer = await self.request(f"{ASKED_VALUES}.{key}", value, headers={**expected, **more})
        if answer.status is not None:
            raise RefusedError(f"nobody takes values: {answer.status}")
        found = json.loads(answer.data)
        if "error" in found:
            if found["error"].get("err_code") == 10071:
                raise ConflictError(found["error"]["description"])
            raise RefusedError(found["error"]["description"])
        return int(found["seq"])

    async def close(self) -> None:
        """End the connection."""
        if self._reading:
            self._reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reading
        await self._socket.close()

    async def _read(self) -> None:
        try:
            while True:
                await self._handle_all()
                self._buffer += await self._socket.receive()
        except RefusedError as error:
            self.errors.append(str(error))
        finally:
            self.ended.set()
            waiting: list[asyncio.Future[Any]] = [*self._waiting.values(), *([self._pong] if self._pong else [])]
            for future in waiting:
                if not future.done():
                    future.set_exception(RefusedError("; ".join(self.errors)))

    async def _handle_all(self) -> None:
        while b"\r\n" in self._buffer:
            line, _, rest = self._buffer.partition(b"\r\n")
            words = line.split()
            command = words[0].upper() if words else b""
            if command in (b"MSG", b"HMSG"):
                size = int(words[-1])
                if len(rest) < size + 2:
                    return
                self._deliver(words, rest[:size], int(words[-2]) if command == b"HMSG" else 0)
                self._buffer = rest[size + 2 :]
                continue
            self._buffer = rest
            if command == b"PING":
                await self._socket.send(b"PONG\r\n")
            elif command == b"PONG" and self._pong and not self._pong.done():
                self._pong.set_result(None)
            elif command == b"-ERR":
                self.errors.append(line.removeprefix(b"-ERR ").decode().strip("'"))

    def _deliver(self, words: Sequence[bytes], payload: bytes, head: int) -> None:
        subject, number = words[1].decode(), words[2].decode()
        status, headers = _headers(payload[:head])
        message = Message(subject, payload[head:], headers, status)
        if number == "inbox":
            waiting = self._waiting.get(subject)
            if waiting and not waiting.done():
                waiting.set_result(message)
        else:
            self._subscriptions[number].put_nowait(message)


def _headers(block: bytes) -> tuple[int | None, Mapping[str, str]]:
    if not block:
        return None, {}
    first, *lines = block.decode().split("\r\n")
    status = first.removeprefix(_HEAD.decode()).split()
    pairs = (line.partition(":") for line in lines if line)
    return (int(status[0]) if status else None), {key.strip(): value.strip() for key, _, value in pairs}


@contextlib.asynccontextmanager
async def connected(
    gateway: Gateway,
    credential: str,
    browser: Browser,
    *,
    path: str = "/live",
    origin: str | None = "",
) -> AsyncIterator[LiveClient]:
    """A client that is logged in. `origin` None: as a program that is no browser; empty: the platform's own pages."""
    socket = await WebSocket.open(gateway, path, gateway.origin if origin == "" else origin)
    client = LiveClient(socket, browser)
    try:
        await client.log_in(credential)
    except BaseException:
        await socket.close()
        raise
    try:
        yield client
    finally:
        await client.close()


__all__ = [
    "EXPECTED",
    "Browser",
    "ConflictError",
    "Gateway",
    "LiveClient",
    "Message",
    "RefusedError",
    "connected",
    "token",
]
