"""The Kubernetes stand-in against a real API server: what it applies, refuses and reads back."""

from __future__ import annotations

import time
from typing import Any

import pytest
from pulumi.runtime.proto import provider_pb2

from sandbox.controlplane import Cluster
from sandbox.providers.values import UNKNOWN, Secret
from tests.engine.standin import Driver, RefusedError, State, urn_of
from tests.engine.standin_objects import NAMESPACE, config_map, deployment, live, service

pytestmark = pytest.mark.engine


# Plans


def test_a_preview_writes_nothing_and_shows_what_the_server_would_make(driver: Driver, cluster: Cluster) -> None:
    planned = driver.create(urn_of(service("plan")), service("plan"), preview=True)
    assert planned.id == ""
    assert planned.outputs["spec"]["sessionAffinity"] == "None"
    assert live(cluster, "service", "plan") is None


def test_a_preview_shows_what_the_server_would_refuse(driver: Driver) -> None:
    wrong = deployment("wrong")
    wrong["spec"]["template"]["metadata"]["labels"] = {"app": "other"}
    with pytest.raises(RefusedError, match=r"Deployment standin/wrong could not be created.*selector.*does not match"):
        driver.create(urn_of(wrong), wrong, preview=True)


def test_a_preview_shows_a_change_the_server_would_refuse(driver: Driver) -> None:
    state = driver.create(urn_of(service("fixed")), service("fixed", clusterIP="10.96.7.7"))
    with pytest.raises(RefusedError, match=r"Service standin/fixed could not be updated.*clusterIPs"):
        driver.update(state, service("fixed", clusterIP="10.96.7.8"), preview=True)
    driver.delete(state)


def test_wrong_types_are_named_with_their_path_before_anything_is_sent(driver: Driver) -> None:
    wrong = deployment("typo")
    wrong["spec"]["replicas"] = "two"
    with pytest.raises(AssertionError, match=r"spec.replicas: expected a whole number, not 'two'"):
        driver.check(urn_of(wrong), wrong)


def test_an_unknown_field_is_warned_about(driver: Driver) -> None:
    typo = deployment("typo")
    typo["spec"]["replicass"] = 3
    driver.check(urn_of(typo), typo)
    assert "spec.replicass (did you mean 'replicas'?) is not a field" in driver.engine.warnings[0]


def test_a_kind_in_a_version_that_was_removed_is_warned_about_and_refused_at_once(driver: Driver) -> None:
    old = {"apiVersion": "policy/v1beta1", "kind": "PodDisruptionBudget", "metadata": {"name": "old"}, "spec": {}}
    begin = time.monotonic()
    with pytest.raises(RefusedError, match=r"no kind PodDisruptionBudget in policy/v1beta1"):
        driver.create(urn_of(old), old)
    assert time.monotonic() - begin < 5
    expected = "The API server does not serve PodDisruptionBudget in policy/v1beta1; use policy/v1."
    assert driver.engine.warnings == [expected]


def test_what_violates_pod_security_is_warned_about_in_the_preview(driver: Driver, cluster: Cluster) -> None:
    cluster.kubectl("label", "namespace", NAMESPACE, "pod-security.kubernetes.io/warn=restricted")
    driver.create(urn_of(deployment("lax")), deployment("lax"), preview=True)
    cluster.kubectl("label", "namespace", NAMESPACE, "pod-security.kubernetes.io/warn-")
    assert any("would violate PodSecurity" in warning for warning in driver.engine.warnings)


def test_what_the_server_forbids_is_planned_as_with_the_official_provider_and_warned_about(
    driver: Driver, cluster: Cluster
) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "lax", "namespace": NAMESPACE}}
    pod["spec"] = {"containers": [{"name": "one", "image": "example.org/one:1"}]}
    cluster.kubectl("label", "namespace", NAMESPACE, "pod-security.kubernetes.io/enforce=restricted")
    planned = driver.create(urn_of(pod), pod, preview=True)
    cluster.kubectl("label", "namespace", NAMESPACE, "pod-security.kubernetes.io/enforce-")
    assert planned.id == ""
    (warning,) = driver.engine.warnings
    assert "could not be tried, so the deployment may fail" in warning
    assert "violates PodSecurity" in warning


@pytest.mark.parametrize(
    "obj",
    [
        config_map("unknown") | {"data": {"a": UNKNOWN}},
        config_map("elsewhere") | {"metadata": {"name": "x", "namespace": "not-there-yet"}},
        {"apiVersion": "not.there/v1", "kind": "Yet", "metadata": {"name": "x"}, "spec": {"a": 1}},
    ],
    ids=["unknown-value", "missing-namespace", "missing-kind"],
)
def test_what_cannot_be_known_yet_does_not_fail_a_preview(driver: Driver, obj: dict[str, Any]) -> None:
    planned = driver.create(urn_of(obj), obj, preview=True)
    assert planned.id == ""
    assert planned.outputs == planned.inputs


def test_the_first_preview_of_a_changed_port_fails_with_a_hint_as_with_the_official_provider(driver: Driver) -> None:
    state = driver.create(urn_of(service("ports")), service("ports"))
    changed = [{"name": "http", "port": 81}]
    with pytest.raises(RefusedError, match=r"Duplicate value: \"http\"(.|\n)*pulumi up --skip-preview"):
        driver.update(state, service("ports", ports=changed), preview=True)
    state = driver.update(state, service("ports", ports=changed))
    again = [{"name": "http", "port": 82}]
    planned = driver.update(state, service("ports", ports=again), preview=True)
    assert [port["port"] for port in planned.outputs["spec"]["ports"]] == [82]
    driver.delete(state)


# Objects


def test_fields_that_leave_the_program_leave_the_object(driver: Driver, cluster: Cluster) -> None:
    state = driver.create(urn_of(config_map("fields")), config_map("fields", a="1", b="2"))
    cluster.kubectl("annotate", "configmap", "fields", "--namespace", NAMESPACE, "theirs=kept", "--field-manager=them")
    state = driver.update(state, config_map("fields", a="1"))
    found = live(cluster, "configmap", "fields")
    assert found["data"] == {"a": "1"}
    assert found["metadata"]["annotations"] == {"theirs": "kept"}
    driver.delete(state)
    assert live(cluster, "configmap", "fields") is None


def test_an_object_without_a_name_gets_one_that_stays(driver: Driver) -> None:
    unnamed = config_map("", a="1")
    del unnamed["metadata"]
    urn = urn_of(unnamed, "settings")
    state = driver.create(urn, unnamed)
    assert state.id.startswith(f"{NAMESPACE}/settings-")
    changed = driver.update(state, unnamed | {"data": {"a": "2"}})
    assert changed.outputs["metadata"]["name"] == state.outputs["metadata"]["name"]
    driver.delete(changed)


def test_an_object_that_somebody_else_made_is_not_taken_over(driver: Driver, cluster: Cluster) -> None:
    cluster.kubectl("create", "configmap", "theirs", "--namespace", NAMESPACE)
    with pytest.raises(RefusedError, match=r"already exists(.|\n)*pulumi import kubernetes:core/v1:ConfigMap"):
        driver.create(urn_of(config_map("theirs")), config_map("theirs"))


def test_a_conflict_names_the_field_the_owner_and_the_ways_out(driver: Driver, cluster: Cluster) -> None:
    state = driver.create(urn_of(deployment("scaled")), deployment("scaled"))
    cluster.kubectl("scale", "deployment", "scaled", "--replicas=3", "--namespace", NAMESPACE)
    changed = deployment("scaled")
    changed["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.example/x:2"
    with pytest.raises(RefusedError, match=r"\.spec\.replicas(.|\n)*ignore_changes(.|\n)*pulumi.com/patchForce"):
        driver.update(state, changed)
    state = driver.update(state, changed, ignore_changes=("spec.replicas",))
    assert live(cluster, "deployment", "scaled")["spec"]["replicas"] == 3
    driver.delete(state)


def test_a_definition_and_its_resource_can_be_made_in_one_go(driver: Driver) -> None:
    schema = {
        "type": "object",
        "properties": {
            "spec": {
                "type": "object",
                "properties": {"size": {"type": "integer"}},
                "x_kubernetes_preserve_unknown_fields": True,
            }
        },
    }
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "hearts.love.example"},
        "spec": {
            "group": "love.example",
            "scope": "Cluster",
            "names": {"plural": "hearts", "singular": "heart", "kind": "Heart"},
            "versions": [version],
        },
    }
    heart = {"apiVersion": "love.example/v1", "kind": "Heart", "metadata": {"name": "big"}, "spec": {"size": 9}}
    assert "namespace" in driver.check(urn_of(heart), heart)["metadata"]
    driver.check(urn_of(definition), definition)
    assert "namespace" not in driver.check(urn_of(heart), heart)["metadata"]
    made = driver.create(urn_of(definition), definition)
    kept = made.outputs["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    assert kept["x_kubernetes_preserve_unknown_fields"] is True
    big = driver.create(urn_of(heart), heart)
    assert driver.diff(big, driver.check(big.urn, heart, big.inputs)).changes == provider_pb2.DiffResponse.DIFF_NONE
    driver.delete(big)
    driver.delete(made)
    assert driver.read(big).id == ""


# Secrets


def test_secret_values_are_secret_wherever_the_state_has_them(driver: Driver) -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "key"},
        "stringData": {"password": Secret("hunter2")},
    }
    state = driver.create(urn_of(secret), secret)
    readback = driver.read(state)
    for found in (state, readback):
        assert isinstance(found.inputs["data"], Secret)
        assert isinstance(found.outputs["data"], Secret)
        assert isinstance(found.outputs["__inputs"]["data"], Secret)
        assert "stringData" not in found.inputs
    driver.delete(readback)


def test_a_secret_in_another_object_stays_secret(driver: Driver) -> None:
    state = driver.create(urn_of(config_map("mixed")), config_map("mixed", open="x") | {"data": {"a": Secret("x")}})
    assert state.outputs["data"] == {"a": Secret("x")}
    assert state.outputs["__inputs"]["data"] == {"a": Secret("x")}
    driver.delete(state)


# Refresh and import


def test_drift_shows_as_changed_inputs_and_is_repaired(driver: Driver, cluster: Cluster) -> None:
    state = driver.create(urn_of(config_map("drift")), config_map("drift", a="1"))
    patch = '{"data": {"a": "2", "added": "x"}}'
    cluster.kubectl("patch", "configmap", "drift", "--namespace", NAMESPACE, "--patch", patch)
    drifted = driver.read(state)
    assert drifted.inputs["data"] == {"a": "2"}
    diff = driver.diff(drifted, state.inputs)
    assert list(diff.detailedDiff) == ["data.a"]
    driver.update(drifted, config_map("drift", a="1"))
    assert live(cluster, "configmap", "drift")["data"]["a"] == "1"
    driver.delete(state)


def test_an_object_deleted_behind_its_back_is_gone(driver: Driver, cluster: Cluster) -> None:
    state = driver.create(urn_of(config_map("gone")), config_map("gone"))
    cluster.kubectl("delete", "configmap", "gone", "--namespace", NAMESPACE)
    assert driver.read(state).id == ""
    with pytest.raises(RefusedError, match=r"does not exist any more.*pulumi refresh"):
        driver.update(state, config_map("gone", a="1"))
    driver.delete(state)


def test_an_import_finds_the_inputs_in_the_object(driver: Driver, cluster: Cluster) -> None:
    cluster.kubectl("create", "configmap", "old", "--from-literal=a=1", "--namespace", NAMESPACE)
    wanted = config_map("old")
    imported = driver.read(State(urn_of(wanted), f"{NAMESPACE}/old", {}, {}))
    assert imported.inputs == config_map("old", a="1") | {"metadata": {"name": "old", "namespace": NAMESPACE}}
    news = driver.check(imported.urn, config_map("old", a="1"), imported.inputs)
    assert driver.diff(imported, news).changes == provider_pb2.DiffResponse.DIFF_NONE
    driver.update(imported, config_map("old", a="2"))
    assert live(cluster, "configmap", "old")["data"] == {"a": "2"}
