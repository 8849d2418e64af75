"""What counts as a change, what replaces, what is pruned and what stays secret."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.providers.base import DiffKind
from sandbox.providers.kubernetes import diff, forcenew, paths, state
from sandbox.providers.values import UNKNOWN, Secret, has_secret, plain

SCALARS = st.booleans() | st.integers(0, 5) | st.text("ab", max_size=2)
DATA = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.sampled_from("abc"), DATA, max_size=3)


def kinds_of(old: dict[str, Any], new: dict[str, Any], *force_new: str) -> dict[str, DiffKind]:
    found = diff.changes(old, new, [paths.parse(path) for path in force_new])
    return {path: change.kind for path, change in found.items()}


@given(OBJECTS)
def test_an_object_does_not_differ_from_itself(obj: dict[str, Any]) -> None:
    assert diff.changes(obj, copy.deepcopy(obj), []) == {}


@given(OBJECTS, OBJECTS)
def test_two_objects_differ_exactly_if_they_are_not_equal(left: dict[str, Any], right: dict[str, Any]) -> None:
    assert bool(diff.changes(left, right, [])) is not _same(left, right)


def _same(left: Any, right: Any) -> bool:
    """Equality that tells true from 1."""
    return repr(_sorted(left)) == repr(_sorted(right))


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def test_added_removed_and_changed_properties_are_told_apart() -> None:
    old = {"a": 1, "b": {"c": [1, 2]}, "gone": 1}
    new = {"a": 2, "b": {"c": [1, 3, 4]}, "new": {}}
    assert kinds_of(old, new) == {
        "a": DiffKind.UPDATE,
        "b.c[1]": DiffKind.UPDATE,
        "b.c[2]": DiffKind.ADD,
        "gone": DiffKind.DELETE,
        "new": DiffKind.ADD,
    }


def test_a_change_inside_a_property_that_cannot_change_replaces() -> None:
    old, new = {"spec": {"selector": {"app": "a"}}}, {"spec": {"selector": {"app": "b"}}}
    assert kinds_of(old, new, "spec.selector") == {"spec.selector.app": DiffKind.UPDATE_REPLACE}


def test_a_value_that_is_not_known_yet_counts_as_changed() -> None:
    assert kinds_of({"a": "x"}, {"a": UNKNOWN, "b": UNKNOWN}) == {"a": DiffKind.UPDATE, "b": DiffKind.ADD}


def test_ignored_properties_are_left_out_with_all_they_hold() -> None:
    found = diff.changes({"spec": {"replicas": 1, "x": [1]}}, {"spec": {"replicas": 2, "x": [2]}}, [])
    assert list(diff.without_ignored(found, ["spec.replicas"])) == ["spec.x[0]"]
    assert diff.without_ignored(found, ["spec"]) == {}
    assert diff.without_ignored(found, ["spec.*"]) == {}


def test_without_a_schema_equal_quantities_and_missing_empty_values_are_no_change() -> None:
    old, new = {"cpu": "1", "a": 1}, {"cpu": "1000m", "a": 1, "hostNetwork": False, "labels": {}}
    assert diff.changes(old, new, [], lenient=True) == {}
    assert len(diff.changes(old, new, [])) == 3


@pytest.mark.parametrize(("mutable", "immutable", "replaces"), [(False, False, True), (True, False, False)])
@pytest.mark.parametrize("kind", ["ConfigMap", "Secret"])
def test_configuration_is_replaced_unless_it_may_change(
    kind: str, mutable: bool, immutable: bool, replaces: bool
) -> None:
    obj = {"apiVersion": "v1", "kind": kind, "immutable": immutable}
    patterns = forcenew.properties(obj, mutable_config_maps=mutable, mutable_secrets=mutable)
    assert (paths.parse("data") in patterns) is replaces


@pytest.mark.parametrize("kind", ["ConfigMap", "Secret"])
def test_immutable_configuration_is_replaced_whatever_the_provider_says(kind: str) -> None:
    obj = {"apiVersion": "v1", "kind": kind, "immutable": True}
    patterns = forcenew.properties(obj, mutable_config_maps=True, mutable_secrets=True)
    assert paths.parse("data") in patterns


def test_pruning_keeps_what_the_program_described_and_nothing_else() -> None:
    live = {"spec": {"replicas": 2, "strategy": {"type": "X"}, "ports": [{"port": 1, "nodePort": 9}, {"port": 2}]}}
    shape = {"spec": {"replicas": 1, "ports": [{"port": 1}]}}
    assert state.prune(live, shape) == {"spec": {"replicas": 2, "ports": [{"port": 1}]}}


@given(OBJECTS)
def test_pruning_by_its_own_shape_changes_nothing(obj: dict[str, Any]) -> None:
    assert state.prune(obj, obj) == obj


@given(OBJECTS, OBJECTS)
def test_marking_secrets_changes_no_value(outs: dict[str, Any], ins: dict[str, Any]) -> None:
    marked = copy.deepcopy(outs)
    state.mark_secrets(marked, {key: Secret(value) for key, value in ins.items()})
    assert plain(marked) == outs
    assert all(isinstance(marked[key], Secret) for key in marked.keys() & ins.keys())


def test_a_secret_in_a_list_makes_the_whole_list_secret() -> None:
    outs: dict[str, Any] = {"env": [{"name": "A", "value": "x"}]}
    state.mark_secrets(outs, {"env": [{"name": "A", "value": Secret("x")}]})
    assert isinstance(outs["env"], Secret)


def test_the_data_of_a_secret_is_secret_even_if_the_program_did_not_say_so() -> None:
    obj = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"a": "eA=="}}
    outputs = state.checkpoint(obj, obj, {}, "v1", "m")
    assert isinstance(outputs["data"], Secret)
    assert isinstance(outputs["__inputs"]["data"], Secret)


def test_a_checkpoint_gives_back_inputs_and_live_object() -> None:
    inputs = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "x"}}
    live = copy.deepcopy(inputs)
    live["metadata"] = {"name": "c", "uid": "1", "managedFields": [{"manager": "m"}]}
    outputs = state.checkpoint(inputs, live, {"data": {"a": Secret("x")}}, "v1", "manager")
    assert has_secret(outputs["data"])
    read_inputs, read_live = state.parse_checkpoint(outputs)
    assert read_inputs == inputs
    assert read_live == {**inputs, "metadata": {"name": "c", "uid": "1"}}
    assert state.recorded(outputs, state.FIELD_MANAGER) == "manager"


def test_keys_of_definitions_are_spelled_with_underscores_for_the_sdk() -> None:
    server = {"spec": {"x-kubernetes-preserve-unknown-fields": True, "x-other": 1}}
    sdk = {"spec": {"x_kubernetes_preserve_unknown_fields": True, "x-other": 1}}
    assert state.from_object(server) == sdk
    assert state.to_object(sdk) == server
