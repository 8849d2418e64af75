"""Regions of circles: real servers, proxies and Redis with the program's files, on machines of a private network.

    people --- load balancer of a server --- pod: LiveKit, HAProxy and the keeper
       |                                      |
       +------ public gateway of the region --+   Redis of the region

Pods have private addresses. What the program calls a load balancer is a machine with that address, which forwards the
rendered Service's ports, and the gateway forwards what its route says. So the servers' files are used as they are.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from livekit.api import AccessToken, VideoGrants

from components.cache import redis_configuration
from components.circles import configuration, proxy
from components.circles.access import SECRET_LENGTH
from components.circles.configuration import APP, pod
from components.namespaces import CIRCLES, REDIS, SERVICES
from tests.support.binaries import binary
from tests.support.circle_people import ANSWER
from tests.support.circle_wires import Rule
from tests.support.data_services import secret_texts
from tests.support.private_networks import PrivateNetwork, private_network
from tests.support.redis_pods import redis_binaries
from tests.support.regions import Where, rendered_with
from tests.support.rendering import ROOT, Rendered
from tests.support.servers import Authority, Processes, eventually, processes, root_authority, write_certificate
from tests.support.super_cluster import object_of

STEP_SECONDS = 40
SERVER = "livekit"
PEOPLE = "people"
"""The machine of people whose network lets everything out."""
OFFICE = "office"
"""The machine of people whose network lets TLS out only."""
HOTEL = "hotel"
"""The machine of people whose network lets no UDP out."""
GATEWAY_PORT = 443
_NC = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 2)"
"""`nc -z`, without its output."""
BEHIND_A_CDN = {"domain": "example.org", "cdn": "gcp"}


class RefusedError(Exception):
    """Somebody could not do something; the text is what the client says."""


class People:
    """LiveKit's client on one machine; see `tests.support.circle_people`."""

    def __init__(self, command: Sequence[str], authority: Path, log: Path) -> None:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "SSL_CERT_FILE": str(authority)}
        self._log = log.open("ab")
        self._process = subprocess.Popen(
            [*command, sys.executable, "-m", "tests.support.circle_people"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=environment,
            text=True,
        )

    def ask(self, do: str, **about: Any) -> Any:
        """Have the process do something; return the result. Raises `RefusedError`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{json.dumps({'do': do, **about})}\n")
        self._process.stdin.flush()
        while line := self._process.stdout.readline():
            if line.startswith(ANSWER):
                answer = json.loads(line.removeprefix(ANSWER))
                if "error" in answer:
                    raise RefusedError(answer["error"])
                return answer["result"]
        raise AssertionError(f"the people's process ended; see {self._log.name}")

    def end(self) -> None:
        """End the process: everybody loses the connection."""
        self._process.kill()
        self._process.communicate()
        self._log.close()


@dataclass
class Server:
    """One pod."""

    region: str
    index: int
    machine: str
    balancer: str
    """Machine of its load balancers."""
    address: str
    """Of the pod."""
    home: Path
    file: dict[str, Any]
    """What its file says, as rendered."""
    variables: Mapping[str, Mapping[str, str]]
    """Of its containers."""

    @property
    def name(self) -> str:
        return f"{self.region}-{pod(self.index)}"

    @property
    def domain(self) -> str:
        """The host for TURN over TLS."""
        return str(self.file["turn"]["domain"])


@dataclass
class Region:
    """The servers of one region, and what people need to reach them."""

    name: str
    number: int
    connection: dict[str, str]
    """The Secret of the services."""
    host: str
    """Of the public gateway."""
    grace: int
    """Seconds that Kubernetes gives a pod to stop."""
    ready: Path
    """File with the addresses of the ready pods, which the gateway reads."""
    servers: list[Server] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where a browser connects."""
        return configuration.public_url(self.host)


class CircleRegions:
    """The regions of a stack, none of them started yet."""

    def __init__(
        self, rendered: Rendered, directory: Path, network: PrivateNetwork, running: Processes, redis: Path
    ) -> None:
        self.rendered, self.directory, self.network, self.running = rendered, directory, network, running
        self._programs = redis
        self.root, self.public = root_authority(), root_authority()
        """The stack's own authority, and one that browsers trust."""
        self.regions: dict[str, Region] = {}
        self._people: dict[str, People] = {}
        self.trusted = write_certificate(directory / "public", root=self.public) / "ca.crt"
        for machine, address in ((PEOPLE, "192.0.2.50"), (OFFICE, "192.0.2.60"), (HOTEL, "192.0.2.70")):
            network.add(machine, address)
            network.without_private_addresses(machine)
        network.only_tls_leaves(OFFICE)
        network.only_tcp_leaves(HOTEL)

    def add(self, name: str) -> Region:
        """Give a region its machines and files."""
        number = len(self.regions)
        connection = secret_texts(object_of(self.rendered, name, "Secret", "circles-connection", SERVICES))
        connection["api.secret"] = as_long_as_real(connection["api.secret"])
        (host,) = (home["url"] for home in json.loads(connection["homes"]) if home["region"] == name)
        made = object_of(self.rendered, name, "StatefulSet", APP, CIRCLES)["spec"]
        region = self.regions[name] = Region(
            name=name,
            number=number,
            connection=connection,
            host=host.removeprefix("wss://").removesuffix(configuration.PATH),
            grace=made["template"]["spec"]["terminationGracePeriodSeconds"],
            ready=self.directory / f"{name}-ready",
        )
        region.ready.write_text("")
        self._add_redis(region)
        for index in range(made["replicas"]):
            self._add_server(region, index, made["template"])
        self._add_gateway(region)
        return region

    def _add_redis(self, region: Region) -> None:
        machine, address, home = f"r{region.number}redis", f"10.20.{region.number}.5", self.directory / region.name
        self.network.add(machine, address, side=region.name)
        dns_names = self.rendered.named(f"{region.name}-cache-certificate-request").inputs["dnsNames"]
        self.network.name(address, *(name for name in dns_names if name != "localhost"), side=region.name)
        certificates = write_certificate(home / "redis-certificates", names=dns_names, root=self.root)
        settings = object_of(self.rendered, region.name, "ConfigMap", "redis-settings", REDIS)["data"]["redis.conf"]
        secret = secret_texts(object_of(self.rendered, region.name, "Secret", "redis-credentials", REDIS))
        (home / "redis-data").mkdir()
        (home / "redis-credentials").mkdir()
        (home / "redis-credentials" / "redis.conf").write_text(secret["redis.conf"])
        for there, here in (
            (redis_configuration.CREDENTIALS, home / "redis-credentials"),
            (redis_configuration.CERTIFICATES, certificates),
            (f"dir {redis_configuration.DATA}", f"dir {home / 'redis-data'}"),
        ):
            settings = settings.replace(str(there), str(here))
        (home / "redis.conf").write_text(settings)
        self.start_redis(region)

    def start_redis(self, region: Region) -> None:
        """Start the region's Redis."""
        file = self.directory / region.name / "redis.conf"
        command = [*self.network.on(f"r{region.number}redis"), str(self._programs / "redis-server"), str(file)]
        self.running.start(f"{region.name}-redis", command)

    def stop_redis(self, region: Region) -> None:
        """End the region's Redis."""
        self.running.stop(f"{region.name}-redis")

    def _add_server(self, region: Region, index: int, template: Mapping[str, Any]) -> None:
        files = object_of(self.rendered, region.name, "ConfigMap", APP, CIRCLES)["data"]
        file = yaml.safe_load(files[f"{pod(index)}.yaml"])
        server = Server(
            region=region.name,
            index=index,
            machine=f"r{region.number}pod{index}",
            balancer=f"r{region.number}lb{index}",
            address=f"10.20.{region.number}.{10 + index}",
            home=self.directory / region.name / pod(index),
            file=file,
            variables={each["name"]: self._variables(region, index, each) for each in template["spec"]["containers"]},
        )
        region.servers.append(server)
        self.network.add(server.machine, server.address, side=region.name)
        self.network.add(server.balancer, file["rtc"]["node_ip"])
        self._write(region, server, files)
        turn = file["rtc"]["node_ip"]
        if not file["rtc"]["tcp_port"]:
            # TCP and UDP have addresses of their own.
            turn = f"192.0.3.{10 * region.number + index}"
            self.network.run(server.balancer, "ip", "address", "add", f"{turn}/32", "dev", "eth0")
        self.network.name(turn, server.domain)
        self._balance(region, server)

    def _variables(self, region: Region, index: int, made: Mapping[str, Any]) -> dict[str, str]:
        """The variables of a container, with the values that Kubernetes looks up."""
        found = {}
        for each in made.get("env", []):
            source = each.get("valueFrom", {})
            if "secretKeyRef" in source:
                key = source["secretKeyRef"]
                secret = secret_texts(object_of(self.rendered, region.name, "Secret", key["name"], CIRCLES))
                found[each["name"]] = secret[key["key"]]
            elif "fieldRef" in source:
                found[each["name"]] = {"metadata.name": pod(index)}[source["fieldRef"]["fieldPath"]]
            else:
                found[each["name"]] = each["value"]
        return found

    def _write(self, region: Region, server: Server, files: Mapping[str, str]) -> None:
        """Write what the pod mounts."""
        authority = self.directory / region.name / "redis-certificates" / "ca.crt"
        texts = {**files, configuration.CACHE_AUTHORITY: authority.read_text()}
        for folder in ("settings", "keys", "public"):
            (server.home / folder).mkdir(parents=True)
        for name, text in texts.items():
            (server.home / "settings" / name).write_text(self.placed(server, text))
        (server.home / "keys" / configuration.KEYS_FILE).write_text(yaml.safe_dump(self.keys(region)))
        (server.home / "keys" / configuration.KEYS_FILE).chmod(0o440)
        request = self.rendered.named(f"{region.name}-circles-certificate-request").inputs
        self._certificate(server, "certificates", request["dnsNames"], self.root)
        if proxy.PUBLIC_CERTIFICATES in files["haproxy.cfg"]:
            self.renew(server)

    @staticmethod
    def _certificate(server: Server, folder: str, names: Sequence[str], root: Authority) -> None:
        made = server.home / f"{folder}-made"
        shutil.rmtree(made, ignore_errors=True)
        written = write_certificate(made, names=names, root=root)
        (server.home / folder).mkdir(exist_ok=True)
        shutil.copy(written / "tls.crt", server.home / folder / proxy.CERTIFICATE)
        shutil.copy(written / "tls.key", server.home / folder / f"{proxy.CERTIFICATE}.key")

    def renew(self, server: Server) -> None:
        """Give a pod a new certificate of the public authority."""
        domains = [each.domain for each in self.regions[server.region].servers]
        self._certificate(server, "public", domains, self.public)

    def shown(self, server: Server) -> str:
        """The digest of the certificate that the server shows for TURN."""
        asked = self.on(PEOPLE).ask("certificate", host=server.domain, port=443, authority=str(self.trusted))
        return str(asked)

    @staticmethod
    def placed(server: Server, text: str) -> str:
        """A text of the pod with the folders of this machine."""
        for folder in (proxy.SETTINGS, configuration.KEYS, proxy.CERTIFICATES, proxy.PUBLIC_CERTIFICATES):
            text = text.replace(folder, str(server.home / Path(folder).name))
        return text

    def _balance(self, region: Region, server: Server) -> None:
        """Start the load balancers, with the ports of the rendered Services."""
        rules = []
        for protocol in ("udp", "tcp"):
            service = object_of(self.rendered, region.name, "Service", f"{pod(server.index)}-{protocol}", CIRCLES)
            for port in service["spec"]["ports"]:
                targets = server.home / f"{port['name']}-target"
                targets.write_text(f"{server.address}:{port['targetPort']}\n")
                rules.append(Rule(protocol=port["protocol"], port=port["port"], targets=str(targets)))
        self._wires(server.balancer, rules)

    def _add_gateway(self, region: Region) -> None:
        machine, home = f"r{region.number}gateway", self.directory / region.name
        self.network.add(machine, f"192.0.4.{region.number + 1}")
        self.network.name(f"192.0.4.{region.number + 1}", region.host)
        shown = write_certificate(home / "gateway", names=[region.host], root=self.public)
        host = region.connection["host"]
        authority = str(home / "redis-certificates" / "ca.crt")
        rule = Rule(
            protocol="TCP",
            port=GATEWAY_PORT,
            targets=str(region.ready),
            prefix=configuration.PATH,
            certificate=str(shown),
            authority=authority,
            name=host,
        )
        self._wires(machine, [rule])

    def _wires(self, machine: str, rules: Sequence[Rule]) -> None:
        arguments = json.dumps([asdict(rule) for rule in rules])
        command = [*self.network.on(machine), sys.executable, "-m", "tests.support.circle_wires", arguments]
        self.running.start(f"{machine}-wires", command, {**os.environ, "PYTHONPATH": str(ROOT)})

    def start(self, *servers: Server) -> None:
        """Start pods (default: all), wait until they are ready, and let the gateway lead to them."""
        wanted = servers or [each for region in self.regions.values() for each in region.servers]
        for server in wanted:
            self._start_pod(server)
        for server in wanted:
            eventually(partial(self.is_ready, server), seconds=STEP_SECONDS, what=f"{server.name} is ready")
            self.admit(server)

    def _start_pod(self, server: Server) -> None:
        on, settings = self.network.on(server.machine), server.home / "settings"
        for name, script in (("proxy", "proxy.sh"), ("keeper", "keeper.sh")):
            command = [*on, "/bin/sh", str(settings / script)]
            self.running.start(f"{server.name}-{name}", command, self._environment(server, name))
        self.run_server(server, settings / f"{pod(server.index)}.yaml")

    def _environment(self, server: Server, name: str) -> dict[str, str]:
        """The environment of a container, with the programs that its image has."""
        programs = (self._programs, Path(haproxy()).parent)
        path = ":".join([*map(str, programs), os.environ["PATH"]])
        return {**os.environ, **server.variables[name], "PATH": path}

    def run_server(self, server: Server, file: Path, *, name: str = "") -> None:
        """Start LiveKit alone, with a file. `name`: of the process."""
        command = [*self.network.on(server.machine), str(binary("livekit-server")), "--config", str(file)]
        self.running.start(name or server.name, command, self._environment(server, SERVER))

    def is_ready(self, server: Server) -> bool:
        """What the pod's readiness probe would find."""
        answer = self.on(server.machine).ask("get", url=f"http://{server.address}:{proxy.HEALTH_PORT}{proxy.HEALTH}")
        return bool(answer["status"] == 200)

    def admit(self, server: Server) -> None:
        """Let the gateway lead to a ready pod."""
        region = self.regions[server.region]
        region.ready.write_text(f"{region.ready.read_text()}{server.address}:{proxy.PORT}\n")

    def exclude(self, server: Server) -> None:
        """Keep the gateway from leading to a pod that ends or is not ready."""
        region = self.regions[server.region]
        lines = region.ready.read_text().splitlines(keepends=True)
        region.ready.write_text("".join(line for line in lines if not line.startswith(f"{server.address}:")))

    def prefer(self, server: Server) -> None:
        """Let the gateway lead to this pod first."""
        region = self.regions[server.region]
        self.exclude(server)
        region.ready.write_text(f"{server.address}:{proxy.PORT}\n{region.ready.read_text()}")

    def kill(self, server: Server) -> None:
        """End a pod at once, and let the gateway lead to the others."""
        self.exclude(server)
        for part in ("", "-proxy", "-keeper", "-stop"):
            self.running.kill_family(f"{server.name}{part}")

    def terminate(self, server: Server) -> None:
        """Ask a pod to end, as Kubernetes does. Nothing new is led to it; its proxy stays until LiveKit has ended."""
        self.exclude(server)
        for name in (server.name, f"{server.name}-keeper"):
            self.running.family(name)[0].terminate()
        settings = server.home / "settings"
        (proxy_process, *_) = self.running.family(f"{server.name}-proxy")
        stop = f"/bin/sh {settings / 'stop.sh'}; kill -TERM {proxy_process.pid}"
        command = [*self.network.on(server.machine), "/bin/sh", "-c", stop]
        self.running.start(f"{server.name}-stop", command, self._environment(server, "proxy"))

    def has_ended(self, server: Server) -> bool:
        """Whether nothing of the pod runs any more."""
        names = (server.name, f"{server.name}-proxy", f"{server.name}-keeper")
        return not any(self.running.runs(name) for name in names)

    def redis(self, region: Region, *command: str) -> str:
        """What the region's Redis answers."""
        home = self.directory / region.name
        secret = secret_texts(object_of(self.rendered, region.name, "Secret", "circles-keys", CIRCLES))
        on = self.network.on(region.servers[0].machine)
        host, _, port = region.servers[0].file["redis"]["address"].rpartition(":")
        connection = ["-h", host, "-p", port, "--tls", "--cacert", str(home / "redis-certificates" / "ca.crt")]
        said = subprocess.run(
            [*on, str(self._programs / "redis-cli"), *connection, *command],
            env={**os.environ, "REDISCLI_AUTH": secret["cache-password"]},
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        )
        return said.stdout.strip()

    def on(self, machine: str) -> People:
        """The people on a machine."""
        if machine not in self._people:
            log = self.running.directory / f"{machine}-people.log"
            self._people[machine] = People(self.network.on(machine), self.trusted, log)
        return self._people[machine]

    def token(self, region: Region, room: str, who: str, *, seconds: float = 600, **grants: Any) -> str:
        """A token that a service of the region signs."""
        granted = {"room_join": True, "room": room, **grants}
        made = AccessToken(region.connection["api.key"], region.connection["api.secret"]).with_identity(who)
        return made.with_grants(VideoGrants(**granted)).with_ttl(timedelta(seconds=seconds)).to_jwt()

    def join(self, region: Region, room: str, who: str, *, machine: str = PEOPLE, **about: Any) -> People:
        """Let somebody enter a room."""
        people = self.on(machine)
        people.ask("join", who=who, url=region.url, token=self.token(region, room, who), **about)
        return people

    def keys(self, region: Region) -> dict[str, str]:
        """The secrets of the keys that the region's servers accept, by name."""
        made = secret_texts(object_of(self.rendered, region.name, "Secret", "circles-keys", CIRCLES))
        keys = yaml.safe_load(made[configuration.KEYS_FILE])
        return {name: as_long_as_real(secret) for name, secret in keys.items()}

    def api(self, region: Region, token: str, method: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """What a service gets that calls the servers' API in its region: status and answer."""
        server = region.servers[0]
        asked = self.on(server.machine).ask(
            "call",
            url=f"https://{server.address}:{proxy.PORT}",
            name=region.connection["host"],
            authority=str(self.directory / region.name / "redis-certificates" / "ca.crt"),
            token=token,
            method=method,
            body=dict(body),
        )
        return dict(asked)

    def everybody_leaves(self) -> None:
        """Let all people leave their rooms."""
        for people in self._people.values():
            people.ask("everybody_leaves")

    def server_of(self, region: Region, room: str) -> Server:
        """The server that holds a room, as Redis says."""
        node = self.redis(region, "hget", configuration.ROOM_NODES_KEY, room)
        (found,) = (each for each in region.servers if node and f'node_id="{node}"' in self.metrics(each))
        return found

    def metrics(self, server: Server) -> str:
        """What the server tells Prometheus. Empty if it does not run."""
        with suppress(RefusedError):
            url = f"http://{server.address}:{proxy.HEALTH_PORT}{proxy.METRICS}"
            answer = self.on(server.machine).ask("get", url=url)
            return str(answer["text"]) if answer["status"] == 200 else ""
        return ""

    def metric(self, server: Server, name: str) -> float:
        """The sum of a metric's samples."""
        return sum(float(value) for value in re.findall(rf"^{name}{{[^}}]*}} (\S+)$", self.metrics(server), re.M))

    def end(self) -> None:
        """End the people's processes."""
        for people in self._people.values():
            people.end()


def as_long_as_real(secret: str) -> str:
    """A secret in the place of a mock's, which is too short for both LiveKit and its client."""
    return hashlib.sha256(secret.encode()).hexdigest()[:SECRET_LENGTH]


def haproxy() -> str:
    """The HAProxy of the machine. Skips the test when there is none."""
    found = shutil.which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin")
    if not found:
        pytest.skip("no haproxy on PATH: `apt-get install --no-install-recommends haproxy` brings it")
    return found


def with_one_redis(*regions: Where, **keys: object) -> Rendered:
    """The stack of `tests.support.regions.circled`, with one Redis in each region: a second one matters to others."""
    return rendered_with(regions, cache={"replicas": 1}, edge=BEHIND_A_CDN, circles={"enabled": True, **keys})


@contextmanager
def circle_regions(rendered: Rendered, directory: Path, *names: str) -> Iterator[CircleRegions]:
    """These regions of a stack, with their Redis, and servers that are not started yet. All ends with the block."""
    binary("livekit-server")
    haproxy()
    programs = directory / "programs"
    programs.mkdir(parents=True)
    redis_binaries(programs)
    # HAProxy's image has it.
    (programs / "nc").write_text(f'#!/bin/sh\nexec {sys.executable} -c \'{_NC}\' "$2" "$3"\n')
    (programs / "nc").chmod(0o755)
    with private_network(directory / "network") as network, processes(directory / "logs") as running:
        made = CircleRegions(rendered, directory, network, running, programs)
        try:
            for name in names:
                made.add(name)
            yield made
        finally:
            made.end()
