"""The super-cluster of a whole stack: real servers with the program's files, certificates and names."""

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.messaging import configuration, streams
from components.namespaces import NATS
from tests.support.binaries import binary
from tests.support.nats_servers import PASSWORD, SYSTEM_PASSWORD, Platform, Region, hashed
from tests.support.peer_endpoints import PeerEndpoint
from tests.support.rendering import Rendered
from tests.support.servers import Authority, eventually, processes, root_authority, write_certificate

STEP_SECONDS = 60
"""Time limit for each step: elections, reconnections, catching up."""
ADVERTISED = 'advertise: "'
"""Before the address of a region's gateway. Edge sites have none."""
SITE_HASH = re.compile(r"hash-of-([a-z0-9-]+-link-password)")


@dataclass
class SuperCluster:
    """Regions of a rendered stack, by name, each behind its peer endpoint."""

    rendered: Rendered
    platform: Platform
    regions: dict[str, Region]
    endpoints: dict[str, PeerEndpoint]
    root: Authority
    """Signs the servers' certificates."""

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
                count = object_of(rendered, name, "StatefulSet", "nats")["spec"]["replicas"]
                regions[name] = platform.region_of(name, count, files(rendered, name), certificates)
                endpoints[name].targets = [ports[configuration.GATEWAY_PORT] for ports in regions[name].ports]
            yield SuperCluster(rendered, platform, regions, endpoints, root)
    finally:
        for endpoint in endpoints.values():
            endpoint.shut()


def files(rendered: Rendered, region: str) -> dict[str, str]:
    """The files that the program mounts into the servers' pods, with hashes of the tests' passwords."""
    users = object_of(rendered, region, "Secret", "nats-users")["stringData"]
    for user, password in passwords(rendered, region).items():
        mocked = f"hash-of-{region}-messaging-{user}-password"
        assert mocked in users["users.conf"], f"users.conf of {region} has no {mocked}"
        users = {name: text.replace(mocked, hashed(password)) for name, text in users.items()}
    # Edge sites read their passwords from files that the program renders, too.
    linked = {
        name: SITE_HASH.sub(lambda found: hashed(f"password-of-{found[1]}"), text) for name, text in users.items()
    }
    return {**object_of(rendered, region, "ConfigMap", "nats")["data"], **linked}


def passwords(rendered: Rendered, region: str) -> dict[str, str]:
    """The passwords by user. Those of the servers for browsers are the mocks', because their files have them."""
    live = (configuration.CIRCLES_USER, configuration.STATE_USER)
    names = {user: f"{region}-messaging-{user}-password" for user in live}
    made = {resource.name for resource in rendered.of_type("random:index/randomPassword:RandomPassword")}
    links = {user: f"password-of-{name}" for user, name in names.items() if name in made}
    return {"application": PASSWORD, "system": SYSTEM_PASSWORD, **links}


def job_files(rendered: Rendered, region: str) -> dict[str, str]:
    """The files that the program mounts into the pod of the region's Job for streams."""
    return dict(object_of(rendered, region, "ConfigMap", "nats-streams")["data"])


def run_job(
    cluster: SuperCluster, name: str, changes: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the region's Job for streams with its rendered files; `changes` replaces some of them."""
    return nats_command(cluster, name, {**job_files(cluster.rendered, name), **(changes or {})}, "streams.sh")


def nats_command(
    cluster: SuperCluster, name: str, files: dict[str, str], script: str
) -> subprocess.CompletedProcess[str]:
    """Run `script`, one of `files`, as the region's Job would."""
    directory = cluster.platform.directory / f"job-{name}"
    directory.mkdir(exist_ok=True)
    for file, text in files.items():
        (directory / file).write_text(text.replace(streams.SETTINGS, str(directory)))
    environment = {
        "PATH": f"{binary('nats').parent}:{os.environ['PATH']}",
        "HOME": str(directory),
        "XDG_CONFIG_HOME": str(directory),
        "NATS_URL": cluster.regions[name].client_url(min(1, cluster.regions[name].servers - 1)),
        "NATS_CA": str(cluster.regions[name].certificates / "ca.crt"),
        "NATS_USER": "sacred-council",
        "NATS_PASSWORD": PASSWORD,
    }
    command = ["/bin/sh", str(directory / script)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


def certified_names(rendered: Rendered, region: str) -> list[str]:
    """The DNS names in the program's certificate request for the region's servers."""
    return list(rendered.named(f"{region}-messaging-certificate-request").inputs["dnsNames"])


def _advertised(rendered: Rendered, region: str) -> str:
    text = object_of(rendered, region, "ConfigMap", "nats")["data"]["nats.conf"]
    return str(text.partition(ADVERTISED)[2].partition('"')[0])


def _maps(rendered: Rendered) -> list[Any]:
    return [
        r
        for r in rendered.objects("ConfigMap")
        if _identity(r.inputs) == (NATS, "nats") and ADVERTISED in r.inputs["data"]["nats.conf"]
    ]


def object_of(rendered: Rendered, region: str, kind: str, name: str, namespace: str = NATS) -> dict[str, Any]:
    """The only object of the region with this kind and name."""
    found = [
        r.inputs
        for r in rendered.objects(kind)
        if _identity(r.inputs) == (namespace, name)
        and r.inputs["metadata"]["labels"]["sacred-council.love/region"] == region
    ]
    assert len(found) == 1, f"{len(found)} objects {kind} {namespace}/{name} in {region}"
    return found[0]


def _identity(inputs: dict[str, Any]) -> tuple[str | None, str]:
    return inputs["metadata"].get("namespace"), inputs["metadata"]["name"]
