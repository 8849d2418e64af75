"""Regions of real Kafka on loopback, with what the program renders for a stack.

Each region has an address of its own, and processes that see its names: the same names lead elsewhere in each region.
"""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from components.namespaces import KAFKA
from components.peering import peer_name
from components.streaming import configuration
from tests.support import strimzi
from tests.support.kafka_programs import exporter, java
from tests.support.rendering import ROOT, Rendered, Resource
from tests.support.servers import (
    Authority,
    Processes,
    eventually,
    processes,
    region_authority,
    root_authority,
    write_leaf,
)
from tests.support.strimzi import Cluster, Node

STEP_SECONDS: Final = 300
"""Time limit for each step: starts of Java, elections, connectors."""
METRICS: Final = {"controller": 9404, "broker": 9405, "mirror": 9406}
"""Ports of metrics. In a cluster each pod has an address, and all have the port 9404."""
CLUSTER_ID: Final = "Y291bmNpbC1vZi1hbGwxMQ"


@dataclass
class Region:
    """One region: its servers' configuration, and the certificates of its users."""

    name: str
    cluster: Cluster
    nodes: list[Node]
    folder: Path
    mirror: Mapping[str, Any]
    users: Mapping[str, Mapping[str, Any]]
    """Specs of KafkaUsers, by name."""
    topics: Mapping[str, Mapping[str, Any]]
    """Specs of KafkaTopics, by name."""
    running: set[str] = field(default_factory=set)

    @property
    def hosts(self) -> Path:
        """The hosts file of the region's processes."""
        return self.folder / "hosts"

    def certificate(self, name: str) -> Path:
        """The folder with a certificate."""
        return self.cluster.secrets / name


@dataclass
class Regions:
    """All regions of a stack, by name."""

    by_name: dict[str, Region]
    private_hosts: Sequence[str]
    processes: Processes

    def start(self, *names: str) -> None:
        """Start brokers and mirrors of these regions, and wait until they answer."""
        for name in names:
            self._start_nodes(self.by_name[name])
        for name in names:
            self._wait(self.by_name[name])

    def kill(self, name: str) -> None:
        """End all servers of a region at once."""
        region = self.by_name[name]
        for process in sorted(region.running):
            self.processes.stop(process, kill=True)
        region.running.clear()

    def prepare(self, name: str) -> None:
        """Make topics and rights, as the region's operators do."""
        region = self.by_name[name]
        rights = [right for user, spec in region.users.items() for right in strimzi.rights(user, spec)]
        topics = [
            {
                "name": topic,
                "partitions": spec["partitions"],
                "replicas": spec["replicas"],
                "config": {key: strimzi.text(value) for key, value in spec["config"].items()},
            }
            for topic, spec in region.topics.items()
        ]
        self.ask(name, "prepare", as_operator=True, new=topics, rights=rights)

    def mirror(self, *names: str) -> None:
        """Start the mirrors of these regions, and give them their connectors."""
        for name in names:
            self._start_mirror(self.by_name[name])
        for name in names:
            self._connect(self.by_name[name])

    def _start_mirror(self, region: Region) -> None:
        file = region.folder / "worker.properties"
        write(file, strimzi.worker_properties(region.mirror, region.cluster))
        options = exporter(region.cluster.address, METRICS["mirror"], region.folder / "mirror.yaml")
        self._run(region, "mirror", java("org.apache.kafka.connect.cli.ConnectDistributed", str(file), options=options))

    def _connect(self, region: Region) -> None:
        for connector, config in strimzi.connectors(region.mirror, region.cluster).items():
            eventually(
                partial(self._put, region, connector, config),
                seconds=STEP_SECONDS,
                what=f"{connector} is accepted",
            )

    def mirrors(self, name: str) -> dict[str, list[str]]:
        """The states of a region's connectors and their tasks, by connector."""
        url = f"http://{self.by_name[name].cluster.address}:8083/connectors?expand=status"
        with urllib.request.urlopen(url, timeout=20) as answer:
            found = json.load(answer)
        return {
            connector: [one["status"]["connector"]["state"], *(task["state"] for task in one["status"]["tasks"])]
            for connector, one in found.items()
        }

    def metrics(self, name: str, process: str) -> list[str]:
        """The lines that Prometheus would read from a region's broker, controller or mirror."""
        url = f"http://{self.by_name[name].cluster.address}:{METRICS[process]}/metrics"
        with urllib.request.urlopen(url, timeout=60) as answer:
            return [line for line in answer.read().decode().splitlines() if line.startswith("kafka_")]

    def ask(
        self,
        name: str,
        action: str,
        *,
        user: str = configuration.APPLICATION_USER,
        certificate: str | None = None,
        address: str | None = None,
        as_operator: bool = False,
        **arguments: Any,
    ) -> Any:
        """What a client in region `name` gets. Its certificate is that of `user`, unless another one is named."""
        region = self.by_name[name]
        shown = region.certificate("operator" if as_operator else (certificate or f"streaming-{user}"))
        trusted = region.certificate("trust-bundle") / "cluster-ca.crt" if as_operator else shown / "ca.crt"
        own = f"{region.nodes[-1].host}:9091" if as_operator else region.mirror["target"]["bootstrapServers"]
        config = {
            "bootstrap.servers": address or own,
            "security.protocol": "ssl",
            "ssl.ca.location": str(trusted),
            "ssl.certificate.location": str(shown / "tls.crt"),
            "ssl.key.location": str(shown / "tls.key"),
            "log_level": 2,
        }
        task = {"action": action, "config": config, **arguments}
        run = subprocess.run(
            [*self.private_hosts, sys.executable, "-m", "tests.support.kafka_client"],
            input=json.dumps(task),
            env=self._environment(region),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=STEP_SECONDS,
            check=False,
        )
        assert run.returncode == 0, run.stderr
        answer = json.loads(run.stdout)
        return answer.get("answer", answer.get("error"))

    def _environment(self, region: Region) -> dict[str, str]:
        return {**os.environ, "HOSTS": str(region.hosts)}

    def _start_nodes(self, region: Region) -> None:
        for node in region.nodes:
            file = region.folder / f"{node.pod}.properties"
            write(file, strimzi.node_properties(node, region.nodes))
            self._format(region, file)
            options = exporter(region.cluster.address, METRICS[node.pool], region.folder / "brokers.yaml")
            self._run(region, node.pod, java("kafka.Kafka", str(file), options=options))

    def _format(self, region: Region, file: Path) -> None:
        command = java("kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-g", "-c", str(file))
        run = subprocess.run(
            [*self.private_hosts, *command],
            env=self._environment(region),
            capture_output=True,
            text=True,
            timeout=STEP_SECONDS,
            check=False,
        )
        assert run.returncode == 0, run.stdout + run.stderr

    def _run(self, region: Region, process: str, command: Sequence[str]) -> None:
        name = f"{region.name}-{process}"
        self.processes.start(name, [*self.private_hosts, *command], self._environment(region))
        region.running.add(name)

    def _wait(self, region: Region) -> None:
        def answers() -> bool:
            return isinstance(self.ask(region.name, "topics", as_operator=True), dict)

        eventually(answers, seconds=STEP_SECONDS, what=f"the brokers of {region.name} answer")

    def _put(self, region: Region, connector: str, config: Mapping[str, str]) -> bool:
        url = f"http://{region.cluster.address}:8083/connectors/{urllib.parse.quote(connector)}/config"
        request = urllib.request.Request(
            url, json.dumps(config).encode(), {"Content-Type": "application/json"}, method="PUT"
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return int(answer.status) in (200, 201)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{connector}: {error.read().decode()}") from error


@contextmanager
def kafka_regions(rendered: Rendered, directory: Path, private_hosts: Sequence[str]) -> Iterator[Regions]:
    """The stack's regions, not started yet. All servers end with the block."""
    names = sorted(r.inputs["metadata"]["labels"]["sacred-council.love/region"] for r in _of_kind(rendered, "Kafka"))
    addresses = {name: f"127.0.2.{number}" for number, name in enumerate(names, start=1)}
    root = root_authority()
    with processes(directory / "logs") as running:
        found = {name: _region(rendered, name, addresses, directory / name, root) for name in names}
        yield Regions(found, private_hosts, running)


def write(file: Path, properties: Mapping[str, str]) -> None:
    """Write a file of properties."""
    file.write_text("".join(f"{key}={value}\n" for key, value in properties.items()))


def _region(rendered: Rendered, name: str, addresses: Mapping[str, str], folder: Path, root: Authority) -> Region:
    folder.mkdir()
    cluster = Cluster(
        name=configuration.CLUSTER,
        namespace=KAFKA,
        spec=rendered.named(f"{name}-streaming-cluster").inputs["spec"]["kafka"],
        address=addresses[name],
        secrets=folder / "secrets",
        data=folder / "data",
    )
    pools = {one.inputs["metadata"]["name"]: one.inputs for one in _of_kind(rendered, "KafkaNodePool", name)}
    nodes = sorted(strimzi.nodes(cluster, pools), key=lambda node: -node.number)
    region = Region(
        name=name,
        cluster=cluster,
        nodes=nodes,
        folder=folder,
        mirror=rendered.named(f"{name}-streaming-mirror").inputs["spec"],
        users=_specs(rendered, "KafkaUser", name),
        topics=_specs(rendered, "KafkaTopic", name),
    )
    _certificates(rendered, region, root)
    for file, rules in rendered.named(f"{name}-streaming-metrics").inputs["data"].items():
        (folder / file).write_text(rules)
    bootstrap = f"{cluster.name}-kafka-bootstrap.{KAFKA}.svc"
    own = [*(node.host for node in nodes), bootstrap]
    peers = [(address, peer_name(other, KAFKA)) for other, address in addresses.items()]
    lines = [("127.0.0.1", "localhost"), *((addresses[name], host) for host in own), *peers]
    region.hosts.write_text("".join(f"{address} {host}\n" for address, host in lines))
    return region


def _certificates(rendered: Rendered, region: Region, root: Authority) -> None:
    """Sign what the program asks its region's authority to sign, and what the operator signs itself."""
    platform = region_authority(f"platform authority of {region.name}", root)
    secrets = region.cluster.secrets
    for request in _requests(rendered, region.name):
        subject = request.inputs["subject"]
        secret = rendered.named(request.name.removesuffix("-request") + "-secret").inputs["metadata"]["name"]
        write_leaf(
            secrets / secret,
            platform,
            root,
            name=subject["commonName"],
            organization=subject.get("organization"),
            dns_names=request.inputs.get("dnsNames") or (),
        )
    own = root_authority()
    signer = region_authority("cluster-ca", own)
    for node in region.nodes:
        held = write_leaf(
            secrets / node.pod,
            signer,
            own,
            name=f"{region.cluster.name}-kafka",
            organization=strimzi.ORGANIZATION,
            dns_names=[node.host],
        )
        (held / "tls.crt").rename(held / f"{node.pod}.crt")
        (held / "tls.key").rename(held / f"{node.pod}.key")
    operator = write_leaf(secrets / "operator", signer, own, name="cluster-operator", organization=strimzi.ORGANIZATION)
    bundle = secrets / "trust-bundle"
    bundle.mkdir()
    (bundle / "cluster-ca.crt").write_bytes((operator / "ca.crt").read_bytes())
    (bundle / "clients-ca.crt").write_bytes((secrets / configuration.SERVER_CERTIFICATE / "ca.crt").read_bytes())


def _requests(rendered: Rendered, region: str) -> list[Resource]:
    found = rendered.of_type("tls:index/certRequest:CertRequest")
    return [one for one in found if one.name.startswith(f"{region}-streaming-")]


def _of_kind(rendered: Rendered, kind: str, region: str = "") -> list[Resource]:
    return [one for one in rendered.objects(kind) if one.name.startswith(region)]


def _specs(rendered: Rendered, kind: str, region: str) -> dict[str, Mapping[str, Any]]:
    return {one.inputs["metadata"]["name"]: one.inputs["spec"] for one in _of_kind(rendered, kind, region)}
