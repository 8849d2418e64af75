"""Alert rules and dashboards, as Prometheus itself reads them."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from components.monitoring.dashboards import overview_graphs, overview_stats
from components.monitoring.rules import rules_file
from stacks.settings import parse
from stacks.watching import watched
from tests.conformance.alert_scenarios import SCENARIOS, Series
from tests.conformance.binaries import run
from tests.rendering import Rendered

pytestmark = pytest.mark.conformance

WATCHED = watched(parse({"stage": "local", "regions": [{"name": "local", "cloud": "existing"}]}))
RULES = rules_file(WATCHED, runbooks="docs/runbooks")
ALERTS = sorted(rule["alert"] for group in json.loads(RULES)["groups"] for rule in group["rules"])
QUERIES = [query for chart in (*overview_stats(WATCHED), *overview_graphs(WATCHED)) for query in chart.queries.values()]

# What the exporters publish, by exporter. A query over anything else would stay empty for ever.
PUBLISHED = {
    "kube-state-metrics": {
        "kube_deployment_status_replicas_available",
        "kube_horizontalpodautoscaler_status_current_replicas",
        "kube_pod_container_status_restarts_total",
        "kube_pod_container_status_waiting_reason",
        "kube_pod_status_ready",
        "kube_statefulset_replicas",
        "kube_statefulset_status_replicas_ready",
    },
    "kubelet": {"kubelet_volume_stats_available_bytes", "kubelet_volume_stats_capacity_bytes"},
    "cAdvisor": {"container_cpu_usage_seconds_total", "container_memory_working_set_bytes"},
    "istio": {
        "citadel_server_cert_chain_expiry_timestamp",
        "istio_request_duration_milliseconds_bucket",
        "istio_requests_total",
    },
    "cockroachdb": {
        "liveness_livenodes",
        "ranges_unavailable",
        "security_certificate_expiration_node",
        "sql_delete_count",
        "sql_insert_count",
        "sql_select_count",
        "sql_update_count",
    },
    "redis_exporter": {
        "redis_connected_slaves",
        "redis_keyspace_hits_total",
        "redis_keyspace_misses_total",
        "redis_up",
    },
    # With -prefix=nats, as the messaging component starts it.
    "prometheus-nats-exporter": {
        "nats_varz_connections",
        "nats_varz_in_msgs",
        "nats_varz_out_msgs",
        "nats_varz_jetstream_config_max_storage",
        "nats_varz_jetstream_stats_storage",
    },
    "opentelemetry-collector": {"otelcol_exporter_send_failed_spans_total"},
}


def metrics(query: str) -> set[str]:
    """The metrics that `query` is about: names before a selector."""
    return set(re.findall(r"([a-zA-Z_:][a-zA-Z0-9_:]*)\s*\{", query)) | set(re.findall(r"\(([a-z]+_[a-z_]+)\[", query))


def rule_test(alert: str, series: Series, *, minutes: Iterable[int], times: int) -> dict[str, Any]:
    """A test in promtool's format: at each of the `minutes`, `alert` fires `times`."""
    firing = f'count(ALERTS{{alertname="{alert}",alertstate="firing"}})'
    expected = [{"labels": "{}", "value": times}] if times else []
    return {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {"expr": firing, "eval_time": f"{minute}m", "exp_samples": expected} for minute in minutes
        ],
    }


def promtool_tests(directory: Path, tests: list[dict[str, Any]], rules: str = RULES) -> tuple[int, str]:
    """Run `tests` of the rules with promtool: exit code and output."""
    (directory / "rules.yaml").write_text(rules)
    document = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": tests}
    (directory / "tests.yaml").write_text(json.dumps(document))
    result = run("promtool", "test", "rules", "tests.yaml", directory=directory)
    return result.returncode, result.stdout + result.stderr


def promtool_check(directory: Path, rules: str) -> tuple[int, str]:
    """Check a rules file with promtool, its lints included: exit code and output."""
    (directory / "rules.yaml").write_text(rules)
    result = run("promtool", "check", "rules", "--lint=all", "--lint-fatal", "rules.yaml", directory=directory)
    return result.returncode, result.stdout + result.stderr


def recorded(queries: list[str]) -> str:
    """A rules file that evaluates every query."""
    rules = [{"record": f"query:{index}", "expr": query} for index, query in enumerate(queries)]
    return json.dumps({"groups": [{"name": "queries", "rules": rules}]})


def test_prometheus_accepts_the_rules(tmp_path: Path) -> None:
    assert promtool_check(tmp_path, RULES)[0] == 0


def test_the_cluster_gets_these_rules(local: Rendered) -> None:
    (resource,) = local.objects("PrometheusRule")
    assert resource.inputs["spec"]["groups"] == json.loads(RULES)["groups"]


def test_every_alert_has_a_scenario() -> None:
    assert sorted(SCENARIOS) == ALERTS


@pytest.mark.parametrize("alert", ALERTS)
def test_the_alert_fires_when_it_should(alert: str, tmp_path: Path) -> None:
    scenario = SCENARIOS[alert]
    test = rule_test(alert, scenario.fires, minutes=[scenario.minutes], times=scenario.times)
    assert promtool_tests(tmp_path, [test]) == (0, "  SUCCESS\n\n")


@pytest.mark.parametrize("alert", ALERTS)
def test_the_alert_is_quiet_when_it_should_be(alert: str, tmp_path: Path) -> None:
    scenario = SCENARIOS[alert]
    always = range(1, scenario.minutes + 1)
    tests = [rule_test(alert, series, minutes=always, times=0) for series in scenario.quiet]
    assert promtool_tests(tmp_path, tests) == (0, "  SUCCESS\n\n")


def test_an_alert_that_should_not_fire_is_found(tmp_path: Path) -> None:
    fires = SCENARIOS["RedisDown"].fires
    assert promtool_tests(tmp_path, [rule_test("RedisDown", fires, minutes=[30], times=0)])[0] == 1


def test_every_query_of_the_dashboards_parses(tmp_path: Path) -> None:
    assert promtool_check(tmp_path, recorded(QUERIES))[0] == 0


def test_a_query_that_does_not_parse_is_found(tmp_path: Path) -> None:
    assert promtool_check(tmp_path, recorded(["sum(rate(x[5m])"]))[0] == 1


@pytest.mark.parametrize("source", ["alerts", "dashboards"])
def test_queries_use_only_metrics_that_somebody_publishes(source: str) -> None:
    alerts = [rule["expr"] for group in json.loads(RULES)["groups"] for rule in group["rules"]]
    used = {metric for query in (alerts if source == "alerts" else QUERIES) for metric in metrics(query)}
    assert used
    assert used - set().union(*PUBLISHED.values()) == set()
