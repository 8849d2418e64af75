"""A real Prometheus scrapes a proxy's histogram, and records the latency objective from it."""

import http.server
import itertools
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from components.monitoring.rules.objectives import LATENCY
from tests.support.binaries import binary
from tests.support.monitoring_examples import GROUPS, TARGETS
from tests.support.servers import eventually, free_ports, processes

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(120)]

LABELS = (
    f'reporter="source",source_workload="istio-ingressgateway",source_workload_namespace="{TARGETS.ingress}",'
    f'destination_service_namespace="{TARGETS.services}",destination_service_name="agent-network",response_code="200"'
)
NAME = "istio_request_duration_milliseconds"
SECONDS = 60


def page(scrape: int) -> str:
    """Return a gateway's metrics at `scrape`: every scrape adds four requests, of which one took longer than 500 ms."""
    counts = {"250": 2, "500": 3, "1000": 4, "+Inf": 4}
    buckets = [f'{NAME}_bucket{{{LABELS},le="{limit}"}} {scrape * count}' for limit, count in counts.items()]
    totals = [f"{NAME}_sum{{{LABELS}}} {scrape * 1600}", f"{NAME}_count{{{LABELS}}} {scrape * 4}"]
    return "\n".join([f"# TYPE {NAME} histogram", *buckets, *totals, ""])


@pytest.fixture
def proxy() -> Iterator[int]:
    """The port of a server whose metrics look like a gateway's."""
    scrapes = itertools.count()

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(page(next(scrapes)).encode())

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    (port,) = free_ports(1)
    with http.server.ThreadingHTTPServer(("127.0.0.1", port), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield port
        server.shutdown()


@pytest.fixture
def prometheus(proxy: int, tmp_path: Path) -> Iterator[str]:
    """The URL of a Prometheus with the rules of the objectives, which scrapes the proxy every second."""
    (port,) = free_ports(1)
    groups = [group for group in GROUPS if group["name"] == "sacred-council-objectives"]
    (tmp_path / "rules.json").write_text(json.dumps({"groups": groups}))
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": ["rules.json"],
        "scrape_configs": [{"job_name": "proxy", "static_configs": [{"targets": [f"127.0.0.1:{proxy}"]}]}],
    }
    (tmp_path / "prometheus.json").write_text(json.dumps(config))
    command = [
        str(binary("prometheus")),
        f"--config.file={tmp_path / 'prometheus.json'}",
        f"--storage.tsdb.path={tmp_path / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with processes(tmp_path / "logs") as running:
        running.start("prometheus", command)
        yield f"http://127.0.0.1:{port}"


def answers(prometheus: str, query: str) -> list[float]:
    """Return the values of an instant query."""
    with urlopen(f"{prometheus}/api/v1/query?{urlencode({'query': query})}", timeout=10) as answer:
        return [float(found["value"][1]) for found in json.load(answer)["data"]["result"]]


def test_the_latency_objective_is_recorded_from_what_a_proxy_writes(prometheus: str) -> None:
    recorded = LATENCY.record("5m")
    found = eventually(lambda: answers(prometheus, recorded), seconds=SECONDS, what=f"{recorded} has a value")
    assert found == [pytest.approx(0.25)]


def test_prometheus_does_not_keep_the_limits_as_the_proxy_writes_them(prometheus: str) -> None:
    written, kept = (f'{NAME}_bucket{{le="{limit}"}}' for limit in ("500", "500.0"))
    eventually(lambda: answers(prometheus, kept), seconds=SECONDS, what="the proxy is scraped")
    assert answers(prometheus, written) == []
