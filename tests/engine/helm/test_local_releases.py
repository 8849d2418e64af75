"""Releases of local charts: the real helm installs, upgrades, awaits and uninstalls them."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2

from sandbox.controlplane import Cluster
from sandbox.providers import values
from sandbox.providers.values import UNKNOWN, Secret
from tests.engine.helm.tools import HELM, NOWHERE, RELEASE, helm, kubectl, release, replicas, verdict
from tests.engine.standin import Driver, RefusedError, State

pytestmark = pytest.mark.engine


def test_a_local_chart_is_installed_and_awaited(driver: Driver, cluster: Cluster, namespace: str, chart: Path) -> None:
    state = driver.create(RELEASE.format("demo"), release(chart, values={"replicas": 2}))
    assert state.id == f"{namespace}/demo"
    assert replicas(cluster, namespace) == "2"
    assert state.outputs["status"] == {
        "name": "demo",
        "namespace": namespace,
        "revision": 1,
        "status": "deployed",
        "chart": "demo",
        "version": "1.2.3",
        "appVersion": "9.9",
    }
    assert state.outputs["resourceNames"] == {"Deployment.apps/apps/v1": ["web"], "Secret/v1": ["credentials"]}
    assert state.outputs["version"] == "1.2.3"


def test_an_unchanged_release_is_the_same_also_after_a_refresh(driver: Driver, chart: Path) -> None:
    inputs = release(chart, values={"replicas": 1, "none": None, "nested": {"list": [1, 2.5, "x"]}})
    state = driver.create(RELEASE.format("demo"), inputs)
    assert verdict(driver, state, inputs) == ("same", set())
    refreshed = driver.read(state)
    assert refreshed.outputs == state.outputs
    assert verdict(driver, refreshed, inputs | {"atomic": False}) == ("same", set())


def test_changed_values_upgrade_the_release(driver: Driver, cluster: Cluster, namespace: str, chart: Path) -> None:
    state = driver.create(RELEASE.format("demo"), release(chart, values={"replicas": 1}))
    news = release(chart, values={"replicas": 3})
    assert verdict(driver, state, news) == ("update", {"values.replicas"})
    updated = driver.update(state, news)
    assert replicas(cluster, namespace) == "3"
    assert updated.outputs["status"]["revision"] == 2


def test_changed_chart_files_upgrade_the_release(driver: Driver, chart: Path) -> None:
    state = driver.create(RELEASE.format("demo"), release(chart))
    (chart / "templates" / "secret.yaml").write_text("")
    assert verdict(driver, state, release(chart)) == ("update", {"checksum"})
    updated = driver.update(state, release(chart))
    assert "Secret/v1" not in updated.outputs["resourceNames"]


def test_another_name_or_namespace_replaces_the_release(driver: Driver, chart: Path) -> None:
    state = driver.create(RELEASE.format("demo"), release(chart))
    assert verdict(driver, state, release(chart, name="other")) == ("replace", {"name"})
    assert verdict(driver, state, release(chart, namespace="default")) == ("replace", {"namespace"})
    assert driver.create(state.urn, release(chart, name="other"), preview=True).outputs["status"] is UNKNOWN


def test_a_release_without_a_name_gets_one_and_keeps_it(driver: Driver, chart: Path) -> None:
    inputs = {"chart": str(chart)}
    first = driver.check(RELEASE.format("shop"), inputs)
    assert first["name"].startswith("shop-")
    assert first["timeout"] == 300
    assert driver.check(RELEASE.format("shop"), inputs, first)["name"] == first["name"]


def test_secret_values_stay_secret_and_reach_the_cluster(
    driver: Driver, cluster: Cluster, namespace: str, chart: Path
) -> None:
    inputs = release(chart, values={"password": Secret("hunter22")})
    state = driver.create(RELEASE.format("demo"), inputs)
    assert state.outputs["values"] == {"password": Secret("hunter22")}
    assert "hunter22" not in json.dumps({key: value for key, value in state.outputs.items() if key != "values"})
    got = kubectl(cluster, "get", "secret", "credentials", "-n", namespace, "-o", "jsonpath={.data.password}")
    assert got == "aHVudGVyMjI="
    helm(cluster, "upgrade", "demo", str(chart), "-n", namespace, "--set", "password=changed1")
    helm(cluster, "upgrade", "demo", str(chart), "-n", namespace, "--reuse-values", "--set", "replicas=2")
    assert driver.read(state).outputs["values"] == {"password": Secret("changed1"), "replicas": Secret(2)}


def test_no_secret_is_left_on_disk_or_on_a_command_line(
    driver: Driver, chart: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    seen: list[tuple[object, ...]] = []
    original = asyncio.create_subprocess_exec

    async def spy(*command: Any, **options: Any) -> asyncio.subprocess.Process:
        seen.append(command)
        modes = {path.stat().st_mode & 0o077 for path in folder.rglob("*")}
        assert modes <= {0}
        return await original(*command, **options)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", spy)
    driver.create(RELEASE.format("demo"), release(chart, values={"password": Secret("hunter22")}))
    assert seen
    assert "hunter22" not in str(seen)
    assert list(folder.iterdir()) == []


def test_changes_behind_the_engines_back_are_found_and_undone(
    driver: Driver, cluster: Cluster, namespace: str, chart: Path
) -> None:
    inputs = release(chart, values={"replicas": 1})
    state = driver.create(RELEASE.format("demo"), inputs)
    helm(cluster, "upgrade", "demo", str(chart), "-n", namespace, "--set", "replicas=2")
    drifted = driver.read(state)
    assert verdict(driver, drifted, inputs) == ("update", {"values.replicas"})
    driver.update(drifted, inputs)
    assert json.loads(helm(cluster, "get", "values", "demo", "-n", namespace, "-o", "json")) == {"replicas": 1}


def test_a_release_uninstalled_behind_the_engines_back_is_gone(
    driver: Driver, cluster: Cluster, namespace: str, chart: Path
) -> None:
    state = driver.create(RELEASE.format("demo"), release(chart))
    helm(cluster, "uninstall", "demo", "-n", namespace, "--wait")
    assert driver.read(state).id == ""
    driver.delete(state)


def test_deleting_uninstalls_and_waits(driver: Driver, cluster: Cluster, namespace: str, chart: Path) -> None:
    state = driver.create(RELEASE.format("demo"), release(chart))
    driver.delete(state)
    assert kubectl(cluster, "get", "deployments,secrets,pods", "-n", namespace, "-o", "name") == ""


def test_a_release_can_be_imported(driver: Driver, cluster: Cluster, namespace: str, chart: Path) -> None:
    helm(cluster, "install", "demo", str(chart), "-n", namespace, "--set", "replicas=2", "--wait")
    found = driver.read(State(RELEASE.format("demo"), f"{namespace}/demo", {}, {}))
    assert found.inputs == {
        "name": "demo",
        "namespace": namespace,
        "chart": "demo",
        "version": "1.2.3",
        "values": {"replicas": 2},
    }


def test_a_preview_changes_nothing_and_shows_the_charts_errors(
    driver: Driver, cluster: Cluster, namespace: str, chart: Path
) -> None:
    planned = driver.create(RELEASE.format("demo"), release(chart), preview=True)
    assert (planned.outputs["status"], planned.outputs["resourceNames"]) == (UNKNOWN, UNKNOWN)
    assert kubectl(cluster, "get", "deployments", "-n", namespace, "-o", "name") == ""
    (chart / "templates" / "check.yaml").write_text('{{ fail "replicas must be odd" }}')
    with pytest.raises(RefusedError, match=f"Release {namespace}/demo .*: replicas must be odd"):
        driver.create(RELEASE.format("demo"), release(chart), preview=True)


def test_a_preview_works_before_the_charts_kinds_are_there(driver: Driver, chart: Path) -> None:
    thing = "apiVersion: demo.example/v1\nkind: Thing\nmetadata: {name: it}\n"
    (chart / "templates" / "thing.yaml").write_text(thing)
    assert driver.create(RELEASE.format("demo"), release(chart), preview=True).outputs["status"] is UNKNOWN
    with pytest.raises(RefusedError, match="ensure CRDs are installed first"):
        driver.create(RELEASE.format("demo"), release(chart))


def test_values_that_are_not_known_yet_are_no_obstacle_to_a_preview(driver: Driver, chart: Path) -> None:
    inputs = release(chart, values={"password": Secret(UNKNOWN)})
    assert driver.create(RELEASE.format("demo"), inputs, preview=True).outputs["status"] is UNKNOWN
    state = driver.create(RELEASE.format("demo"), release(chart, values={"password": "abc"}))
    assert verdict(driver, state, inputs) == ("update", {"values.password"})


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        ("apiVersion: v2\nversion: 1.0.0\n", "chart: '.*' is not a usable chart: .*name"),
        ("apiVersion: v2\nname: x\nversion: 1.0.0\ntype: library\n", "is a library chart, which cannot be installed"),
    ],
)
def test_an_unusable_chart_is_refused(driver: Driver, chart: Path, contents: str, message: str) -> None:
    (chart / "Chart.yaml").write_text(contents)
    with pytest.raises(AssertionError, match=message):
        driver.check(RELEASE.format("demo"), release(chart))


def test_a_release_that_does_not_get_ready_is_kept_and_says_so(driver: Driver, chart: Path) -> None:
    inputs = release(chart, values={"nodes": NOWHERE}, timeout=4)
    with pytest.raises(RefusedError, match="is installed, but failed") as caught:
        driver.create(RELEASE.format("demo"), inputs)
    failed = caught.value.failed
    assert failed is not None
    state = State(RELEASE.format("demo"), failed.id, {}, values.decode(failed.properties))
    assert state.outputs["status"]["status"] == "failed"
    driver.update(state, release(chart))


def test_an_atomic_release_that_does_not_get_ready_leaves_nothing(
    driver: Driver, cluster: Cluster, namespace: str, chart: Path
) -> None:
    inputs = release(chart, values={"nodes": NOWHERE}, timeout=4, atomic=True)
    with pytest.raises(RefusedError, match="has been uninstalled") as caught:
        driver.create(RELEASE.format("demo"), inputs)
    assert caught.value.failed is None
    assert helm(cluster, "list", "--all", "--namespace", namespace, "--short") == ""


def test_an_interrupted_installation_is_undone_and_done_again(
    driver: Driver, cluster: Cluster, namespace: str, chart: Path
) -> None:
    command = [str(HELM), "install", "demo", str(chart), "-n", namespace, "--wait", "--set-json", "nodes={}"]
    command += ["--kubeconfig", str(cluster.kubeconfig), "--set-json", f"nodes={json.dumps(NOWHERE)}"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while "pending-install" not in helm(cluster, "list", "--all", "--namespace", namespace):
        time.sleep(0.2)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert driver.create(RELEASE.format("demo"), release(chart), preview=True).outputs["status"] is UNKNOWN
    state = driver.create(RELEASE.format("demo"), release(chart))
    assert state.outputs["status"]["status"] == "deployed"
    assert any("was left pending-install" in warning for warning in driver.engine.warnings)


def test_cancelling_ends_a_wait_soon(driver: Driver, chart: Path) -> None:
    inputs = driver.check(RELEASE.format("demo"), release(chart, values={"nodes": NOWHERE}, timeout=300))
    request = provider_pb2.CreateRequest(urn=RELEASE.format("demo"), properties=values.encode(inputs))
    call = driver.start_call("Create", request)
    time.sleep(3)
    driver.call("Cancel", empty_pb2.Empty())
    with pytest.raises(RefusedError, match="was cancelled"):
        call.result(timeout=30)  # type: ignore[call-arg]
