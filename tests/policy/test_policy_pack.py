"""The policy pack: stacks pass, it is configurable, every rule states its remedy, and rules about stacks work."""

import json
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from pulumi_policy import EnforcementLevel
from pulumi_policy.proxy import unknown_checking_proxy

from policy import pack
from policy.rules.budget import budget
from policy.rules.deletion import deletion
from policy.values import UNKNOWN, at, plain, values_at
from sandbox.empty_state import findings, problem
from tests.support.policies import resource, stack_problems
from tests.support.rendering import ROOT

pytestmark = pytest.mark.unit

EXAMPLE = ROOT / "policy" / "config.example.json"
CLUSTER = "gcp:container/cluster:Cluster"
POOL = "gcp:container/nodePool:NodePool"
UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def test_the_pack_has_every_rule_once_and_a_level_for_each() -> None:
    policies = {one.name: one for one in pack.policies()}
    assert sorted(policies) == sorted(rule.name for rule in pack.RULES)
    assert {name for name, one in policies.items() if one.enforcement_level == EnforcementLevel.ADVISORY} == {
        "budget",
        "carbon-intensity",
    }


def test_every_module_of_rules_is_in_the_pack_and_on_the_page() -> None:
    modules = {path.stem for path in (ROOT / "policy" / "rules").glob("*.py")} - {"__init__", "exposure_networks"}
    found = {name: getattr(pack, name).RULE for name in modules if hasattr(pack, name)}
    assert modules - found.keys() == set(), "policy/pack.py imports every module and lists its RULE in RULES"
    assert {rule.name for rule in found.values()} == {rule.name for rule in pack.RULES}
    page = (ROOT / "docs" / "policy.md").read_text()
    assert [rule.name for rule in pack.RULES if f"| `{rule.name}` | {rule.level} |" not in page] == []


def test_every_rule_says_what_to_do() -> None:
    assert [
        rule.name for rule in pack.RULES if not (rule.description.endswith(".") and rule.remedy.endswith("."))
    ] == []


def test_every_configurable_value_has_a_default_that_fits_its_schema() -> None:
    schemas = [(rule.name, name, schema) for rule in pack.RULES for name, schema in rule.schema.items()]
    assert schemas
    for rule, name, schema in schemas:
        assert schema["description"], (rule, name)
        jsonschema.validate(schema["default"], dict(schema))


def test_the_example_configuration_names_every_rule_and_fits_the_schemas() -> None:
    example: dict[str, Any] = json.loads(EXAMPLE.read_text())
    assert sorted(example) == sorted(rule.name for rule in pack.RULES)
    for rule in pack.RULES:
        given = {key: value for key, value in example[rule.name].items() if key != "enforcementLevel"}
        jsonschema.validate(given, {"properties": dict(rule.schema), "additionalProperties": False})


@pytest.mark.parametrize("path", sorted((ROOT / "policy").rglob("*.py")), ids=lambda path: path.name)
def test_no_rule_looks_at_the_name_of_a_stack(path: Path) -> None:
    assert "get_stack" not in path.read_text()


def _pool(nodes: int, most: int | None = None) -> Any:
    counts = {"totalMinNodeCount": nodes, "totalMaxNodeCount": most or nodes}
    return resource(POOL, "us-central1-pool", {"autoscaling": counts, "nodeConfig": {"machineType": "e2-standard-4"}})


def _stage(name: str) -> Any:
    return resource("pulumi:pulumi:Stack", "stack", {"stage": name})


def _region() -> Any:
    """The component that gives a machine its region, and so its price."""
    return resource("sacred-council:stack:Region", "us-central1", {})


def test_a_stack_within_the_budget_of_its_stage_passes() -> None:
    assert stack_problems(budget, [_stage("regional"), _region(), _pool(5)]) == []


def test_a_stack_above_the_budget_of_its_stage_is_reported_with_what_is_left_out() -> None:
    (said,) = stack_problems(budget, [_stage("regional"), _region(), _pool(6)])
    assert said.startswith("The known prices are $587.01 a month, more than $500.00; 1 charges without")


def test_growth_counts_when_asked_and_a_stage_without_limit_never_fails() -> None:
    assert stack_problems(budget, [_stage("regional"), _region(), _pool(5, 6)]) == []
    assert stack_problems(budget, [_stage("regional"), _region(), _pool(5, 6)], {"countGrowth": True})
    assert stack_problems(budget, [_stage("planetary"), _region(), _pool(500)]) == []


def test_a_budget_of_ones_own_goes_before_that_of_the_stage() -> None:
    assert stack_problems(budget, [_stage("planetary"), _region(), _pool(1)], {"monthlyUsd": 50})


def _cluster(name: str, region: str, protected: bool) -> Any:
    return resource(CLUSTER, name, {"location": region, "deletionProtection": protected})


def test_nothing_is_asked_where_nothing_is_protected() -> None:
    assert stack_problems(deletion, [_cluster("a", "europe-west1", False)]) == []


def test_a_database_must_be_protected_where_the_cluster_is() -> None:
    kind = "gcp:sql/databaseInstance:DatabaseInstance"
    cluster = _cluster("a", "europe-west1", True)
    near, far = ({"region": region} for region in ("europe-west1", "asia-east1"))
    assert stack_problems(deletion, [cluster, resource(kind, "db", far)]) == []
    assert stack_problems(deletion, [cluster, resource(kind, "db", {**near, "deletionProtection": True})]) == []
    assert stack_problems(deletion, [cluster, resource(kind, "db", near, protect=True)]) == []
    (said,) = stack_problems(deletion, [cluster, resource(kind, "db", near)])
    assert said.startswith("db holds data and can be deleted")


def test_protection_can_be_asked_for_everywhere() -> None:
    assert stack_problems(deletion, [_cluster("a", "europe-west1", False)], {"always": True})


def test_a_bucket_may_not_be_deleted_with_what_is_in_it() -> None:
    bucket = resource("gcp:storage/bucket:Bucket", "b", {"location": "europe-west1", "forceDestroy": True})
    assert stack_problems(deletion, [_cluster("a", "europe-west1", True), bucket])


def test_the_sdks_proxies_become_plain_values() -> None:
    proxied = unknown_checking_proxy({"a": {"b": [1.0, UNKNOWN_TEXT]}, "c": UNKNOWN_TEXT})
    assert plain(proxied) == {"a": {"b": [1, UNKNOWN]}, "c": UNKNOWN}


def test_paths_reach_into_lists_and_stop_at_what_is_unknown() -> None:
    props = {"a": [{"b": 1}, {"b": 2}, {}], "u": UNKNOWN}
    assert list(values_at(props, "a[].b")) == [1, 2, None]
    assert list(values_at(props, "u.x.y")) == [UNKNOWN]
    assert list(values_at(props, "missing[].b")) == []
    assert at(props, "missing.b") is None


def test_what_the_engine_says_of_policies_is_found_in_its_output() -> None:
    printed = "@ previewing\nPolicies:\n    pack\n        - [advisory] x\n\nDiagnostics:\n  y\n"
    assert findings(printed) == ["Policies:", "    pack", "        - [advisory] x"]
    assert findings("nothing\n") == []


def test_errors_are_read_from_the_engines_json() -> None:
    said = {"diagnostics": [{"severity": "warning", "message": "w"}, {"severity": "error", "message": "error: no\n"}]}
    assert problem(json.dumps(said)) == "no"
    assert problem("not JSON") == ""
