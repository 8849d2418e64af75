"""Live collaboration in the regions of a stack: real servers for browsers, each region's behind a real Envoy."""

from __future__ import annotations

import json
import ssl
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from components.messaging import configuration, live_configuration
from components.namespaces import INGRESS, LIVE, SERVICES
from sandbox.ports import is_free
from tests.support import live_gateways
from tests.support.binaries import binary
from tests.support.challenge_gateways import envoy
from tests.support.live_client import Gateway
from tests.support.nats_servers import nats_server
from tests.support.rendering import Rendered, render
from tests.support.servers import free_ports, write_certificate
from tests.support.super_cluster import SuperCluster, object_of, run_job, super_cluster

HOME, NEAR, FAR = "europe-west1", "us-central1", "asia-east1"
DOMAIN = "sacred-council.love"
GATEWAY_OBJECTS = ("VirtualService", "DestinationRule", "EnvoyFilter")


def stack(**settings: object) -> Rendered:
    """Three regions with live collaboration, which has some other `settings`."""
    websocket = {"enabled": True, "home": HOME, "servers": 1, "maxSize": "8Mi", **settings}
    return render(
        "multiregion",
        {
            "sacred-council:messaging": {"servers": 3, "storage": "1Gi", "websocket": websocket},
            "sacred-council:edge": {"domain": DOMAIN},
        },
    )


@dataclass
class LiveRegions:
    """The super-cluster of the regions, their servers for browsers, and their gateways."""

    cluster: SuperCluster
    gateways: dict[str, Gateway] = field(default_factory=dict)
    websockets: dict[str, int] = field(default_factory=dict)
    """Port of each region's server for browsers, without the gateway."""
    monitors: dict[str, int] = field(default_factory=dict)
    authority: Path = Path()
    """The root that signs all certificates."""

    @property
    def secret(self) -> Mapping[str, str]:
        """The Secret that tells the services how to let browsers in. It is the same in every region."""
        found = [self.connection(name) for name in self.cluster.regions]
        live = [{key: text for key, text in one.items() if key.startswith("live.")} for one in found]
        assert live[0]
        assert all(one == live[0] for one in live)
        return live[0]

    def connection(self, region: str) -> dict[str, str]:
        """The region's Secret `messaging-connection`."""
        secret = object_of(self.cluster.rendered, region, "Secret", "messaging-connection", SERVICES)
        return dict(secret["stringData"])

    def start(self, region: str) -> None:
        """Start the region's server for browsers, and wait until it has both links."""
        name = self._name(region)
        home = self.cluster.platform.directory / name
        for part in ("settings", "run"):
            (home / part).mkdir(parents=True, exist_ok=True)
        for file, text in self._files(region, home).items():
            (home / "settings" / file).write_text(text)
        command = [nats_server(), "--config", str(home / "settings" / "nats.conf")]
        self.cluster.platform.running.start(name, command, {"SERVER_NAME": name})
        self.linked(region)

    def linked(self, region: str) -> None:
        """Wait until the region's server for browsers has both links."""
        self.cluster.eventually(
            lambda: self._monitor(region, "varz")["leafnodes"] == 2,
            f"{region} has two links; log:\n{self.cluster.platform.running.log(self._name(region))[-3000:]}",
        )

    def stop(self, region: str) -> None:
        """End the region's server for browsers."""
        self.cluster.platform.running.stop(self._name(region))

    def cut(self) -> None:
        """Cut the links between the regions."""
        for endpoint in self.cluster.endpoints.values():
            endpoint.shut()
        for name in self.cluster.regions:
            self.cluster.eventually(lambda name=name: self.cluster.outbound(name) == set(), f"{name} is cut off")

    def join(self) -> None:
        """Bring the links between the regions back."""
        for endpoint in self.cluster.endpoints.values():
            endpoint.open()
        self.cluster.together()

    def open_gateway(self, region: str, pages: int | None = None, *, strict: bool = False) -> Gateway:
        """Start a public gateway of the region. `pages` is the port of a web server for all other paths.

        `strict`: it speaks with the servers as `mesh.postQuantum: strict` wants it.
        """
        name = f"{region}-{'strict-' if strict else ''}gateway"
        rendered, platform = self.cluster.rendered, self.cluster.platform
        certificates = write_certificate(platform.directory / name, names=[DOMAIN], root=self.cluster.root)
        self.authority = certificates / "ca.crt"
        (port,) = free_ports(1)
        live_gateways.start(
            platform.running,
            name,
            port=port,
            objects={kind: self._gateway_object(rendered, region, kind) for kind in GATEWAY_OBJECTS},
            certificates=certificates,
            root=self.authority,
            servers=[self.websockets[region]],
            pages=pages,
            strict=strict,
        )
        log = platform.running.log
        self.cluster.eventually(
            lambda: not is_free(port),
            f"the gateway of {region} accepts connections; log:\n{log(name)}",
        )
        trust = ssl.create_default_context(cafile=str(self.authority))
        return Gateway(port, DOMAIN, trust)

    def _gateway_object(self, rendered: Rendered, region: str, kind: str) -> dict[str, Any]:
        return dict(object_of(rendered, region, kind, live_configuration.APP, INGRESS)["spec"])

    def _name(self, region: str) -> str:
        return f"{region}-live"

    def _monitor(self, region: str, page: str) -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.monitors[region]}/{page}") as answer:
            return json.load(answer)

    def _files(self, region: str, home: Path) -> dict[str, str]:
        """The files that the program mounts into the pods, with addresses on loopback."""
        rendered = self.cluster.rendered
        settings = object_of(rendered, region, "ConfigMap", live_configuration.APP, LIVE)["data"]
        links = object_of(rendered, region, "Secret", f"{live_configuration.APP}-links", LIVE)["stringData"]
        if region not in self.websockets:
            self.websockets[region], self.monitors[region] = free_ports(2)
        (client,) = free_ports(1)
        hub = self.cluster.regions[region].ports[0][configuration.LEAF_PORT]
        certificates = self._certificates(region)
        replaced = {
            f"127.0.0.1:{configuration.CLIENT_PORT}": f"127.0.0.1:{client}",
            f"0.0.0.0:{configuration.MONITOR_PORT}": f"127.0.0.1:{self.monitors[region]}",
            f"0.0.0.0:{live_configuration.WEBSOCKET_PORT}": f"127.0.0.1:{self.websockets[region]}",
            f"nats.nats.svc:{configuration.LEAF_PORT}": f"localhost:{hub}",
            configuration.CERTIFICATES: str(certificates),
            configuration.RUN: str(home / "run"),
        }
        texts = {**settings, **links}
        for old, new in replaced.items():
            assert any(old in text for text in texts.values()), f"no file has {old}"
            texts = {file: text.replace(old, new) for file, text in texts.items()}
        return texts

    def _certificates(self, region: str) -> Path:
        directory = self.cluster.platform.directory / f"{region}-live-certificates"
        if not directory.is_dir():
            request = self.cluster.rendered.named(f"{region}-messaging-live-certificate-request")
            write_certificate(directory, names=request.inputs["dnsNames"], root=self.cluster.root)
        return directory


@contextmanager
def live_regions(directory: Path, pages: int | None = None, **settings: object) -> Iterator[LiveRegions]:
    """The regions with all that browsers need."""
    binary("nats")
    envoy()
    with super_cluster(stack(**settings), directory) as cluster:
        cluster.start()
        cluster.together()
        for name in (HOME, NEAR, FAR):
            done = run_job(cluster, name)
            assert done.returncode == 0, done.stdout + done.stderr
        regions = LiveRegions(cluster)
        for name in cluster.regions:
            regions.start(name)
            regions.gateways[name] = regions.open_gateway(name, pages)
        yield regions
