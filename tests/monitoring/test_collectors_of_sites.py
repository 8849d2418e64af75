"""Real OpenTelemetry collectors of an edge site and of its home, with the rendered files; the test takes Jaeger's part.

The link is cut, and the site's collector is killed.
"""

import json
import socket
import ssl
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import grpc
import pytest

from components.monitoring import names
from components.monitoring.collector import CERTIFICATES, SPAN_METRICS, collector_config
from components.ports import OTLP_GRPC_PORT
from components.sites.site_collector import QUEUE, site_config
from tests.support.binaries import binary
from tests.support.peer_endpoints import PeerEndpoint
from tests.support.servers import Authority, Processes, eventually, free_ports, processes, root_authority, write_leaf

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(300)]

SECONDS = 60
SITE, HOME = "lisbon", "europe-west1"


def get(request: str | Request) -> str:
    """The answer. Raises an error unless its status is one of success."""
    with urlopen(request) as answer:
        return str(answer.read().decode())


@dataclass
class Jaeger:
    """Takes OTLP over gRPC as Jaeger does, and keeps what it got as it came."""

    port: int
    received: list[bytes] = field(default_factory=list)

    def start(self) -> grpc.Server:
        """Begin to listen."""
        calls: dict[str, Any] = {"Export": grpc.unary_unary_rpc_method_handler(self._export)}
        service = "opentelemetry.proto.collector.trace.v1.TraceService"
        server = grpc.server(ThreadPoolExecutor(2))
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, calls),))
        server.add_insecure_port(f"127.0.0.1:{self.port}")
        server.start()
        return server

    def _export(self, request: bytes, _context: grpc.ServicerContext) -> bytes:
        self.received.append(request)
        return b""

    def times(self, span: str) -> int:
        """How often a span with this name has come."""
        return sum(request.count(span.encode()) for request in self.received)


@dataclass
class Collectors:
    """The collectors of the site and its home on loopback."""

    running: Processes
    directory: Path
    jaeger: Jaeger
    root: Authority
    ports: dict[str, int]
    link: PeerEndpoint
    """What the site reaches its home through."""

    def start(self, name: str) -> None:
        """Start the collector of the site or of its home, and wait until it takes traces."""
        config = self.directory / f"{name}.json"
        config.write_text(self._config(name))
        self.running.start(name, [str(binary("otelcol")), f"--config={config}"])
        health = f"http://127.0.0.1:{self.ports[f'{name} health']}/"
        eventually(lambda: get(health) is not None, seconds=SECONDS, what=f"{name} is healthy")

    def _config(self, name: str) -> str:
        rendered = {
            SITE: site_config(site=SITE, home="localhost"),
            HOME: collector_config(region=HOME, jaeger_host="127.0.0.1", for_sites=True),
        }
        document: dict[str, Any] = json.loads(rendered[name].replace("0.0.0.0", "127.0.0.1"))
        _drop_metrics_of_spans(document)
        text = json.dumps(self._with_ports(name, document))
        places = {CERTIFICATES: self.directory / f"{name}-certificates", QUEUE: self.directory / f"{name}-queue"}
        for there, here in places.items():
            text = text.replace(there, str(here))
        return text

    def _with_ports(self, name: str, document: dict[str, Any]) -> dict[str, Any]:
        """The file with ports of this machine in place of the cluster's."""
        ports: Mapping[int, int] = {
            OTLP_GRPC_PORT: self.jaeger.port if name == HOME else self.ports[f"{name} grpc"],
            names.OTLP_HTTP_PORT: self.ports[f"{name} http"],
            names.SITES_PORT: self.ports["sites"] if name == HOME else self.link.port,
            names.HEALTH_PORT: self.ports[f"{name} health"],
        }
        own = document["receivers"]["otlp"]["protocols"]["grpc"]
        own["endpoint"] = f"127.0.0.1:{self.ports[f'{name} grpc']}"
        (reader,) = document["service"]["telemetry"]["metrics"]["readers"]
        reader["pull"]["exporter"]["prometheus"]["port"] = self.ports[f"{name} self"]
        text = json.dumps(document)
        for there, here in ports.items():
            text = text.replace(f':{there}"', f':{here}"')
        return dict(json.loads(text))

    def send(self, span: str) -> None:
        """Send a span to the site's collector, as a service does."""
        spans = [
            {
                "traceId": "5b8efff798038103d269b633813fc60c",
                "spanId": "eee19b7ec3c1b174",
                "name": span,
                "kind": 2,
                "startTimeUnixNano": "1764547200000000000",
                "endTimeUnixNano": "1764547200100000000",
            }
        ]
        service = {"key": "service.name", "value": {"stringValue": "agent-network"}}
        resource = {"resource": {"attributes": [service]}, "scopeSpans": [{"spans": spans}]}
        url = f"http://127.0.0.1:{self.ports[f'{SITE} http']}/v1/traces"
        body = json.dumps({"resourceSpans": [resource]}).encode()
        headers = {"Content-Type": "application/json"}
        get(Request(url, body, headers))

    def arrived(self, span: str) -> None:
        """Wait until Jaeger has the span."""
        eventually(lambda: self.jaeger.times(span), seconds=SECONDS, what=f"{span}: {self.running.log(SITE)[-3000:]}")


def _drop_metrics_of_spans(document: dict[str, Any]) -> None:
    """Take the metrics of spans out of the file: the modules of their parts cannot be had."""
    document.pop("connectors", None)
    document["exporters"].pop("prometheus", None)
    pipelines = document["service"]["pipelines"]
    pipelines.pop("metrics/spans", None)
    for pipeline in pipelines.values():
        pipeline["exporters"] = [one for one in pipeline["exporters"] if one != SPAN_METRICS]


@pytest.fixture
def collectors(tmp_path: Path) -> Iterator[Collectors]:
    """Neither is started."""
    binary("otelcol")
    wanted = [f"{name} {port}" for name in (SITE, HOME) for port in ("grpc", "http", "health", "self")]
    numbers = free_ports(len(wanted) + 2)
    ports = dict(zip((*wanted, "sites", "jaeger"), numbers, strict=True))
    root = root_authority()
    for name, dns_names in ((SITE, ()), (HOME, ("localhost",))):
        write_leaf(tmp_path / f"{name}-certificates", root, root, name=name, dns_names=dns_names)
    jaeger = Jaeger(ports["jaeger"])
    server, link = jaeger.start(), PeerEndpoint([ports["sites"]])
    try:
        with processes(tmp_path / "logs") as running:
            yield Collectors(running, tmp_path, jaeger, root, ports, link)
    finally:
        link.shut()
        server.stop(None).wait()


def test_a_span_of_a_site_reaches_its_homes_jaeger_with_the_sites_name(collectors: Collectors) -> None:
    collectors.start(HOME)
    collectors.start(SITE)
    collectors.send("first-span")
    collectors.arrived("first-span")
    (request,) = [one for one in collectors.jaeger.received if b"first-span" in one]
    assert b"cloud.region" in request
    assert SITE.encode() in request
    assert HOME.encode() not in request


def test_spans_wait_while_the_home_is_away_also_when_the_sites_collector_is_killed(collectors: Collectors) -> None:
    collectors.start(SITE)
    spans = [f"waiting-{number:02}" for number in range(20)]
    for span in spans:
        collectors.send(span)
    # Spans leave memory for the disk after two seconds at most.
    queue = collectors.directory / f"{SITE}-queue"
    eventually(lambda: _holds(queue, spans), seconds=SECONDS, what=collectors.running.log(SITE)[-3000:])
    collectors.running.stop(SITE, kill=True)
    collectors.start(SITE)
    assert collectors.jaeger.received == []
    collectors.start(HOME)
    for span in spans:
        collectors.arrived(span)


def _holds(queue: Path, spans: list[str]) -> bool:
    kept = b"".join(file.read_bytes() for file in queue.iterdir())
    return all(span.encode() in kept for span in spans)


@pytest.mark.parametrize(("where", "delay"), [("a geostationary satellite", 0.27), ("the moon", 1.28)])
def test_a_span_arrives_over_a_link_as_long_as_this(collectors: Collectors, where: str, delay: float) -> None:
    collectors.link.delay = delay
    collectors.start(HOME)
    collectors.start(SITE)
    collectors.send(where)
    collectors.arrived(where)


def test_spans_that_are_sent_while_the_link_is_cut_arrive_afterwards(collectors: Collectors) -> None:
    collectors.start(HOME)
    collectors.start(SITE)
    collectors.send("before-it")
    collectors.arrived("before-it")
    collectors.link.shut()
    spans = [f"cut-off-{number:02}" for number in range(20)]
    for span in spans:
        collectors.send(span)
    collectors.link.open()
    for span in spans:
        collectors.arrived(span)


def test_a_home_takes_nothing_from_whoever_has_no_certificate(collectors: Collectors) -> None:
    collectors.start(HOME)
    context = ssl.create_default_context(cafile=str(collectors.directory / f"{HOME}-certificates" / "ca.crt"))
    context.set_alpn_protocols(["h2"])
    with (
        socket.create_connection(("localhost", collectors.ports["sites"]), timeout=SECONDS) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secured,
        pytest.raises(ssl.SSLError, match="certificate required"),
    ):
        # With TLS 1.3 the client learns of the refusal when it reads.
        secured.recv(1)


def test_a_site_sends_nothing_to_whoever_has_another_root(collectors: Collectors, tmp_path: Path) -> None:
    foreign = root_authority()
    place = tmp_path / f"{HOME}-certificates"
    for file in place.iterdir():
        file.unlink()
    place.rmdir()
    write_leaf(place, foreign, foreign, name=HOME, dns_names=["localhost"])
    collectors.start(HOME)
    collectors.start(SITE)
    collectors.send("secret-span")
    refused = "certificate signed by unknown authority"
    log = collectors.running.log
    eventually(lambda: refused in log(SITE), seconds=SECONDS, what="the site refuses the certificate")
    eventually(lambda: "Exporting failed" in log(SITE), seconds=SECONDS, what="the site has tried to send the span")
    assert collectors.jaeger.received == []
