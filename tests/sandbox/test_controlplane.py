"""Starting a control plane that is half made, or whose ports another process has. No server starts."""

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import yaml

from sandbox import manifests, ports, processes
from sandbox.controlplane import Cluster
from sandbox.layout import Layout, SandboxError
from sandbox.regions import ControlPlane

pytestmark = pytest.mark.unit

WHOLE = {"kind": "KwokctlConfiguration", "components": [{"name": "etcd"}], "options": {"kubeApiserverPort": 1}}
HALF = {"kind": "KwokctlConfiguration", "options": {"kubeApiserverPort": 1}}
STAGE = {"kind": "Stage", "metadata": {"name": "one"}}


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    """A region's control plane, of which nothing exists yet."""
    layout = Layout(project=tmp_path, home=tmp_path / "home", binaries=tmp_path / "built")
    return Cluster(layout, ControlPlane(name="eu", context="eu", slot=0, stacks=("local",)))


@pytest.fixture
def started(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """For each start, whether there was anything to resume."""
    found: list[bool] = []
    monkeypatch.setattr(cluster, "_start_missing_servers", lambda: found.append(cluster.directory.exists()))
    monkeypatch.setattr(cluster, "kubeconfig_for", lambda _: {})
    monkeypatch.setattr(cluster, "_await_usable", lambda _: None)
    return found


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which this process listens."""
    with socket.socket() as server:
        server.bind((manifests.LOOPBACK, 0))
        server.listen()
        yield server.getsockname()[1]


def _write(cluster: Cluster, *documents: object) -> None:
    cluster.directory.mkdir(parents=True)
    (cluster.directory / "kwok.yaml").write_text(yaml.safe_dump_all(documents))


def test_a_control_plane_that_was_made_is_resumed(cluster: Cluster, started: list[bool]) -> None:
    _write(cluster, WHOLE, STAGE)
    cluster.start()
    assert started == [True]


@pytest.mark.parametrize("documents", [(HALF, STAGE), (), (STAGE,), ("text",)])
def test_one_whose_making_was_interrupted_is_made_anew(
    cluster: Cluster, started: list[bool], documents: tuple[object, ...]
) -> None:
    _write(cluster, *documents)
    cluster.start()
    assert started == [False]


def test_so_is_one_without_its_file_or_with_half_of_it(cluster: Cluster, started: list[bool]) -> None:
    cluster.directory.mkdir(parents=True)
    cluster.start()
    _write(cluster)
    (cluster.directory / "kwok.yaml").write_text("components: [")
    cluster.start()
    assert started == [False, False]


def test_a_port_that_somebody_else_has_is_named_with_who_and_what_to_do(
    cluster: Cluster, started: list[bool], taken: int
) -> None:
    _write(cluster, {**WHOLE, "options": {"etcdPort": taken}})
    message = (
        rf"Region eu: port {taken}, on which its etcd listens, is in use \(.*, process {os.getpid()}\)\. End .*down"
    )
    with pytest.raises(SandboxError, match=message):
        cluster.start()
    assert started == []


def test_a_port_of_a_server_that_runs_is_its_own(
    cluster: Cluster, started: list[bool], taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Cluster, "servers", ["etcd"])
    _write(cluster, {**WHOLE, "options": {"etcdPort": taken}})
    cluster.start()
    assert started == [True]


def test_a_listener_that_the_system_does_not_tell_is_left_out(monkeypatch: pytest.MonkeyPatch, taken: int) -> None:
    def refuse(**_: object) -> None:
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil, "net_connections", refuse)
    assert processes.listener_on(taken) == ""


def test_what_the_system_refuses_is_an_error_of_one_line(cluster: Cluster) -> None:
    with pytest.raises(SandboxError, match=r"Region eu: its control plane does not start: .*kwokctl"):
        cluster.start()


@pytest.fixture
def fails(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Path]:
    """Makes a kwokctl that creates its folder and fails the first so many times. The file has a line for each run."""
    monkeypatch.setattr(cluster, "kubeconfig_for", lambda _: {})
    monkeypatch.setattr(cluster, "_await_usable", lambda _: None)
    runs = cluster.layout.home / "runs"

    def make(times: int) -> Path:
        kwokctl = cluster.layout.bin / "kwokctl"
        kwokctl.parent.mkdir(parents=True)
        saved = yaml.safe_dump(WHOLE)
        kwokctl.write_text(
            f"#!/bin/sh\nls {cluster.directory} >> {runs} 2>/dev/null; echo run >> {runs}\n"
            f"mkdir -p {cluster.directory}; cat > {cluster.directory}/kwok.yaml <<END\n{saved}END\n"
            f'test "$(grep -c run {runs})" -gt {times} || {{ echo "failed to init crs" >&2; exit 1; }}\n'
        )
        kwokctl.chmod(0o755)
        return runs

    return make


def test_a_new_one_that_does_not_start_is_made_once_more_from_nothing(
    cluster: Cluster, fails: Callable[[int], Path]
) -> None:
    runs = fails(1)
    cluster.start()
    assert runs.read_text().split() == ["run", "run"]


def test_a_new_one_that_does_not_start_twice_says_why(cluster: Cluster, fails: Callable[[int], Path]) -> None:
    runs = fails(2)
    with pytest.raises(SandboxError, match=r"Region eu: its control plane does not start\.\nfailed to init crs"):
        cluster.start()
    assert runs.read_text().split() == ["run", "run"]


def test_one_that_holds_objects_is_never_thrown_away(cluster: Cluster, fails: Callable[[int], Path]) -> None:
    _write(cluster, WHOLE)
    runs = fails(1)
    with pytest.raises(SandboxError, match="does not start"):
        cluster.start()
    assert runs.read_text().split() == ["kwok.yaml", "run"]
    assert cluster.exists


def test_a_machine_without_free_ports_is_told(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ports.FIRST_PORT_VARIABLE, "30000")
    with pytest.raises(SandboxError, match=r"Region eu: no 7 consecutive free TCP ports between 30000 and 30000\."):
        cluster.start()


def _metrics_api(cluster: Cluster) -> Path:
    """The folder that kwokctl gets for a control plane that is about to be created."""
    configuration = next(iter(yaml.safe_load_all(cluster._configuration().read_text())))
    (folder,) = configuration["options"]["metricsServerManifests"]
    return Path(folder)


def test_each_creation_has_the_metrics_api_at_a_path_of_its_own(cluster: Cluster) -> None:
    """kwokctl 0.8.0 takes what it finds in its cache for a path, whole or not (EnsureManifest in its manifest.go)."""
    plane = ControlPlane(name="us", context="us", slot=1, stacks=("local",))
    other = Cluster(cluster.layout, plane)
    first, beside, again = _metrics_api(cluster), _metrics_api(other), _metrics_api(cluster)
    assert len({first, beside, again, manifests.METRICS_API}) == 4
    for folder in (beside, again):
        assert folder.is_relative_to(cluster.layout.home)
        assert {file.name: file.read_bytes() for file in folder.iterdir()} == {
            file.name: file.read_bytes() for file in manifests.METRICS_API.iterdir()
        }
    cluster.remove()
    assert (again.exists(), beside.exists()) == (False, True)


def test_a_control_plane_that_was_made_keeps_its_metrics_api(cluster: Cluster) -> None:
    folder = _metrics_api(cluster)
    _write(cluster, WHOLE)
    assert cluster._configuration() == cluster.directory / "kwok.yaml"
    assert folder.is_dir()
