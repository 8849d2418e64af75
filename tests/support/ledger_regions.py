"""The validators of a rendered stack: real programs on loopback with the program's files, keys and scripts.

Each validator has its proxy, with a certificate like the program's, and a peer endpoint through which the other regions
reach it.
"""

import base64
import http.client
import json
import os
import shutil
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from components.ledger import configuration, proxy, votes
from components.ledger.identities import APP, HEADLESS_SERVICE, PEER_PORT, pod
from components.namespaces import LEDGER
from components.peering import peer_name
from tests.support.binaries import binary
from tests.support.data_services import container
from tests.support.peer_endpoints import PeerEndpoint
from tests.support.rendering import Rendered
from tests.support.servers import (
    Authority,
    Processes,
    eventually,
    free_ports,
    processes,
    region_authority,
    root_authority,
    write_certificate,
    write_leaf,
)
from tests.support.super_cluster import object_of

IN_POD = (configuration.INNER_PEER_PORT, proxy.SYNC_PORT, *configuration.OTHER_PORTS)
STEP_SECONDS = 60
"""Time limit of each step: blocks, reconnections, catching up."""
JOB_SECONDS = 180
DIAL_SECONDS = 1
"""Instead of the program's pause, so that tests wait less."""


def haproxy() -> str:
    """The HAProxy of the machine. Skips the test when there is none."""
    found = shutil.which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin")
    if not found:
        pytest.skip("no haproxy on PATH: `apt-get install --no-install-recommends haproxy` brings it")
    return found


@dataclass
class Node:
    """The first validator of a region."""

    region: str
    home: Path
    peers: int
    """Its own ports on loopback."""
    rpc: int
    metrics: int
    tls: int
    health: int
    endpoint: PeerEndpoint
    in_pod: Mapping[int, int]
    """Ports that only its own pod has, by the program's."""
    variables: dict[str, str] = field(default_factory=dict)
    """Of its container."""
    application: dict[str, str] | None = None
    """Variables of the application's container. None: CometBFT's own application."""
    names: list[str] = field(default_factory=list)
    """Processes that run beside the validator."""

    @property
    def data(self) -> Path:
        return self.home / "data"


class LedgerRegions:
    """The regions of a stack, none of them started yet."""

    def __init__(self, directory: Path, running: Processes) -> None:
        self.directory, self.running = directory, running
        self.root = root_authority()
        self.nodes: dict[str, Node] = {}
        self._issuers: dict[str, Authority] = {}

    def add(self, region: str) -> None:
        """Give a region its ports, certificates and peer endpoint."""
        home = self.directory / region
        peers, rpc, metrics, tls, health, *more = free_ports(5 + len(IN_POD))
        in_pod = dict(zip(IN_POD, more, strict=True))
        self.nodes[region] = Node(region, home, peers, rpc, metrics, tls, health, PeerEndpoint([peers]), in_pod)
        self._issuers[region] = region_authority(region, self.root)
        names = [peer_name(region, LEDGER)]
        written = write_certificate(home / "server", names=names, root=self.root)
        mounted = home / "certificates"
        mounted.mkdir()
        shutil.copy(written / "tls.crt", mounted / proxy.CERTIFICATE)
        shutil.copy(written / "tls.key", mounted / f"{proxy.CERTIFICATE}.key")
        shutil.copy(written / "ca.crt", mounted / proxy.AUTHORITY)
        for name in (proxy.client(region), proxy.voter(region), proxy.newcomer(region)):
            write_leaf(home / name, self._issuers[region], self.root, name=name)
        sync = home / "sync"
        sync.mkdir()
        shown = home / proxy.newcomer(region)
        shutil.copy(shown / "tls.crt", sync / proxy.SYNC_CERTIFICATE)
        shutil.copy(shown / "tls.key", sync / f"{proxy.SYNC_CERTIFICATE}.key")
        shutil.copy(shown / "ca.crt", sync / proxy.AUTHORITY)

    def mount(self, rendered: Rendered, *names: str) -> None:
        """Write the files of these regions (default: all) as the stack has them now. Running ones read some again."""
        for region in names or self.nodes:
            node = self.nodes[region]
            settings = object_of(rendered, region, "ConfigMap", APP, LEDGER)["data"]
            members = object_of(rendered, region, "ConfigMap", "ledger-members", LEDGER)["data"]
            keys = object_of(rendered, region, "Secret", "ledger-keys", LEDGER)["stringData"]
            pods = object_of(rendered, region, "StatefulSet", APP, LEDGER)["spec"]["template"]
            node.variables = _variables(container(pods, APP))
            own = [one for one in pods["spec"]["containers"] if one["name"] == "application"]
            node.application = _variables(own[0]) if own else None
            for folder, files in (("settings", settings), ("members", members), ("keys", keys)):
                for name, text in files.items():
                    self.write(node, f"{folder}/{name}", text)

    def write(self, node: Node, path: str, text: str) -> None:
        """Write one file of a pod, with loopback in the place of the cluster's addresses and folders."""
        file = node.home / path
        file.parent.mkdir(parents=True, exist_ok=True)
        made = file.with_name(f".{file.name}")
        made.write_text(self._on_loopback(node, text))
        made.replace(file)

    def _on_loopback(self, node: Node, text: str) -> str:
        for folder in (configuration.SETTINGS, configuration.MEMBERS, configuration.KEYS, configuration.DATA):
            text = text.replace(folder, str(node.home / Path(folder).name))
        changes = {
            proxy.SYNC_CERTIFICATES: str(node.home / "sync"),
            proxy.CERTIFICATES: str(node.home / "certificates"),
            configuration.SOCKET: f"unix://{node.home}/run.sock",
            **{f"127.0.0.1:{port}": f"127.0.0.1:{here}" for port, here in node.in_pod.items()},
            f"bind :{PEER_PORT}": f"bind 127.0.0.1:{node.peers}",
            f"127.0.0.1:{configuration.RPC_PORT}": f"127.0.0.1:{node.rpc}",
            f"0.0.0.0:{PEER_PORT}": f"127.0.0.1:{node.peers}",
            f'":{configuration.METRICS_PORT}"': f'"127.0.0.1:{node.metrics}"',
            f"bind :{proxy.PORT}": f"bind 127.0.0.1:{node.tls}",
            f"bind :{proxy.HEALTH_PORT}": f"bind 127.0.0.1:{node.health}",
            f"sleep {configuration.DIAL_SECONDS}\n": f"sleep {DIAL_SECONDS}\n",
            f"{pod(0)}.{HEADLESS_SERVICE}.{LEDGER}.svc:{PEER_PORT}": f"127.0.0.1:{node.peers}",
            f"{pod(0)}.{HEADLESS_SERVICE}:{proxy.PORT}": f"localhost:{node.tls}",
        }
        for region, other in self.nodes.items():
            changes[f"{peer_name(region, LEDGER)}:{PEER_PORT}"] = f"127.0.0.1:{other.endpoint.port}"
        for there, here in changes.items():
            text = text.replace(there, here)
        return text

    def start(self, *names: str) -> None:
        """Start regions (default: all), and wait until they answer."""
        for region in names or self.nodes:
            node = self.nodes[region]
            node.endpoint.open()
            self._start_beside(node)
            self.running.start(region, ["/bin/sh", str(node.home / "settings" / "start.sh")], self.environment(region))
        for region in names or self.nodes:
            self.eventually(lambda region=region: self.rpc(region, "health") is not None, f"{region} answers")

    def _start_beside(self, node: Node) -> None:
        """Start the other containers of the pod. They stay when the validator ends."""
        if node.names:
            return
        members = node.home / "members" / "others.cfg"
        files = [node.home / "settings" / "haproxy.cfg", *([members] if members.is_file() else [])]
        node.names = [f"{node.region}-proxy"]
        self.running.start(node.names[0], [haproxy(), "-db", *(word for file in files for word in ("-f", str(file)))])
        if node.application is not None:
            node.names.append(f"{node.region}-application")
            there = {"LEDGER_SOCKET": f"unix://{node.home}/run.sock", "LEDGER_DATA": str(node.home / "application")}
            environment = {**os.environ, **node.application, **there}
            command = [sys.executable, "-m", "tests.support.ledger_application"]
            self.running.start(node.names[1], command, environment)

    def kill(self, region: str) -> None:
        """End a validator at once."""
        self.nodes[region].endpoint.shut()
        self.running.stop(region, kill=True)

    def stop(self, region: str) -> None:
        """End a validator as Kubernetes does."""
        self.nodes[region].endpoint.shut()
        self.running.stop(region)

    def environment(self, region: str) -> dict[str, str]:
        path = f"{binary('cometbft').parent}:{os.environ['PATH']}"
        node = self.nodes[region]
        return {**node.variables, "PATH": path, "POD_NAME": pod(0), "HOME": str(node.home)}

    def rpc(self, region: str, path: str) -> Any:
        """What the validator answers in its own pod."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.nodes[region].rpc}/{path}", timeout=5) as answer:
                return json.load(answer)["result"]
        except urllib.error.HTTPError as refusal:
            # It holds the connection, and tests fail for what is left open.
            refusal.close()
            raise

    def ask(
        self, region: str, path: str, *, shown: Path | None = None, method: str = "GET", body: bytes | None = None
    ) -> tuple[int, Any]:
        """Ask the region's proxy with the certificate in `shown` (default: the services'). Return status and result."""
        node = self.nodes[region]
        certificate = shown or node.home / proxy.client(region)
        trust = ssl.create_default_context(cafile=str(certificate / "ca.crt"))
        trust.load_cert_chain(certificate / "tls.crt", certificate / "tls.key")
        client = http.client.HTTPSConnection("localhost", node.tls, context=trust, timeout=45)
        try:
            client.request(method, path, body)
            answer = client.getresponse()
            text = answer.read().decode()
        finally:
            client.close()
        return answer.status, json.loads(text).get("result") if answer.status == 200 and text else text

    def put(self, region: str, key: str, value: str) -> int:
        """Write a value, and return the height of its block."""
        transaction = f"{key}={value}".encode().hex()
        status, result = self.ask(region, f"/broadcast_tx_commit?tx=0x{transaction}")
        assert status == 200, result
        assert result["check_tx"]["code"] == result["tx_result"]["code"] == 0, result
        return int(result["height"])

    def value(self, region: str, key: str) -> str:
        """The value of a key, as the region knows it; empty if there is none."""
        status, result = self.ask(region, f"/abci_query?data=0x{key.encode().hex()}")
        assert status == 200, result
        return base64.b64decode(result["response"].get("value") or "").decode()

    def height(self, region: str) -> int:
        """The newest block that the region has."""
        return int(self.rpc(region, "status")["sync_info"]["latest_block_height"])

    def voters(self, region: str) -> dict[str, int]:
        """The votes of each validator, by its public key, as the region knows them."""
        known = self.rpc(region, "validators?per_page=100")["validators"]
        return {one["pub_key"]["value"]: int(one["voting_power"]) for one in known}

    def key_of(self, region: str) -> str:
        """The public key of the region's validator."""
        return str(
            json.loads((self.nodes[region].home / "keys" / f"{pod(0)}.priv_validator_key.json").read_text())["pub_key"][
                "value"
            ]
        )

    def job(self, rendered: Rendered, region: str, task: str) -> subprocess.CompletedProcess[str]:
        """Run the region's Job that admits or removes validators."""
        node = self.nodes[region]
        files = object_of(rendered, region, "ConfigMap", f"ledger-{task}", LEDGER)["data"]
        directory = node.home / f"job-{task}"
        (directory / "scratch").mkdir(parents=True, exist_ok=True)
        certificates = str(node.home / proxy.voter(region))
        for name, text in files.items():
            for there, here in (
                (votes.SETTINGS, str(directory)),
                (votes.CERTIFICATES, certificates),
                (votes.SCRATCH, str(directory / "scratch")),
            ):
                text = text.replace(there, here)
            self.write(node, f"job-{task}/{name}", text)
        return subprocess.run(
            ["/bin/sh", str(directory / votes.SCRIPT)],
            env={"PATH": os.environ["PATH"], "TASK": task, "NODE": f"localhost:{node.tls}"},
            capture_output=True,
            text=True,
            timeout=JOB_SECONDS,
            check=False,
        )

    def eventually(self, attempt: Any, what: str) -> Any:
        """The first truthy result, within a bounded time."""
        return eventually(attempt, seconds=STEP_SECONDS, what=what)

    def together(self, *names: str) -> None:
        """Wait until these regions (default: all) have each other as peers, and the same newest block.

        Without a first block (height 0), servers cannot yet say who votes.
        """
        wanted = names or tuple(self.nodes)
        for region in wanted:
            self.eventually(
                lambda region=region: int(self.rpc(region, "net_info")["n_peers"]) >= len(wanted) - 1,
                f"{region} has the others as peers",
            )

        def same_block() -> bool:
            heights = {self.height(region) for region in wanted}
            return len(heights) == 1 and heights != {0}

        self.eventually(same_block, "all have the same block")


def _variables(made: Mapping[str, Any]) -> dict[str, str]:
    return {one["name"]: one["value"] for one in made["env"] if "value" in one}


@contextmanager
def ledger_regions(rendered: Rendered, directory: Path, *names: str) -> Iterator[LedgerRegions]:
    """These regions of a stack, not started yet. Everything ends with the block."""
    binary("cometbft")
    haproxy()
    with processes(directory / "logs") as running:
        made = LedgerRegions(directory, running)
        try:
            for name in names:
                made.add(name)
            made.mount(rendered)
            yield made
        finally:
            for node in made.nodes.values():
                node.endpoint.shut()
