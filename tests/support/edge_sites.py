"""Edge sites of a rendered stack: real servers with the program's files, each with a link that can be cut."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.messaging import configuration
from components.namespaces import NATS
from components.peering import peer_name
from tests.support.nats_servers import Region
from tests.support.peer_endpoints import PeerEndpoint
from tests.support.rendering import Rendered
from tests.support.servers import write_certificate
from tests.support.super_cluster import SuperCluster, certified_names, files, run_job, super_cluster

LISBON: dict[str, Any] = {
    "name": "lisbon",
    "context": "lisbon",
    "home": "europe-west1",
    "geography": {"latitude": 38.72, "longitude": -9.14, "timeZone": "Europe/Lisbon", "languages": ["pt"]},
    "egressAddresses": ["203.0.113.71"],
}
OULU: dict[str, Any] = {
    "name": "oulu",
    "context": "oulu",
    "home": "europe-west1",
    "geography": {"latitude": 65.01, "longitude": 25.47, "timeZone": "Europe/Helsinki", "languages": ["fi"]},
    "egressAddresses": ["203.0.113.72"],
}


@dataclass
class Sites:
    """Regions and edge sites on loopback."""

    cluster: SuperCluster
    links: dict[str, PeerEndpoint]
    """What each site reaches its home through, by site."""
    homes: Mapping[str, str]

    @property
    def rendered(self) -> Rendered:
        return self.cluster.rendered

    def at(self, name: str) -> Region:
        """The servers of a region or a site."""
        return self.cluster.regions[name]

    def start(self, site: str) -> None:
        """Start the site's server and wait until it is ready, whether or not its home is there."""
        self.cluster.platform.start(self.at(site))
        self.cluster.platform.healthy(self.at(site))

    def make_streams(self, *names: str) -> None:
        """Run the Jobs that make the streams of these regions and sites."""
        for name in names:
            done = run_job(self.cluster, name)
            assert done.returncode == 0, done.stdout + done.stderr

    def cut(self, site: str) -> None:
        """Cut the site's link, and wait until the site has noticed."""
        self.links[site].shut()
        self.cluster.eventually(lambda: self.connected(site) == 0, f"{site} has noticed")

    def join(self, site: str) -> None:
        """Bring the site's link back."""
        self.links[site].open()
        self.linked(site)

    def linked(self, site: str) -> None:
        """Wait until the site has its link."""
        name = self.at(site).server_name(0)
        log = self.cluster.platform.running.log
        self.cluster.eventually(lambda: self.connected(site) == 1, f"{site} is linked; log:\n{log(name)[-3000:]}")

    def connected(self, site: str) -> int:
        """How many links the site has."""
        return int(self.cluster.platform.monitor(self.at(site), "varz")["leafnodes"])


@contextmanager
def edge_sites(rendered: Rendered, directory: Path, homes: Mapping[str, str]) -> Iterator[Sites]:
    """The stack's regions, and its edge sites by their `homes`. None is started."""
    with super_cluster(rendered, directory) as cluster:
        links = {site: PeerEndpoint() for site in homes}
        try:
            for site, home in homes.items():
                links[site].targets = [ports[configuration.LEAF_PORT] for ports in cluster.regions[home].ports]
                names = certified_names(rendered, site)
                certificates = write_certificate(directory / site / "certificates", names=names, root=cluster.root)
                found = _through(files(rendered, site), home, links[site])
                cluster.regions[site] = cluster.platform.region_of(site, 1, found, certificates)
            yield Sites(cluster, links, homes)
        finally:
            for link in links.values():
                link.shut()


def _through(found: dict[str, str], home: str, link: PeerEndpoint) -> dict[str, str]:
    """The site's files, with its link in place of the address of its home."""
    address = f"{peer_name(home, NATS)}:{configuration.LEAF_PORT}"
    assert address in found["home.conf"]
    return {name: text.replace(address, f"localhost:{link.port}") for name, text in found.items()}
