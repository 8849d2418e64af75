"""Releases of charts in repositories: recorded, with the definitions of the charts' kinds applied."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from sandbox.controlplane import Cluster
from sandbox.crds import CustomKind, permissive
from sandbox.providers.values import Secret
from tests.engine.helm.tools import RELEASE, kubectl, release, verdict
from tests.engine.standin import Driver, RefusedError

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]


def recorded(name: str = "stack", **more: Any) -> dict[str, Any]:
    where = {"repo": "https://charts.example.org"}
    return {"chart": "cert-manager", "version": "9.9.9", "name": name, "repositoryOpts": where, **more}


BRINGS: dict[str, Any] = {"values": {"crds": {"enabled": True}}}
ISSUER = {
    "apiVersion": "cert-manager.io/v1",
    "kind": "Issuer",
    "metadata": {"name": "it"},
    "spec": {"anything": {"goes": True}},
}


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the definition of one of the chart's kinds."""
    folder = tmp_path / "definitions"
    folder.mkdir()
    definition = permissive(CustomKind("cert-manager.io", ("v1",), "Issuer", "issuers"))
    definition["metadata"]["labels"] = {"from": "file"}
    (folder / "cert-manager-9.9.9.yaml").write_text(json.dumps(definition))
    monkeypatch.setenv("SANDBOX_CRDS", str(folder))
    return folder


def definitions(cluster: Cluster) -> set[str]:
    names = kubectl(cluster, "get", "crds", "-o", "name").split()
    return {name.partition("/")[2] for name in names if "cert-manager" in name}


def delete_definition(cluster: Cluster, name: str) -> None:
    """Delete a definition behind the provider's back. A change wakes the API server, which may forget to try again."""
    kubectl(cluster, "delete", "crd", name, "--wait=false")
    tries = 0
    while name in definitions(cluster):
        time.sleep(0.5)
        tries += 1
        kubectl(cluster, "annotate", "--overwrite", "crd", name, f"tries={tries}")


def test_a_repository_chart_is_recorded_with_its_definitions(driver: Driver, cluster: Cluster, source: Path) -> None:
    state = driver.create(RELEASE.format("stack"), recorded(**BRINGS))
    assert state.outputs["status"]["status"] == "recorded"
    assert {"issuers.cert-manager.io", "clusterissuers.cert-manager.io"} <= definitions(cluster)
    assert kubectl(cluster, "get", "crd", "issuers.cert-manager.io", "-o", "jsonpath={.metadata.labels.from}") == "file"
    (warning,) = driver.engine.warnings
    assert "cannot download cert-manager of https://charts.example.org 9.9.9" in warning
    assert "no pods" in warning
    assert "from cert-manager-9.9.9.yaml" in warning
    issuer = driver.create("urn:pulumi:test::standin::kubernetes:cert-manager.io/v1:Issuer::it", ISSUER)
    driver.delete(issuer)
    driver.delete(state)
    assert definitions(cluster) == set()


def test_a_recorded_release_is_the_same_again_and_warns_on_every_change(driver: Driver) -> None:
    inputs = recorded(values={"password": Secret("hunter22")})
    driver.create(RELEASE.format("stack"), inputs, preview=True)
    state = driver.create(RELEASE.format("stack"), inputs)
    assert verdict(driver, state, inputs) == ("same", set())
    assert driver.read(state).outputs == state.outputs
    assert state.outputs["values"] == {"password": Secret("hunter22")}
    news = recorded(values={"password": Secret("hunter22")}, version="9.9.10")
    assert verdict(driver, state, news) == ("update", {"version"})
    updated = driver.update(state, news)
    assert (updated.outputs["status"]["revision"], updated.outputs["status"]["version"]) == (2, "9.9.10")
    assert [warning for warning in driver.engine.warnings if "cannot download" in warning] == driver.engine.warnings
    assert len(driver.engine.warnings) == 3
    assert "hunter22" not in str(driver.engine.warnings)


def test_definitions_stay_while_another_release_claims_them(driver: Driver, cluster: Cluster) -> None:
    first = driver.create(RELEASE.format("first"), recorded("first", **BRINGS))
    second = driver.create(RELEASE.format("second"), recorded("second", **BRINGS))
    everything = definitions(cluster)
    driver.delete(first)
    assert definitions(cluster) == everything
    driver.delete(second)
    assert definitions(cluster) == set()


def test_definitions_of_others_are_left_alone(driver: Driver, cluster: Cluster, tmp_path: Path) -> None:
    theirs = permissive(CustomKind("cert-manager.io", ("v1",), "Issuer", "issuers"))
    file = tmp_path / "theirs.json"
    file.write_text(json.dumps(theirs))
    kubectl(cluster, "apply", "-f", str(file))
    state = driver.create(RELEASE.format("stack"), recorded(**BRINGS))
    driver.delete(state)
    assert definitions(cluster) == {"issuers.cert-manager.io"}
    delete_definition(cluster, "issuers.cert-manager.io")


def test_definitions_that_are_switched_off_go(driver: Driver, cluster: Cluster) -> None:
    state = driver.create(RELEASE.format("stack"), recorded(**BRINGS))
    updated = driver.update(state, recorded())
    assert definitions(cluster) == set()
    assert updated.outputs["resourceNames"] == {}


def test_a_recorded_release_without_its_definitions_is_gone(driver: Driver, cluster: Cluster) -> None:
    state = driver.create(RELEASE.format("stack"), recorded(**BRINGS))
    delete_definition(cluster, "issuers.cert-manager.io")
    assert driver.read(state).id == ""
    again = driver.create(RELEASE.format("stack"), recorded(**BRINGS))
    assert driver.read(again).id == again.id
    driver.delete(again)


def test_the_namespace_is_created_only_if_asked(driver: Driver, cluster: Cluster) -> None:
    with pytest.raises(RefusedError, match=r"the namespace 'made-here' does not exist; .* createNamespace"):
        driver.create(RELEASE.format("stack"), recorded(namespace="made-here"))
    state = driver.create(RELEASE.format("stack"), recorded(namespace="made-here", createNamespace=True))
    kubectl(cluster, "get", "namespace", "made-here")
    kubectl(cluster, "delete", "namespace", "made-here")
    assert driver.read(state).id == ""


def test_turning_a_recorded_release_into_a_local_one_replaces_it(driver: Driver, chart: Path) -> None:
    state = driver.create(RELEASE.format("stack"), recorded())
    news = driver.check(state.urn, release(chart, name="stack"), state.inputs)
    diff = driver.diff(state, news)
    assert "chart" in diff.replaces
    assert diff.deleteBeforeReplace
