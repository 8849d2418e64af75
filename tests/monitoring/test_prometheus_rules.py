"""Alert rules and dashboards, as Prometheus itself reads them."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from components.monitoring.rules import rule_groups, rules_file
from tests.support.alert_scenarios import SCENARIOS, Series
from tests.support.binaries import run
from tests.support.monitoring_examples import ALERTS, BARE, GROUPS, LOCAL, PLACE, RULES, dashboard_queries
from tests.support.rendering import Rendered

pytestmark = pytest.mark.conformance

QUERIES = list(dashboard_queries().values())


def rule_test(alert: str, series: Series, *, minutes: Iterable[int], times: int, step: int = 1) -> dict[str, Any]:
    """Return a promtool test: at each of the `minutes`, `alert` fires `times`. Samples are `step` minutes apart."""
    firing = f'count(ALERTS{{alertname="{alert}",alertstate="firing"}})'
    expected = [{"labels": "{}", "value": times}] if times else []
    return {
        "interval": f"{step}m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {"expr": firing, "eval_time": f"{minute}m", "exp_samples": expected} for minute in minutes
        ],
    }


def promtool_tests(directory: Path, tests: list[dict[str, Any]], rules: str = RULES, step: int = 1) -> tuple[int, str]:
    """Run `tests` with promtool, which evaluates the rules every `step` minutes; return exit code and output."""
    (directory / "rules.yaml").write_text(rules)
    document = {"rule_files": ["rules.yaml"], "evaluation_interval": f"{step}m", "tests": tests}
    (directory / "tests.yaml").write_text(json.dumps(document))
    result = run("promtool", "test", "rules", "tests.yaml", directory=directory)
    return result.returncode, result.stdout + result.stderr


def group_of(alert: str) -> str:
    """Return a rules file with the alert's group only: other groups would slow down scenarios of several days."""
    groups = [g for g in GROUPS if any(rule.get("alert") == alert for rule in g["rules"])]
    return json.dumps({"groups": groups})


def promtool_check(directory: Path, rules: str) -> tuple[int, str]:
    """Check a rules file with promtool and its lints; return exit code and output."""
    (directory / "rules.yaml").write_text(rules)
    result = run("promtool", "check", "rules", "--lint=all", "--lint-fatal", "rules.yaml", directory=directory)
    return result.returncode, result.stdout + result.stderr


def recorded(queries: list[str]) -> str:
    """Return a rules file that evaluates every query."""
    rules = [{"record": f"query:{index}", "expr": query} for index, query in enumerate(queries)]
    return json.dumps({"groups": [{"name": "queries", "rules": rules}]})


def test_prometheus_accepts_the_rules(tmp_path: Path) -> None:
    assert promtool_check(tmp_path, RULES)[0] == 0


def test_the_cluster_gets_these_rules(local: Rendered) -> None:
    (resource,) = local.objects("PrometheusRule")
    groups = {group["name"]: group for group in resource.inputs["spec"]["groups"]}
    expected = {group["name"]: group for group in rule_groups(LOCAL, PLACE, runbooks="docs/runbooks")}
    # Each region has a different place.
    own = {"sacred-council-places"}
    assert groups.keys() == expected.keys()
    assert all(groups[name] == expected[name] for name in groups.keys() - own)


def test_every_alert_has_a_scenario() -> None:
    assert sorted(SCENARIOS) == ALERTS, "SCENARIOS is in tests/support/alert_scenarios.py"


@pytest.mark.parametrize("alert", ALERTS)
def test_the_alert_fires_when_it_should(alert: str, tmp_path: Path) -> None:
    scenario = SCENARIOS[alert]
    tests = [
        rule_test(alert, series, minutes=[scenario.minutes], times=scenario.times, step=scenario.step)
        for series in (scenario.fires, *scenario.also)
    ]
    assert promtool_tests(tmp_path, tests, group_of(alert), scenario.step) == (0, "  SUCCESS\n\n")


@pytest.mark.parametrize("alert", ALERTS)
def test_the_alert_is_quiet_when_it_should_be(alert: str, tmp_path: Path) -> None:
    scenario = SCENARIOS[alert]
    always = range(scenario.step, scenario.minutes + 1, scenario.step)
    tests = [rule_test(alert, series, minutes=always, times=0, step=scenario.step) for series in scenario.quiet]
    assert promtool_tests(tmp_path, tests, group_of(alert), scenario.step) == (0, "  SUCCESS\n\n")


def test_a_missing_backup_is_told_until_there_is_one_whenever_nodes_restart(tmp_path: Path) -> None:
    told = 'group(ALERTS{alertname=~"DatabaseBackupMissing|DatabaseNotBackedUp",alertstate="firing"})'
    series = {'schedules_BACKUP_last_completed_time{namespace="cockroachdb",pod="cockroachdb-1"}': "60x10 0x500"}
    test = {
        "interval": "30m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {"expr": told, "eval_time": f"{hour}h", "exp_samples": [{"labels": "{}", "value": 1}]}
            for hour in range(28, 250, 2)
        ],
    }
    assert promtool_tests(tmp_path, [test], group_of("DatabaseBackupMissing"), 30) == (0, "  SUCCESS\n\n")


def test_an_alert_that_should_not_fire_is_found(tmp_path: Path) -> None:
    fires = SCENARIOS["RedisDown"].fires
    assert promtool_tests(tmp_path, [rule_test("RedisDown", fires, minutes=[30], times=0)])[0] == 1


def test_every_query_of_the_dashboards_parses(tmp_path: Path) -> None:
    assert promtool_check(tmp_path, recorded(QUERIES))[0] == 0


def test_a_query_that_does_not_parse_is_found(tmp_path: Path) -> None:
    assert promtool_check(tmp_path, recorded(["sum(rate(x[5m])"]))[0] == 1


def test_prometheus_accepts_the_rules_of_a_region_with_little_in_it(tmp_path: Path) -> None:
    assert promtool_check(tmp_path, rules_file(BARE, PLACE, runbooks="docs/runbooks"))[0] == 0


def test_every_query_about_a_region_with_little_in_it_parses(tmp_path: Path) -> None:
    assert promtool_check(tmp_path, recorded(list(dashboard_queries(BARE).values())))[0] == 0
