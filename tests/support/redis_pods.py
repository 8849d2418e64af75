"""Redis pods on loopback: real processes with the rendered files and scripts.

They need a redis-server built with TLS. Debian's redis-tools ships one as redis-check-rdb: that binary chooses its role
by its file name.
"""

import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from components.cache import proxy
from components.cache import redis_configuration as configuration
from components.namespaces import REDIS
from tests.support.servers import Processes, eventually, free_ports, processes, write_certificate

PASSWORD = "correcthorsebatterystaple"
MIB = 2**20
DOWN_AFTER_MS = 1000


@dataclass
class Pods:
    """Redis pods on loopback: pod i has the address 127.0.0.(2 + i), and all have the same ports."""

    directory: Path
    running: Processes
    certificates: Path
    binaries: Path
    private_hosts: Sequence[str]
    replicas: int
    port: int = field(init=False)
    sentinel_port: int = field(init=False)
    proxy_port: int = field(init=False)

    def __post_init__(self) -> None:
        self.port, self.sentinel_port, self.proxy_port, self._metrics_port = free_ports(4)
        self.names = configuration.nodes(self.replicas, REDIS)
        for pod in range(self.replicas):
            self._write_files(pod)

    def address(self, pod: int) -> str:
        return f"127.0.0.{2 + pod}"

    def start(self, *pods: int) -> None:
        """Start the pods (default: all). With several replicas, each pod also starts its Sentinel."""
        for pod in pods or range(self.replicas):
            self.start_redis(pod)
            if self.replicas > 1:
                self._start(f"sentinel-{pod}", pod, "sentinel.sh")

    def start_redis(self, pod: int) -> None:
        self._start(f"redis-{pod}", pod, "redis.sh")

    def stop(self, pod: int, *, kill: bool = False) -> None:
        """End all processes of the pod."""
        for name in (f"sentinel-{pod}", f"redis-{pod}") if self.replicas > 1 else (f"redis-{pod}",):
            self.running.stop(name, kill=kill)

    def forget(self, pod: int) -> None:
        """Remove the pod's name, as Kubernetes does for a pod that is not scheduled."""
        for each in range(self.replicas):
            lines = self._hosts(each).read_text().splitlines()
            self._hosts(each).write_text("\n".join([*(ln for ln in lines if self.names[pod] not in ln), ""]))

    def run(self, pod: int, script: str, *arguments: str) -> int:
        """The exit status of one of the scripts, run in the pod."""
        command = [*self.private_hosts, "/bin/sh", str(self._settings(pod) / script), *arguments]
        return subprocess.run(command, env=self._environment(pod), timeout=60, check=False).returncode

    def start_proxy(self, *, failed_checks: int | None = None) -> None:
        """Start HAProxy, which drops a node after `failed_checks` failed checks (default: as rendered).

        HAProxy reads the nodes' addresses from its hosts file, because there is no cluster DNS here.
        """
        home = self.directory / "proxy"
        home.mkdir()
        rendered = proxy.render(replicas=self.replicas)
        if failed_checks:
            rendered, changes = re.subn(r"\bfall \d+", f"fall {failed_checks}", rendered)
            assert changes == 1
        (home / "haproxy.cfg").write_text(
            self._mapped(0, rendered)
            .replace(" resolvers cluster", "")
            .replace(f"bind :{self.port}", f"bind 127.0.0.1:{self.proxy_port}")
            .replace(f"bind :{proxy.METRICS_PORT}", f"bind 127.0.0.1:{self._metrics_port}")
        )
        script = home / "start.sh"
        script.write_text(proxy.START_SCRIPT.replace(configuration.SETTINGS, str(home)))
        environment = {
            "PATH": f"{os.environ['PATH']}:/usr/sbin",
            "HOSTS": str(self._hosts(0)),
            "POD_NAMESPACE": REDIS,
            "REDIS_PASSWORD": PASSWORD,
        }
        self.running.start("proxy", [*self.private_hosts, "/bin/sh", str(script)], environment)

    def client(self, pod: int = 0, *, password: str = PASSWORD, tls: bool = True) -> redis.Redis:
        """A client of one node."""
        return self._client(self.address(pod), self.port, password, tls=tls)

    def through_proxy(self) -> redis.Redis:
        """A client that knows only the proxy."""
        return self._client("127.0.0.1", self.proxy_port, PASSWORD, tls=True)

    def primaries(self, *pods: int) -> list[int]:
        """The pods (default: all) that report to be the primary."""
        return [pod for pod in pods or range(self.replicas) if self.client(pod).info("replication")["role"] == "master"]

    def settled(self, *pods: int) -> int:
        """Wait until the pods have one primary and the others follow it; return the primary."""
        expected = pods or tuple(range(self.replicas))

        def one() -> list[int]:
            found = self.primaries(*expected)
            follows = self.client(found[0]).info("replication")["connected_slaves"] if len(found) == 1 else -1
            return found if follows == len(expected) - 1 else []

        # Sentinels that vote for themselves at the same moment retry after a minute: twice the failover-timeout.
        return eventually(one, seconds=180, what=f"one primary of {expected}")[0]

    def sentinel(self, pod: int) -> redis.Redis:
        """A client of the pod's Sentinel."""
        return self._client(self.address(pod), self.sentinel_port, PASSWORD, tls=True)

    def _client(self, host: str, port: int, password: str, *, tls: bool) -> redis.Redis:
        return redis.Redis(
            host=host,
            port=port,
            password=password,
            decode_responses=True,
            socket_timeout=5,
            retry=Retry(NoBackoff(), 0),
            ssl=tls,
            ssl_ca_certs=str(self.certificates / "ca.crt"),
        )

    def _start(self, name: str, pod: int, script: str) -> None:
        command = [*self.private_hosts, "/bin/sh", str(self._settings(pod) / script)]
        self.running.start(name, command, self._environment(pod))

    def _environment(self, pod: int) -> Mapping[str, str]:
        return {
            "PATH": f"{self.binaries}:{os.environ['PATH']}",
            "HOSTS": str(self._hosts(pod)),
            "SELF": self.names[pod],
            "NODES": " ".join(self.names),
        }

    def _settings(self, pod: int) -> Path:
        return self.directory / f"pod-{pod}" / "settings"

    def _hosts(self, pod: int) -> Path:
        return self.directory / f"pod-{pod}" / "hosts"

    def _write_files(self, pod: int) -> None:
        home = self.directory / f"pod-{pod}"
        for part in ("settings", "credentials", "data"):
            (home / part).mkdir(parents=True)
        addresses = [f"{self.address(i)} {name} {name}.cluster.local" for i, name in enumerate(self.names)]
        self._hosts(pod).write_text("\n".join([f"{self.address(pod)} localhost", *addresses, ""]))
        for name, text in configuration.render_credentials(PASSWORD).items():
            (home / "credentials" / name).write_text(text)
        files = configuration.files(replicas=self.replicas, max_memory=32 * MIB)
        for name, text in files.items():
            (home / "settings" / name).write_text(self._mapped(pod, text))

    def _mapped(self, pod: int, text: str) -> str:
        home = self.directory / f"pod-{pod}"
        changes = {
            configuration.SETTINGS: str(home / "settings"),
            configuration.CREDENTIALS: str(home / "credentials"),
            configuration.CERTIFICATES: str(self.certificates),
            f"{configuration.DATA}/": f"{home / 'data'}/",
            f"dir {configuration.DATA}\n": f"dir {home / 'data'}\nrepl-diskless-sync-delay 0\n",
            "bind * -::*": f"bind {self.address(pod)}",
            str(configuration.SENTINEL_PORT): str(self.sentinel_port),
            str(configuration.PORT): str(self.port),
            f"down-after-milliseconds {configuration.PRIMARY} {configuration.DOWN_AFTER_MS}": (
                f"down-after-milliseconds {configuration.PRIMARY} {DOWN_AFTER_MS}"
            ),
        }
        for old, new in changes.items():
            text = text.replace(old, new)
        return text


@contextlib.contextmanager
def redis_pods(directory: Path, binaries: Path, private_hosts: Sequence[str], replicas: int) -> Iterator[Pods]:
    """Started pods, for the length of the block."""
    addresses = [f"127.0.0.{2 + pod}" for pod in range(replicas)]
    certificates = write_certificate(directory / "certificates", *addresses)
    with processes(directory / "logs") as running:
        pods = Pods(directory, running, certificates, binaries, private_hosts, replicas)
        pods.start()
        yield pods


def redis_binaries(directory: Path) -> Path:
    """Fill a directory with a redis-server and a redis-cli that support TLS. Skips the test when there are none."""
    client = shutil.which("redis-cli")
    for name in ("redis-server", "redis-check-rdb"):
        server = shutil.which(name)
        if client and server and _knows_tls(server, directory):
            (directory / "redis-cli").symlink_to(client)
            return directory
    pytest.skip("no redis-server with TLS on PATH: `apt-get install --no-install-recommends redis-tools` brings one")


def _knows_tls(server: str, directory: Path) -> bool:
    link = directory / "redis-server"
    link.unlink(missing_ok=True)
    link.symlink_to(server)
    # A build with TLS complains about the missing certificate, a build without TLS about the option.
    attempt = subprocess.run(
        [link, "--port", "0", "--tls-port", "1"], capture_output=True, text=True, timeout=10, check=False
    )
    return "No tls-cert-file configured" in attempt.stdout
