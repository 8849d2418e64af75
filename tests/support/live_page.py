"""A page in a headless Chromium that takes part in a circle, and the web server that it comes from."""

from __future__ import annotations

import json
import shutil
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.support.live_client import Gateway
from tests.support.rendering import ROOT
from tests.support.servers import Processes, eventually

PAGES = ROOT / "tests" / "data" / "live"
MODULES = ROOT / "tools" / "live" / "node_modules"
TYPES = {".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript"}
SECONDS = 60
Signer = Callable[[Mapping[str, Any]], str]


def chromium() -> str:
    """The program. Skips the test when there is none, or nothing that the page needs."""
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if not found:
        pytest.skip("chromium is not there: `apt-get install chromium` brings it")
    if not (MODULES / "yjs").is_dir():
        pytest.skip("yjs is not there: `npm ci --prefix tools/live` brings it")
    return found


class Pages:
    """Serves the page, signs its tokens as a service would, gives it orders, and hears what it says."""

    def __init__(self, sign: Signer) -> None:
        self._sign = sign
        self._orders: dict[str, list[tuple[str, Any]]] = defaultdict(list)
        self._said: dict[str, list[tuple[str, str]]] = defaultdict(list)
        self._lock = threading.Lock()
        pages = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                pages._serve(self)

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                _answer(self, json.dumps(pages._handle(self.path, body)).encode(), "application/json")

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The server's port on loopback."""
        return int(self._server.server_address[1])

    def close(self) -> None:
        """End the server."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def order(self, name: str, order: str, details: object = "") -> None:
        """Let the page of this user do something."""
        with self._lock:
            self._orders[name].append((order, details))

    def said(self, name: str, what: str) -> list[str]:
        """All that this user's page has said of something, in order."""
        with self._lock:
            return [details for topic, details in self._said[name] if topic == what]

    def text(self, name: str) -> str:
        """The board as this user's page sees it."""
        texts = self.said(name, "text")
        return texts[-1] if texts else ""

    def hears(self, name: str, what: str, count: int = 1) -> str:
        """Wait until this user's page has said something so many times, and return the last."""
        eventually(
            lambda: len(self.said(name, what)) >= count,
            seconds=SECONDS,
            what=f"{name}'s page says {what!r} {count} times; it said {self._said[name][-5:]}",
        )
        return self.said(name, what)[count - 1]

    def _handle(self, path: str, body: Mapping[str, Any]) -> Any:
        with self._lock:
            if path == "/token":
                return {"token": self._sign(body)}
            if path == "/orders":
                return self._orders.pop(body["name"], [])
            self._said[body["name"]].append((body["what"], body["details"]))
            return {}

    def _serve(self, request: BaseHTTPRequestHandler) -> None:
        path = request.path.partition("?")[0]
        file = _file(path)
        if file is None or not file.is_file():
            request.send_error(404)
        else:
            _answer(request, file.read_bytes(), TYPES.get(file.suffix, "application/octet-stream"))


def _file(path: str) -> Path | None:
    if ".." in path:
        return None
    if not path.startswith("/modules/"):
        return PAGES / (path.removeprefix("/") or "index.html")
    # Modules import each other without an ending.
    file = MODULES / path.removeprefix("/modules/")
    return file if file.suffix else file.with_suffix(".js")


def _answer(request: BaseHTTPRequestHandler, body: bytes, kind: str) -> None:
    request.send_response(200)
    request.send_header("Content-Type", kind)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)


@contextmanager
def serving(sign: Signer) -> Iterator[Pages]:
    """The web server, for the length of the block."""
    pages = Pages(sign)
    try:
        yield pages
    finally:
        pages.close()


def opened(
    processes: Processes, pages: Pages, gateway: Gateway, *, circle: str, name: str, origin: str | None = None
) -> None:
    """Open the page for a user in a browser of its own. `origin` None: the platform's own, through the gateway."""
    profile = processes.directory / f"profile-{name}"
    profile.mkdir()
    query = urlencode({"circle": circle, "name": name, "url": f"wss://{gateway.domain}/live"})
    options = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--ignore-certificate-errors",
        f"--host-resolver-rules=MAP {gateway.domain}:443 127.0.0.1:{gateway.port}",
        f"--user-data-dir={profile}",
        "--remote-debugging-port=0",
    ]
    processes.start(f"chromium-{name}", [chromium(), *options, f"{origin or gateway.origin}/?{query}"])
