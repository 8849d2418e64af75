"""The super-cluster of a whole stack: real servers with the program's files, certificates and names."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.messaging import configuration
from components.namespaces import NATS
from tests.support.nats_servers import PASSWORD, SYSTEM_PASSWORD, Platform, Region, hashed
from tests.support.peer_endpoints import PeerEndpoint
from tests.support.rendering import Rendered
from tests.support.servers import eventually, processes, root_authority, write_certificate

STEP_SECONDS = 60
"""Time limit for each step: elections, reconnections, catching up."""


@dataclass
class SuperCluster:
    """Regions of a rendered stack, by name, each behind its peer endpoint."""

    rendered: Rendered
    platform: Platform
    regions: dict[str, Region]
    endpoints: dict[str, PeerEndpoint]

    def start(self, *names: str) -> None:
        """Start regions (default: all) and wait until all their servers are ready."""
        for name in names or self.regions:
            self.endpoints[name].open()
            self.platform.start(self.regions[name])
        for name in names or self.regions:
            for index in range(self.regions[name].servers):
                self.platform.healthy(self.regions[name], index)

    def kill(self, name: str) -> None:
        """End all servers of a region at once. A load balancer without servers refuses connections."""
        self.endpoints[name].shut()
        self.platform.stop(self.regions[name], kill=True)

    def outbound(self, name: str, index: int = 0) -> set[str]:
        """The regions to which a server has a gateway connection."""
        return set(self.platform.monitor(self.regions[name], "gatewayz", index)["outbound_gateways"])

    def together(self, *names: str) -> None:
        """Wait until every server of these regions (default: all) has a connection to each of the others."""
        wanted = set(names or self.regions)
        for name in wanted:
            for index in range(self.regions[name].servers):
                self.eventually(
                    lambda name=name, index=index: self.outbound(name, index) == wanted - {name},
                    f"{name}-{index} joined with {wanted - {name}}",
                )

    def eventually(self, attempt: Any, what: str) -> Any:
        """The first truthy result, within a bounded time."""
        return eventually(attempt, seconds=STEP_SECONDS, what=what)


@contextmanager
def super_cluster(rendered: Rendered, directory: Path) -> Iterator[SuperCluster]:
    """The stack's regions, not started yet. All servers and peer endpoints end with the block."""
    root = root_authority()
    names = sorted(r.inputs["metadata"]["labels"]["sacred-council.love/region"] for r in _maps(rendered))
    endpoints = {name: PeerEndpoint() for name in names}
    try:
        with processes(directory / "logs") as running:
            platform = Platform(directory, running, directory / names[0] / "certificates")
            platform.endpoints = {_advertised(rendered, name): endpoint.port for name, endpoint in endpoints.items()}
            regions = {}
            for name in names:
                certificates = write_certificate(
                    directory / name / "certificates", names=certified_names(rendered, name), root=root
                )
                count = _of(rendered, name, "StatefulSet", "nats")["spec"]["replicas"]
                regions[name] = platform.region_of(name, count, files(rendered, name), certificates)
                endpoints[name].targets = [ports[configuration.GATEWAY_PORT] for ports in regions[name].ports]
            yield SuperCluster(rendered, platform, regions, endpoints)
    finally:
        for endpoint in endpoints.values():
            endpoint.shut()


def files(rendered: Rendered, region: str) -> dict[str, str]:
    """The files that the program mounts into the servers' pods, with hashes of the tests' passwords."""
    users = _of(rendered, region, "Secret", "nats-users")["stringData"]
    for user, password in {"application": PASSWORD, "system": SYSTEM_PASSWORD}.items():
        mocked = f"hash-of-{region}-messaging-{user}-password"
        assert mocked in users["users.conf"], f"users.conf of {region} has no {mocked}"
        users = {name: text.replace(mocked, hashed(password)) for name, text in users.items()}
    return {**_of(rendered, region, "ConfigMap", "nats")["data"], **users}


def job_files(rendered: Rendered, region: str) -> dict[str, str]:
    """The files that the program mounts into the pod of the region's Job for streams."""
    return dict(_of(rendered, region, "ConfigMap", "nats-streams")["data"])


def certified_names(rendered: Rendered, region: str) -> list[str]:
    """The DNS names in the program's certificate request for the region's servers."""
    return list(rendered.named(f"{region}-messaging-certificate-request").inputs["dnsNames"])


def _advertised(rendered: Rendered, region: str) -> str:
    text = _of(rendered, region, "ConfigMap", "nats")["data"]["nats.conf"]
    return str(text.partition('advertise: "')[2].partition('"')[0])


def _maps(rendered: Rendered) -> list[Any]:
    return [r for r in rendered.objects("ConfigMap") if _identity(r.inputs) == (NATS, "nats")]


def _of(rendered: Rendered, region: str, kind: str, name: str) -> dict[str, Any]:
    found = [
        r.inputs
        for r in rendered.objects(kind)
        if _identity(r.inputs) == (NATS, name)
        and r.inputs["metadata"]["labels"]["sacred-council.love/region"] == region
    ]
    assert len(found) == 1, f"{len(found)} objects {kind} {NATS}/{name} in {region}"
    return found[0]


def _identity(inputs: dict[str, Any]) -> tuple[str | None, str]:
    return inputs["metadata"].get("namespace"), inputs["metadata"]["name"]
