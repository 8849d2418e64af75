"""Lets TCP connections cross between this machine's loopback interface and the regions' networks."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress

from sandbox.controllers import netns

Address = tuple[str, int]
_BLOCK = 65536
_CONNECT_SECONDS = 5.0


class Forwards:
    """Listens here and there, and passes every connection on. One thread serves all; `close` ends it."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._servers: dict[tuple[str | None, Address], asyncio.Server] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="forwards", daemon=True)
        self._thread.start()

    def into_machine(self, namespace: str, address: Address, target: Address) -> None:
        """Listen at the namespace's `address`; connections go to `target`, a loopback address of this machine."""
        self._serve(namespace, address, netns.listen(namespace, address), lambda: _to_machine(target))

    def out_of(self, namespace: str, target: Address, port: int = 0) -> int:
        """Listen at `port` of the machine's loopback interface (0: any); connections reach `target` from the namespace.

        Returns the port.
        """
        listener = socket.create_server(("127.0.0.1", port), backlog=128)
        bound: Address = listener.getsockname()[:2]
        self._serve(None, bound, listener, lambda: _from_namespace(namespace, target))
        return bound[1]

    def forget(self, namespace: str) -> None:
        """Stop listening in the namespace, which can then be removed."""
        for key in [key for key in self._servers if key[0] == namespace]:
            server = self._servers.pop(key)
            self._loop.call_soon_threadsafe(server.close)

    def close(self) -> None:
        """Stop listening and end all connections. Can be repeated."""
        if self._loop.is_closed():
            return
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        for server in self._servers.values():
            server.close()
        self._servers.clear()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _serve(
        self,
        namespace: str | None,
        address: Address,
        listener: socket.socket,
        connect: Callable[[], Awaitable[socket.socket]],
    ) -> None:
        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.ensure_future(_pass_on(reader, writer, connect))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            await asyncio.gather(task, return_exceptions=True)

        async def start() -> asyncio.Server:
            return await asyncio.start_server(accept, sock=listener, limit=_BLOCK)

        self._servers[namespace, address] = asyncio.run_coroutine_threadsafe(start(), self._loop).result()


async def _to_machine(target: Address) -> socket.socket:
    return await asyncio.to_thread(socket.create_connection, target, _CONNECT_SECONDS)


async def _from_namespace(namespace: str, target: Address) -> socket.socket:
    return await asyncio.to_thread(netns.connect, namespace, target, _CONNECT_SECONDS)


async def _pass_on(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connect: Callable[[], Awaitable[socket.socket]]
) -> None:
    """Copy both ways until one side ends, or cannot be reached."""
    try:
        other = await connect()
    except OSError:
        writer.close()
        return
    other.setblocking(False)
    other_reader, other_writer = await asyncio.open_connection(sock=other)
    try:
        await asyncio.gather(_copy(reader, other_writer), _copy(other_reader, writer))
    finally:
        for end in (writer, other_writer):
            end.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until the sender has ended; pass its end on."""
    with suppress(OSError):
        while block := await reader.read(_BLOCK):
            writer.write(block)
            await writer.drain()
    with suppress(OSError, RuntimeError):
        if writer.can_write_eof():
            writer.write_eof()
