"""cert-manager's controller and its test authority: what is written for them, and the proxy between the two."""

import json
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from sandbox import control_planes
from sandbox.controllers import acme, acme_proxy, cert_manager
from sandbox.controllers.acme import Ports
from sandbox.controllers.cert_manager import CertManager
from sandbox.controlplane import Cluster
from sandbox.layout import PROJECT, Layout, SandboxError
from sandbox.regions import ControlPlane

pytestmark = pytest.mark.unit

PUBLIC = "https://acme.example.net/public/directory"


class Authority(BaseHTTPRequestHandler):
    """A server that says what it was asked, for a client."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        said = json.dumps([self.command, self.path, self.headers["Host"], body]).encode()
        self.send_response(201)
        self.send_header("Replay-Nonce", "once")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    do_POST = do_GET

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[urllib.request.OpenerDirector]:
    """A client of the public authority that uses the proxy."""
    acme.write_certificate(tmp_path, ["acme.example.net", "127.0.0.1"])
    files = str(tmp_path / "tls.crt"), str(tmp_path / "tls.key")
    shown = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    shown.load_cert_chain(*files)
    behind = ThreadingHTTPServer(("127.0.0.1", 0), Authority)
    behind.socket = shown.wrap_socket(behind.socket, server_side=True)
    front = acme_proxy.Proxy(0, PUBLIC, behind.server_port, *files)
    for server in (behind, front):
        threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{front.server_port}"
    trusted = urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=files[0]))
    yield urllib.request.build_opener(urllib.request.ProxyHandler({"https": address, "http": address}), trusted)
    for server in (front, behind):
        server.shutdown()
        server.server_close()


def test_the_proxy_answers_for_the_public_authority_with_another_path_for_its_directory(
    proxy: urllib.request.OpenerDirector,
) -> None:
    with proxy.open(PUBLIC, timeout=5) as answer:
        assert json.loads(answer.read()) == ["GET", "/dir", "acme.example.net", ""]
    with proxy.open("https://acme.example.net/order", b"{}", timeout=5) as answer:
        assert (answer.status, answer.headers["Replay-Nonce"]) == (201, "once")
        assert json.loads(answer.read()) == ["POST", "/order", "acme.example.net", "{}"]


@pytest.mark.parametrize("url", ["https://other.example.net/public/directory", "http://acme.example.net/"])
def test_the_proxy_answers_for_nobody_else(proxy: urllib.request.OpenerDirector, url: str) -> None:
    with pytest.raises(urllib.error.URLError, match="403"):
        proxy.open(url, timeout=5)


def test_the_key_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    acme.write_certificate(tmp_path, ["a.example.org", "127.0.0.1"])
    assert (tmp_path / "tls.key").stat().st_mode & 0o077 == 0
    certificate = x509.load_pem_x509_certificate((tmp_path / "tls.crt").read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["a.example.org"]


def test_the_authority_listens_on_loopback_alone(tmp_path: Path) -> None:
    ports = Ports(acme=1, management=2, dns=3, records=4, proxy=5)
    written = acme.pebble_configuration(ports, tmp_path, 90)["pebble"]
    assert (written["listenAddress"], written["managementListenAddress"]) == ("127.0.0.1:1", "127.0.0.1:2")
    assert written["profiles"]["default"]["validityPeriod"] == 90


class Fake(CertManager):
    """A region with these hosts, whose gateway has these addresses, and whose issuers name these authorities."""

    def __init__(self, hosts: Sequence[str], addresses: Sequence[str], authorities: Sequence[str] = ()) -> None:
        plane = ControlPlane(name="here", context="here", slot=0, stacks=("one",))
        layout = Layout(project=PROJECT, home=Path("/nowhere"), binaries=Path("/nowhere"))
        super().__init__(Cluster(layout, plane))
        self.asked, self.addresses, self.named = hosts, addresses, authorities

    def hosts(self) -> list[str]:
        return list(self.asked)

    def gateway(self) -> list[str]:
        return list(self.addresses)

    def authorities(self) -> set[str]:
        return set(self.named)


def test_a_host_leads_to_the_gateways_of_the_regions_that_ask_for_it() -> None:
    regions = [Fake(["a.example.org", "all.example.org"], ["198.18.0.1"]), Fake(["all.example.org"], ["198.18.8.1"])]
    assert cert_manager.gateways(regions) == {
        "a.example.org": ["198.18.0.1"],
        "all.example.org": ["198.18.0.1", "198.18.8.1"],
    }


class Running(Cluster):
    """A cluster that runs."""

    @property
    def servers(self) -> list[str]:
        return ["kube-apiserver"]


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """A stack of one running region."""
    layout = Layout(project=PROJECT, home=tmp_path, binaries=tmp_path)
    running = Running(layout, ControlPlane(name="here", context="here", slot=0, stacks=("one",)))
    monkeypatch.setattr(control_planes, "clusters", lambda layout, stack: [running])
    return layout


def issuers(monkeypatch: pytest.MonkeyPatch, *specs: Mapping[str, Any]) -> None:
    """Let the cluster have these issuers."""
    monkeypatch.setattr(CertManager, "_items", lambda self, kinds: [{"spec": spec} for spec in specs])


def test_nothing_starts_where_no_issuer_asks_an_authority(stack: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    issuers(monkeypatch, {"selfSigned": {}})
    assert cert_manager.start(stack, "one") == []
    assert not (stack.home / "controllers").exists()


def test_two_authorities_are_one_too_many(stack: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    issuers(monkeypatch, {"acme": {"server": PUBLIC}}, {"acme": {"server": "https://other.example.net/directory"}})
    with pytest.raises(SandboxError, match=r"several authorities.*acme\.example\.net.*other\.example\.net"):
        cert_manager.start(stack, "one")


@pytest.fixture
def called(stack: Layout, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the command starts and stops, in a stack with one region that asks an authority."""
    found: list[str] = []
    monkeypatch.setattr(Layout, "from_environment", classmethod(lambda cls: stack))

    def start(layout: Layout, name: str) -> list[str]:
        found.append(f"start {name}")
        return ["here"]

    monkeypatch.setattr(cert_manager, "start", start)
    monkeypatch.setattr(cert_manager, "stop", lambda layout, name: found.append(f"stop {name}"))
    return found


@pytest.mark.parametrize("action", ["start", "stop"])
def test_the_command_starts_and_stops_what_the_functions_do(called: list[str], action: str) -> None:
    assert cert_manager.main([action, "one"]) == 0
    assert called == [f"{action} one"]


def test_the_command_says_why_it_starts_nothing(
    stack: Layout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Layout, "from_environment", classmethod(lambda cls: stack))
    issuers(monkeypatch, {"selfSigned": {}})
    assert cert_manager.main(["start", "one"]) == 1
    assert capsys.readouterr().err == (
        "error: No region of stack one runs here and asks an authority for certificates: "
        "write edge: {cdn: ...}, and run `make up STACK=one`.\n"
    )
