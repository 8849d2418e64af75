"""Two regions on loopback, each with Prometheus, our rules, its Thanos sidecar and a querier, as in the program.

Each process has its own hosts file with the names that it has in Kubernetes.
"""

import itertools
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

from components.context import RegionLabels
from components.monitoring import names
from components.monitoring.rules import rules_file
from components.monitoring.thanos import (
    CERTIFICATES,
    ENDPOINTS,
    ENDPOINTS_FILE,
    STORE_NAMES,
    endpoints,
    query_arguments,
)
from components.peering import peer_name
from tests.support.binaries import binary
from tests.support.monitoring_examples import TARGETS
from tests.support.servers import Authority, Processes, free_ports, processes, root_authority, write_certificate

NAMESPACE = TARGETS.monitoring
PLACES = {
    "north": RegionLabels(region="north", city="Hamina", latitude=60.57, longitude=27.2),
    "south": RegionLabels(region="south", city="Sydney", latitude=-33.87, longitude=151.21),
}
SECONDS = 90
"""Time limit for each step on a busy machine."""
NETWORKS = itertools.count(1)
"""Peer endpoints always use the same port, so regions of different tests need different loopback addresses."""


@dataclass
class Regions:
    """The regions' processes, with their names and ports for a test."""

    directory: Path
    running: Processes
    private_hosts: Sequence[str]
    root: Authority = field(default_factory=root_authority)
    ports: dict[str, int] = field(default_factory=dict)
    network: int = field(default_factory=NETWORKS.__next__)

    def address(self, region: str) -> str:
        """The address of the region's peer endpoint."""
        return f"127.0.{self.network}.{sorted(PLACES).index(region) + 1}"

    def start_store(self, region: str, *, known_as: Sequence[str] = STORE_NAMES) -> None:
        """Start the region's Prometheus and its sidecar, with a certificate for `known_as`."""
        prometheus, http = free_ports(2)
        url = f"http://127.0.0.1:{prometheus}"
        files = self._files(region, prometheus, known_as)
        self.running.start(
            f"prometheus-{region}",
            [
                str(binary("prometheus")),
                f"--config.file={files / 'prometheus.json'}",
                f"--storage.tsdb.path={files / 'data'}",
                f"--web.listen-address=127.0.0.1:{prometheus}",
                "--enable-feature=exemplar-storage",
            ],
        )
        self.running.start(
            f"sidecar-{region}",
            [
                str(binary("thanos")),
                "sidecar",
                f"--prometheus.url={url}",
                f"--grpc-address={self.address(region)}:{names.STORE_PORT}",
                f"--http-address=127.0.0.1:{http}",
                f"--grpc-server-tls-cert={files / 'tls.crt'}",
                f"--grpc-server-tls-key={files / 'tls.key'}",
                f"--grpc-server-tls-client-ca={files / 'ca.crt'}",
            ],
        )

    def start_querier(self, region: str, *, root: Authority | None = None) -> None:
        """Start the region's querier, with a certificate below `root` (default: the regions' own)."""
        self.ports[region], grpc = free_ports(2)
        directory = self.directory / f"query-{region}"
        write_certificate(directory, root=root or self.root)
        others = [other for other in PLACES if other != region]
        (directory / ENDPOINTS_FILE).write_text(endpoints(NAMESPACE, others).replace(CERTIFICATES, str(directory)))
        places = {
            ENDPOINTS: str(directory),
            f"0.0.0.0:{names.THANOS_HTTP_PORT}": f"127.0.0.1:{self.ports[region]}",
            f"127.0.0.1:{names.STORE_PORT}": f"127.0.0.1:{grpc}",
        }
        arguments = [_replaced(argument, places) for argument in query_arguments()]
        environment = {**os.environ, "HOSTS": str(self._hosts(region, directory))}
        self.running.start(f"query-{region}", [*self.private_hosts, str(binary("thanos")), *arguments], environment)

    def ask(self, region: str, query: str) -> list[dict[str, Any]]:
        """The answer of the region's querier to an instant query."""
        parameters = urlencode({"query": query, "dedup": "true", "partial_response": "true"})
        return list(self._get(region, f"/api/v1/query?{parameters}")["data"]["result"])

    def regions_seen(self, region: str) -> set[str]:
        """The regions whose places the region's querier returns."""
        return {one["metric"]["region"] for one in self.ask(region, "region:place:info")}

    def metrics(self, region: str) -> str:
        """The metrics of the region's querier."""
        with urlopen(f"http://127.0.0.1:{self.ports[region]}/metrics", timeout=10) as answer:
            return str(answer.read().decode())

    def _get(self, region: str, path: str) -> dict[str, Any]:
        with urlopen(f"http://127.0.0.1:{self.ports[region]}{path}", timeout=20) as answer:
            return dict(json.load(answer))

    def _files(self, region: str, port: int, known_as: Sequence[str]) -> Path:
        directory = self.directory / region
        certified = [name.format(NAMESPACE) for name in known_as]
        write_certificate(directory, self.address(region), names=certified, root=self.root)
        (directory / "rules.json").write_text(rules_file(TARGETS, PLACES[region], runbooks="docs/runbooks"))
        config = {
            "global": {
                "scrape_interval": "1s",
                "evaluation_interval": "1s",
                "external_labels": {"region": region, "prometheus": "monitoring/x", "prometheus_replica": "x-0"},
            },
            "rule_files": ["rules.json"],
            "scrape_configs": [{"job_name": "self", "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}],
        }
        (directory / "prometheus.json").write_text(json.dumps(config))
        return directory

    def _hosts(self, region: str, directory: Path) -> Path:
        lines = [f"{self.address(region)} {names.STORE_SERVICE}.{NAMESPACE}.svc", "127.0.0.1 localhost"]
        lines += [f"{self.address(other)} {peer_name(other, NAMESPACE)}" for other in PLACES if other != region]
        path = directory / "hosts"
        path.write_text("\n".join([*lines, ""]))
        return path


@contextmanager
def thanos_regions(directory: Path, private_hosts: Sequence[str]) -> Iterator[Regions]:
    """The regions, without processes yet. All started processes end with the block."""
    with processes(directory / "logs") as running:
        yield Regions(directory, running, private_hosts)


def _replaced(text: str, places: Mapping[str, str]) -> str:
    for old, new in places.items():
        text = text.replace(old, new)
    return text
