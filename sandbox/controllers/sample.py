"""Stands in for the services' sample image: answers with its region and pod, and with what it was asked.

`python sample.py --port 9898 --port-metrics 9797`. Only the standard library is used, so that it starts quickly. The
paths of probes and tests are those of the image (podinfo): /readyz, /healthz, POST /readyz/enable and /readyz/disable,
/status/CODE, /delay/SECONDS, /metrics. Everything else is answered with JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_PLACE = {
    "region": "REGION",
    "service": "SERVICE_NAME",
    "pod": "HOSTNAME",
    "namespace": "POD_NAMESPACE",
    "node": "NODE_NAME",
    "address": "POD_IP",
}


class State:
    """What the server counts and knows of itself."""

    def __init__(self) -> None:
        self.ready = True
        self.ending = False
        self.active = 0
        self.requests: dict[int, int] = {}
        self.lock = threading.Lock()

    def count(self, status: int) -> None:
        """Count a request."""
        with self.lock:
            self.requests[status] = self.requests.get(status, 0) + 1

    @contextmanager
    def working(self) -> Iterator[None]:
        """Note that a request is being answered."""
        with self.lock:
            self.active += 1
        try:
            yield
        finally:
            with self.lock:
                self.active -= 1

    def metrics(self) -> str:
        """The counters, as Prometheus reads them."""
        lines = ["# TYPE http_requests_total counter"]
        with self.lock:
            lines += [f'http_requests_total{{status="{key}"}} {value}' for key, value in sorted(self.requests.items())]
        return "\n".join([*lines, ""])


class Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    protocol_version = "HTTP/1.1"
    timeout = 620
    """Longer than any proxy keeps an idle connection, so that the proxy ends it."""
    state: State

    def __getattr__(self, name: str) -> Callable[[], None]:
        """The standard library asks for a `do_METHOD` for each method: one answers all."""
        if not name.startswith("do_"):
            raise AttributeError(name)
        return self._work

    def _work(self) -> None:
        with self.state.working():
            self.close_connection = self.close_connection or self.state.ending
            self._answer()

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else b""
        path = urlsplit(self.path).path
        first, _, rest = path.strip("/").partition("/")
        if first == "delay" and rest.replace(".", "", 1).isdigit():
            time.sleep(float(rest))
        if first in {"readyz", "healthz"}:
            self._probe(first, rest)
        elif first == "metrics":
            self._send(200, self.state.metrics(), "text/plain; version=0.0.4")
        else:
            status = int(rest) if first == "status" and rest.isdigit() else 200
            self.state.count(status)
            self._send(status, json.dumps(self._description(path, body)), "application/json")

    def _probe(self, name: str, wish: str) -> None:
        if self.command == "POST" and name == "readyz" and wish in {"enable", "disable"}:
            self.state.ready = wish == "enable"
            self._send(202, json.dumps({"status": "OK"}), "application/json")
            return
        good = name == "healthz" or self.state.ready
        self._send(200 if good else 503, json.dumps({"status": "OK" if good else "not ready"}), "application/json")

    def _description(self, path: str, body: bytes) -> dict[str, object]:
        place: dict[str, object] = {key: os.environ.get(name, "") for key, name in _PLACE.items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = {"method": self.command, "path": path, "headers": headers, "body": body.decode(errors="replace")}
        return {**place, **asked, "client": self.client_address[0]}

    def _send(self, status: int, text: str, kind: str) -> None:
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *arguments: object) -> None:
        """Write no line for a request."""


class Server(ThreadingHTTPServer):
    """A server with room for bursts of connections."""

    daemon_threads = True
    request_queue_size = 512


def main() -> None:
    """Serve until a signal asks for the end; then answer what is under way."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--port", type=int, default=9898)
    parser.add_argument("--port-metrics", type=int, default=9797)
    parser.add_argument("--user", type=int, default=0, help="user and group to become after the start")
    arguments, _ = parser.parse_known_args()
    Handler.state = State()
    servers = [Server(("", port), Handler) for port in dict.fromkeys((arguments.port, arguments.port_metrics))]
    if arguments.user:
        os.setgroups([])
        os.setgid(arguments.user)
        os.setuid(arguments.user)
    asked = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked.set())
    for server in servers:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
    asked.wait()
    Handler.state.ending = True
    for server in servers:
        server.shutdown()
        server.server_close()
    while Handler.state.active:
        time.sleep(0.05)


if __name__ == "__main__":
    main()
