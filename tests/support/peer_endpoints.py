"""Load balancers on loopback, between regions of real servers."""

import contextlib
import itertools
import queue
import socket
import threading
import time
from collections.abc import Sequence

from tests.support.servers import eventually, free_ports

PIECE = 65536


class PeerEndpoint:
    """One address of a region, in front of its servers. When shut, it cuts every connection and refuses new ones."""

    def __init__(self, targets: Sequence[int] = (), *, delay: float = 0.0) -> None:
        self.targets = list(targets)
        self.delay = delay
        """Seconds that each piece of data takes, each way. It counts for new connections."""
        self._turn = itertools.count()
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listening: socket.socket | None = None
        (self.port,) = free_ports(1)
        self.open()

    def open(self) -> None:
        """Accept connections again."""
        if self._listening is None:
            address = ("127.0.0.1", self.port)
            # For a moment, another process's outgoing connection may have the port.
            listening = eventually(
                lambda: socket.create_server(address), seconds=10, what=f"a peer endpoint at {self.port}"
            )
            with self._lock:
                self._listening = listening
            threading.Thread(target=self._serve, args=(listening,), daemon=True).start()

    def shut(self) -> None:
        """Cut all connections, and refuse new ones."""
        with self._lock:
            listening, self._listening = self._listening, None
            cut, self._connections = self._connections, set()
        for each in (*cut, *([listening] if listening else [])):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        if listening:
            listening.close()

    def _serve(self, listening: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                incoming, _ = listening.accept()
                threading.Thread(target=self._relay, args=(incoming,), daemon=True).start()

    def _relay(self, incoming: socket.socket) -> None:
        outgoing = self._connect()
        if outgoing is None:
            incoming.close()
            return
        with incoming, outgoing:
            if self._keep(incoming, outgoing):
                back = threading.Thread(target=_copy, args=(outgoing, incoming, self.delay), daemon=True)
                back.start()
                _copy(incoming, outgoing, self.delay)
                back.join()
            with self._lock:
                self._connections -= {incoming, outgoing}

    def _connect(self) -> socket.socket | None:
        """A connection to the next server that accepts one, like a load balancer with health checks."""
        for _ in self.targets:
            port = self.targets[next(self._turn) % len(self.targets)]
            with contextlib.suppress(OSError):
                return socket.create_connection(("127.0.0.1", port))
        return None

    def _keep(self, *connections: socket.socket) -> bool:
        with self._lock:
            if self._listening is not None:
                self._connections |= set(connections)
            return self._listening is not None


def _copy(source: socket.socket, target: socket.socket, delay: float) -> None:
    with contextlib.suppress(OSError):
        if delay:
            _copy_late(source, target, delay)
        else:
            while piece := source.recv(PIECE):
                target.sendall(piece)
    for end in (source, target):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


def _copy_late(source: socket.socket, target: socket.socket, delay: float) -> None:
    """Send each piece `delay` seconds after it has come, however many are on their way."""
    on_the_way: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()

    def arrive() -> None:
        with contextlib.suppress(OSError):
            while True:
                due, piece = on_the_way.get()
                if not piece:
                    return
                time.sleep(max(0.0, due - time.monotonic()))
                target.sendall(piece)

    arriving = threading.Thread(target=arrive, daemon=True)
    arriving.start()
    try:
        while piece := source.recv(PIECE):
            on_the_way.put((time.monotonic() + delay, piece))
    finally:
        on_the_way.put((0.0, b""))
        arriving.join()
