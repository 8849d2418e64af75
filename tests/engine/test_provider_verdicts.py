"""The stand-in decides what the official provider was measured to decide, change by change."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pulumi.runtime.proto import provider_pb2

from sandbox.controlplane import Cluster
from tests.engine import apiserver
from tests.engine.standin import Driver, State, urn_of

pytestmark = pytest.mark.engine

TABLE: dict[str, Any] = json.loads((Path(__file__).parent.parent / "data" / "provider-verdicts.json").read_text())
CASES: list[dict[str, Any]] = TABLE["cases"]
# The API server cannot dry-run a changed port number while the ports belong to the object's creation; the official
# provider fails in the same way.
NO_FIRST_PREVIEW = {"service-port"}
DEFINITION = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "spec": {"scope": "Namespaced"},
}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with apiserver.running(tmp_path_factory.mktemp("verdicts"), "verdicts", slot=41) as running:
        yield running


@pytest.fixture(scope="module", params=[False, True], ids=["default", "mutable"])
def driver(request: pytest.FixtureRequest, cluster: Cluster) -> Iterator[Driver]:
    flag = "true" if request.param else "false"
    namespace = f"verdicts-{'mutable' if request.param else 'default'}"
    cluster.kubectl("create", "namespace", namespace)
    config = {"kubeconfig": str(cluster.kubeconfig), "namespace": namespace}
    running = Driver(**config, enableConfigMapMutable=flag, enableSecretMutable=flag)
    yield running
    running.close()


@pytest.fixture
def mutable(request: pytest.FixtureRequest, driver: Driver) -> bool:
    """Whether the driver treats ConfigMaps and Secrets as mutable."""
    return "[mutable-" in request.node.name


def verdict(diff: provider_pb2.DiffResponse) -> str:
    if diff.changes == provider_pb2.DiffResponse.DIFF_NONE:
        return "same"
    return "replace" if diff.replaces else "update"


def create(driver: Driver, obj: dict[str, Any]) -> State:
    ensure_definition(driver, obj)
    return driver.create(urn_of(obj), obj)


def ensure_definition(driver: Driver, obj: dict[str, Any]) -> None:
    """Custom resources need their definition first; one that keeps every field will do."""
    group, _, version = str(obj["apiVersion"]).rpartition("/")
    if "." not in group or group.endswith(".k8s.io"):
        return
    plural = f"{obj['kind'].lower()}s"
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    definition: dict[str, Any] = copy.deepcopy(DEFINITION)
    name = f"{plural}.{group}"
    definition["metadata"] = {"name": name}
    definition["spec"] = {
        "group": group,
        "scope": "Namespaced",
        "names": {"plural": plural, "kind": obj["kind"], "singular": obj["kind"].lower()},
        "versions": [{"name": version, "served": True, "storage": True, "schema": schema}],
    }
    urn = urn_of(definition)
    existing = State(urn, name, {}, {})
    if not driver.read(existing).id:
        driver.create(urn, definition)


@pytest.mark.parametrize("case", CASES, ids=[str(case["case"]) for case in CASES])
def test_verdict_reasons_and_paths_are_the_official_ones(driver: Driver, mutable: bool, case: dict[str, Any]) -> None:
    changed = mutable and "verdictWithMutableConfigMapsAndSecrets" in case
    expected = case["verdictWithMutableConfigMapsAndSecrets"] if changed else case["verdict"]
    state = create(driver, case["before"])
    try:
        news = driver.check(state.urn, case["after"], state.inputs)
        diff = driver.diff(state, news)
        assert verdict(diff) == expected
        assert sorted(diff.detailedDiff) == sorted(case["diff"])
        assert sorted(diff.replaces) == ([] if changed else sorted(case["replaceReasons"]))
    finally:
        driver.delete(state)


@pytest.mark.parametrize("case", CASES, ids=[str(case["case"]) for case in CASES])
def test_an_update_in_place_leads_to_no_further_change(driver: Driver, case: dict[str, Any]) -> None:
    state = create(driver, case["before"])
    try:
        news = driver.check(state.urn, case["after"], state.inputs)
        if verdict(driver.diff(state, news)) == "update":
            if case["case"] not in NO_FIRST_PREVIEW:
                driver.update(state, case["after"], preview=True)
            state = driver.update(state, case["after"])
        else:
            news = state.inputs
        assert verdict(driver.diff(state, news)) == "same"
        refreshed = driver.read(state)
        assert refreshed.id == state.id
        assert verdict(driver.diff(refreshed, news)) == "same"
    finally:
        driver.delete(state)
