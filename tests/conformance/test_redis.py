"""Real Redis servers, Sentinels and a real HAProxy run with the rendered configuration and scripts.

They need binaries built with TLS, which the wheel in requirements-dev.txt is not. Debian's redis-tools has one: it is
called redis-check-rdb there and decides by its name what it is. Each node has a loopback address and, by a mount
namespace with a hosts file of its own, the names that it has in Kubernetes.
"""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, ConnectionError, ReadOnlyError, ResponseError
from redis.retry import Retry

from components.cache import config
from components.cache.scripts import PROXY_START, SCRIPTS
from tests.conformance.servers import Processes, eventually, free_ports, processes, write_certificate

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(180)]

PASSWORD = "correcthorsebatterystaple"
MIB = 2**20
REPLICAS = 3
NAMESPACE = "redis"
DOWN_AFTER_MS = 1000
PRIVATE_HOSTS = 'mount --bind "$HOSTS" /etc/hosts && exec "$@"'


@pytest.fixture(scope="session")
def binaries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with redis-server and redis-cli that know TLS."""
    directory = tmp_path_factory.mktemp("redis-binaries")
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
    # With TLS only the missing certificate is refused, without it the option.
    attempt = subprocess.run(
        [link, "--port", "0", "--tls-port", "1"], capture_output=True, text=True, timeout=10, check=False
    )
    return "No tls-cert-file configured" in attempt.stdout


@pytest.fixture(scope="session")
def private_hosts() -> list[str]:
    """The start of a command whose process sees the hosts file in HOSTS."""
    prefix = ["unshare", "--map-root-user", "--mount", "sh", "-c", PRIVATE_HOSTS, "-"]
    try:
        subprocess.run([*prefix, "true"], env={**os.environ, "HOSTS": "/etc/hosts"}, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no mount namespace can be made here, so the nodes cannot have their names: {error}")
    return prefix


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
        self.names = config.nodes(self.replicas, NAMESPACE)
        for pod in range(self.replicas):
            self._write_files(pod)

    def address(self, pod: int) -> str:
        return f"127.0.0.{2 + pod}"

    def start(self, *pods: int) -> None:
        """Start the pods (default: all), each with its Sentinel when there are several."""
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

    def run(self, pod: int, script: str, *arguments: str) -> int:
        """The exit status of one of the scripts, run in the pod."""
        command = [*self.private_hosts, "/bin/sh", str(self._settings(pod) / script), *arguments]
        return subprocess.run(command, env=self._environment(pod), timeout=60, check=False).returncode

    def start_proxy(self) -> None:
        """Start HAProxy. It finds the nodes in its hosts file, where there is no cluster DNS to follow them with."""
        home = self.directory / "proxy"
        home.mkdir()
        (home / "haproxy.cfg").write_text(
            self._mapped(0, config.render_proxy(replicas=self.replicas))
            .replace(" resolvers cluster", "")
            .replace(f"bind :{self.port}", f"bind 127.0.0.1:{self.proxy_port}")
            .replace(f"bind :{config.PROXY_METRICS_PORT}", f"bind 127.0.0.1:{self._metrics_port}")
        )
        script = home / "start.sh"
        script.write_text(PROXY_START.replace(config.SETTINGS, str(home)))
        environment = {
            "PATH": f"{os.environ['PATH']}:/usr/sbin",
            "HOSTS": str(self._hosts(0)),
            "POD_NAMESPACE": NAMESPACE,
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
        """Which of the pods (default: all) say that they are the primary."""
        return [pod for pod in pods or range(self.replicas) if self.client(pod).info("replication")["role"] == "master"]

    def settled(self, *pods: int) -> int:
        """Wait until the pods have one primary that the others follow; return it."""
        expected = pods or tuple(range(self.replicas))

        def one() -> list[int]:
            found = self.primaries(*expected)
            follows = self.client(found[0]).info("replication")["connected_slaves"] if len(found) == 1 else -1
            return found if follows == len(expected) - 1 else []

        return eventually(one, seconds=60, what=f"one primary of {expected}")[0]

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
        for name, text in config.render_credentials(PASSWORD).items():
            (home / "credentials" / name).write_text(text)
        files = {
            **SCRIPTS,
            "redis.conf": config.render_redis(replicas=self.replicas, max_memory=32 * MIB, policy="allkeys-lru"),
            "sentinel.conf": config.render_sentinel(replicas=self.replicas),
        }
        for name, text in files.items():
            (home / "settings" / name).write_text(self._mapped(pod, text))

    def _mapped(self, pod: int, text: str) -> str:
        home = self.directory / f"pod-{pod}"
        changes = {
            config.SETTINGS: str(home / "settings"),
            config.CREDENTIALS: str(home / "credentials"),
            config.CERTIFICATES: str(self.certificates),
            f"{config.DATA}/": f"{home / 'data'}/",
            f"dir {config.DATA}\n": f"dir {home / 'data'}\nrepl-diskless-sync-delay 0\n",
            "bind * -::*": f"bind {self.address(pod)}",
            str(config.SENTINEL_PORT): str(self.sentinel_port),
            str(config.PORT): str(self.port),
            f"down-after-milliseconds {config.PRIMARY} {config.DOWN_AFTER_MS}": (
                f"down-after-milliseconds {config.PRIMARY} {DOWN_AFTER_MS}"
            ),
        }
        for old, new in changes.items():
            text = text.replace(old, new)
        return text


@contextlib.contextmanager
def _pods(directory: Path, binaries: Path, private_hosts: Sequence[str], replicas: int) -> Iterator[Pods]:
    addresses = [f"127.0.0.{2 + pod}" for pod in range(replicas)]
    certificates = write_certificate(directory / "certificates", *addresses)
    with processes(directory / "logs") as running:
        pods = Pods(directory, running, certificates, binaries, private_hosts, replicas)
        pods.start()
        yield pods


@pytest.fixture
def alone(tmp_path: Path, binaries: Path, private_hosts: list[str]) -> Iterator[Pods]:
    """One node that answers."""
    with _pods(tmp_path, binaries, private_hosts, 1) as pods:
        eventually(lambda: pods.client().ping(), seconds=20, what="Redis answers")
        yield pods


@pytest.fixture
def replicated(tmp_path: Path, binaries: Path, private_hosts: list[str]) -> Iterator[Pods]:
    """Three nodes, two of which follow the first."""
    with _pods(tmp_path, binaries, private_hosts, REPLICAS) as pods:
        eventually(lambda: _hurry(pods), seconds=20, what="Sentinels answer")
        assert pods.settled() == 0
        eventually(lambda: _sentinels_know_each_other(pods), seconds=30, what="Sentinels know each other")
        yield pods


def _hurry(pods: Pods) -> bool:
    """Let the Sentinels look around more often than they would."""
    periods = ("INFO-PERIOD", "500", "PUBLISH-PERIOD", "500")
    sentinels = [pods.sentinel(pod) for pod in range(pods.replicas)]
    return all(s.execute_command("SENTINEL", "DEBUG", *periods) for s in sentinels)  # type: ignore[no-untyped-call]


def _sentinels_know_each_other(pods: Pods) -> bool:
    states = [pods.sentinel(pod).sentinel_master(config.PRIMARY) for pod in range(pods.replicas)]
    known = [(state["num-other-sentinels"], state["num-slaves"]) for state in states if isinstance(state, dict)]
    return known == [(REPLICAS - 1, REPLICAS - 1)] * REPLICAS


def test_the_password_is_required(alone: Pods) -> None:
    assert alone.client().ping()
    with pytest.raises(AuthenticationError):
        alone.client(password="wrong").ping()


def test_a_client_without_tls_is_refused(alone: Pods) -> None:
    with pytest.raises(ConnectionError):
        alone.client(tls=False).ping()


def test_memory_is_bounded(alone: Pods) -> None:
    settings = alone.client().config_get("maxmemory*")
    assert (settings["maxmemory"], settings["maxmemory-policy"]) == (str(32 * MIB), "allkeys-lru")


def test_a_killed_node_keeps_what_it_was_told_a_second_ago(alone: Pods) -> None:
    alone.client().set("love", "infinite")
    eventually(lambda: alone.client().info("persistence")["aof_pending_bio_fsync"] == 0, seconds=5, what="synced")
    alone.stop(0, kill=True)
    alone.start()
    assert eventually(lambda: alone.client().get("love"), seconds=20, what="the key after the restart") == "infinite"


def test_checks_tell_a_live_node_from_a_dead_one(alone: Pods) -> None:
    assert (alone.run(0, "check.sh", "live"), alone.run(0, "check.sh", "ready")) == (0, 0)
    alone.stop(0)
    assert (alone.run(0, "check.sh", "live"), alone.run(0, "check.sh", "ready")) == (1, 1)


def test_a_killed_primary_is_replaced_and_comes_back_as_a_replica(replicated: Pods) -> None:
    replicated.client(0).set("love", "infinite")
    assert replicated.client(0).wait(REPLICAS - 1, 5000) == REPLICAS - 1
    replicated.stop(0, kill=True)
    successor = replicated.settled(1, 2)
    assert replicated.client(successor).get("love") == "infinite"
    replicated.client(successor).set("love", "conserved")
    replicated.start(0)
    assert replicated.settled() == successor
    eventually(lambda: replicated.client(0).get("love") == "conserved", seconds=20, what="the missed write")
    with pytest.raises(ReadOnlyError):
        replicated.client(0).set("love", "lost")
    assert [replicated.run(pod, "check.sh", check) for pod in range(3) for check in ("ready", "sentinel")] == [0] * 6


def test_a_primary_hands_over_before_it_leaves_and_all_remember_it_after_a_restart(replicated: Pods) -> None:
    assert replicated.run(0, "leave.sh") == 0
    successor = replicated.settled()
    assert successor != 0
    replicated.client(successor).set("love", "infinite")
    for pod in range(REPLICAS):
        replicated.stop(pod)
    replicated.start()
    assert replicated.settled() == successor
    assert replicated.client(successor).get("love") == "infinite"


def test_a_primary_that_never_comes_back_is_replaced_also_after_a_restart_of_all_others(replicated: Pods) -> None:
    for pod in range(REPLICAS):
        replicated.stop(pod)
    replicated.start(1, 2)
    assert replicated.settled(1, 2) in (1, 2)


def test_a_primary_without_replicas_takes_no_writes(replicated: Pods) -> None:
    for pod in (1, 2):
        replicated.stop(pod, kill=True)

    def refused() -> bool:
        try:
            replicated.client(0).set("love", "lost")
        except ResponseError as error:
            return "NOREPLICAS" in str(error)
        return False

    assert eventually(refused, seconds=30, what="writes are refused")


def test_the_proxy_always_leads_to_the_primary(replicated: Pods) -> None:
    if not shutil.which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin"):
        pytest.skip("no haproxy on PATH: `apt-get install --no-install-recommends haproxy` brings it")
    replicated.start_proxy()
    assert eventually(lambda: replicated.through_proxy().set("love", "infinite"), seconds=20, what="a write")
    replicated.stop(0, kill=True)
    replicated.settled(1, 2)
    assert eventually(lambda: replicated.through_proxy().set("love", "conserved"), seconds=30, what="a write after")
    assert replicated.through_proxy().get("love") == "conserved"
