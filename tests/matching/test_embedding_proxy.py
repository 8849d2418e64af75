"""The proxy before an embedding server: a real HAProxy with the rendered file, and a server that repeats requests."""

import http.client
import os
import shutil
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from components.matching import proxy
from tests.support.servers import eventually, free_ports, processes, write_certificate

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(60)]

TOKEN = "correcthorsebatterystaple"
TEXT = b'{"input": "a text that no log may have"}'


class Embeddings(BaseHTTPRequestHandler):
    """Answers each request with its method and path."""

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer = f"{self.command} {self.path}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@dataclass(frozen=True)
class Proxy:
    """A running HAProxy on loopback."""

    port: int
    metrics: int
    authority: Path
    log: Path

    def ask(self, method: str, path: str, token: str | None = TOKEN, *, tls: bool = True) -> tuple[int, str]:
        """The status and body of the answer, over TLS at the port for clients, or without at that for metrics."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        if tls:
            trust = ssl.create_default_context(cafile=str(self.authority))
            client: http.client.HTTPConnection = http.client.HTTPSConnection("localhost", self.port, context=trust)
        else:
            client = http.client.HTTPConnection("localhost", self.metrics)
        client.request(method, path, TEXT if method == "POST" else None, headers)
        answer = client.getresponse()
        found = answer.status, answer.read().decode()
        client.close()
        return found


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    home = tmp_path_factory.mktemp("proxy")
    binary = shutil.which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin")
    if not binary:
        pytest.skip("no haproxy on PATH: `apt-get install --no-install-recommends haproxy` brings it")
    written = write_certificate(home / "certificates")
    mounted = home / "mounted"
    mounted.mkdir()
    shutil.copy(written / "tls.crt", mounted / proxy.CERTIFICATE)
    shutil.copy(written / "tls.key", mounted / f"{proxy.CERTIFICATE}.key")
    server = HTTPServer(("127.0.0.1", 0), Embeddings)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    port, metrics = free_ports(2)
    text = proxy.render(certificates=str(mounted), port=port, metrics=metrics, server=server.server_port)
    (home / "haproxy.cfg").write_text(text.replace("bind :", "bind 127.0.0.1:"))
    with processes(home / "logs") as started:
        command = [binary, "-W", "-db", "-f", str(home / "haproxy.cfg")]
        started.start("proxy", command, {proxy.TOKEN: TOKEN, "PATH": os.environ["PATH"]})
        found = Proxy(port=port, metrics=metrics, authority=written / "ca.crt", log=home / "logs" / "proxy.log")
        eventually(lambda: found.ask("GET", "/health", None, tls=False), seconds=20, what="HAProxy answers")
        yield found
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/embeddings"), ("GET", "/info")])
def test_who_has_the_token_may_ask_for_embeddings_and_for_the_model(running: Proxy, method: str, path: str) -> None:
    assert running.ask(method, path) == (200, f"{method} {path}")


@pytest.mark.parametrize("token", [None, "", "other", TOKEN[:-1], f"{TOKEN}x", f"x, Bearer {TOKEN}"])
def test_who_lacks_the_token_may_not(running: Proxy, token: str | None) -> None:
    assert running.ask("POST", "/v1/embeddings", token)[0] == 401


@pytest.mark.parametrize("path", ["/", "/embed", "/metrics", "/health", "/v1/embeddings/", "/docs", "/v1/../metrics"])
def test_nothing_else_is_passed_on_to_clients(running: Proxy, path: str) -> None:
    assert running.ask("GET", path)[0] == 404


@pytest.mark.parametrize(("path", "passed"), [("/metrics", "/metrics"), ("/health", "/health"), ("/ready", "/health")])
def test_prometheus_and_probes_need_no_token(running: Proxy, path: str, passed: str) -> None:
    assert running.ask("GET", path, None, tls=False) == (200, f"GET {passed}")


@pytest.mark.parametrize("path", ["/v1/embeddings", "/info", "/"])
def test_without_tls_there_are_no_embeddings(running: Proxy, path: str) -> None:
    assert running.ask("POST", path, tls=False)[0] == 404


def test_no_log_has_a_text_or_the_token(running: Proxy) -> None:
    running.ask("POST", "/v1/embeddings")
    running.ask("POST", "/v1/embeddings", "other")
    text = running.log.read_text()
    assert "401" in text
    assert "no log may have" not in text
    assert TOKEN not in text
