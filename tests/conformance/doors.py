"""Load balancers on loopback: what stands between regions of real servers."""

import contextlib
import itertools
import socket
import threading
from collections.abc import Sequence

PIECE = 65536


class Door:
    """One address of a region, in front of its servers. Shut, it cuts every connection and lets none in."""

    def __init__(self, targets: Sequence[int] = ()) -> None:
        self.targets = list(targets)
        self._turn = itertools.count()
        self._open = True
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def shut(self) -> None:
        """Cut all connections, and whatever comes."""
        with self._lock:
            self._open = False
        self._cut()

    def open(self) -> None:
        """Let connections in again."""
        with self._lock:
            self._open = True

    def remove(self) -> None:
        """Take the door away for good."""
        self.shut()
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                incoming, _ = self._listening.accept()
                threading.Thread(target=self._relay, args=(incoming,), daemon=True).start()

    def _relay(self, incoming: socket.socket) -> None:
        outgoing = self._connect()
        if outgoing is None:
            incoming.close()
            return
        with incoming, outgoing:
            if self._keep(incoming, outgoing):
                back = threading.Thread(target=_copy, args=(outgoing, incoming), daemon=True)
                back.start()
                _copy(incoming, outgoing)
                back.join()
            with self._lock:
                self._connections -= {incoming, outgoing}

    def _connect(self) -> socket.socket | None:
        """A connection to the next server that takes one, as a load balancer with health checks would choose it."""
        for _ in self.targets:
            port = self.targets[next(self._turn) % len(self.targets)]
            with contextlib.suppress(OSError):
                return socket.create_connection(("127.0.0.1", port))
        return None

    def _keep(self, *connections: socket.socket) -> bool:
        with self._lock:
            if self._open:
                self._connections |= set(connections)
            return self._open

    def _cut(self) -> None:
        with self._lock:
            cut, self._connections = self._connections, set()
        for connection in cut:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(PIECE):
            target.sendall(piece)
    for end in (source, target):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
