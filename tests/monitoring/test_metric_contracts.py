"""Some component publishes every metric and label in the rules and dashboards."""

import re
from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.contracts import Labels, documents, published, recorded
from tests.support.monitoring_examples import GROUPS, dashboard_queries, rule_queries
from tests.support.promql import grouped, uses, whole_limits

pytestmark = pytest.mark.conformance

KNOWN: Labels = {**published(), **recorded(GROUPS)}
QUERIES = {**dashboard_queries(), **rule_queries()}
SERVICES = "services"
FORBIDDEN = {"user", "user_id", "practitioner", "circle", "circle_id", "email", "name", "message_id", "ip", "session"}
"""Labels that would identify a person, or create one series per person."""


def unknown(query: str, known: Labels = KNOWN) -> set[str]:
    """Return the metrics of `query` that nobody publishes, and the labels that its metrics lack."""
    found = uses(query)
    return {use.metric for use in found if use.metric not in known} | {
        f"{use.metric}{{{label}}}" for use in found if use.metric in known for label in use.labels - known[use.metric]
    }


def test_every_query_is_about_published_metrics_and_their_labels() -> None:
    found = {where: unknown(query) for where, query in QUERIES.items() if unknown(query)}
    assert found == {}, "no file in components/monitoring/contracts has these metrics or labels"


def test_a_metric_that_nobody_publishes_is_found() -> None:
    assert unknown("sum(rate(istio_request_total[5m]))") == {"istio_request_total"}


@pytest.mark.parametrize(
    ("query", "missing"),
    [
        ('redis_up{database="x"}', "redis_up{database}"),
        ("sum by (service_name) (redis_up)", "redis_up{service_name}"),
        (
            "sum by (pod) (redis_up) / sum by (pod) (rate(redis_commands_total{command='get'}[5m]))",
            "redis_commands_total{command}",
        ),
        ("redis_up * on (zone) redis_connected_clients", "redis_up{zone}"),
        ('up * on (a) label_replace(redis_up, "a", "$1", "b", "(.*)")', "redis_up{b}"),
        ("redis_up * on (pod) group_left (city) redis_connected_clients", "redis_connected_clients{city}"),
    ],
)
def test_a_label_that_a_metric_does_not_have_is_found(query: str, missing: str) -> None:
    assert missing in unknown(query)


def test_labels_are_read_from_the_query() -> None:
    query = "histogram_quantile(0.9, sum by (le, pod) (rate(redis_latency_bucket{cmd='x'}[5m] offset 1d)))"
    assert [(use.metric, set(use.labels)) for use in uses(query)] == [("redis_latency_bucket", {"le", "pod", "cmd"})]
    assert grouped(query) == {"le", "pod"}


def test_no_query_asks_for_a_bucket_or_quantile_by_a_whole_number() -> None:
    assert {where: whole_limits(query) for where, query in QUERIES.items() if whole_limits(query)} == {}


@pytest.mark.parametrize("matcher", ['le="500"', 'le=~"250|500"', 'le!="500"', 'quantile="1"'])
def test_a_whole_number_is_found_wherever_it_is_in_a_query(matcher: str) -> None:
    assert len(whole_limits(f"1 - sum(rate(x_bucket{{{matcher}}}[5m])) / sum(rate(x_count[5m] offset 1d))")) == 1


@pytest.mark.parametrize("matcher", ['le="500.0"', 'le="+Inf"', 'quantile="0.99"', 'code="500"'])
def test_other_matchers_are_left_alone(matcher: str) -> None:
    assert whole_limits(f"sum(rate(x_bucket{{{matcher}}}[5m]))") == []


@pytest.mark.parametrize(("name", "contract"), documents().items())
def test_every_contract_cites_its_source(name: str, contract: Mapping[str, Any]) -> None:
    assert contract["source"]["name"]
    assert contract["source"]["url"].startswith(("https://", "docs/"))
    assert contract["metrics"]
    assert {described["type"] for described in contract["metrics"].values()} <= {"gauge", "counter", "histogram"}


def test_no_metric_is_in_two_contracts() -> None:
    names = [metric for contract in documents().values() for metric in contract["metrics"]]
    assert sorted(names) == sorted(set(names))


def test_no_contract_lists_what_nobody_asks_for() -> None:
    asked = {use.metric for query in QUERIES.values() for use in uses(query)}
    idle = {
        metric
        for name, contract in documents().items()
        if name != SERVICES
        for metric in contract["metrics"]
        if not any(series in asked for series in (metric, f"{metric}_bucket", f"{metric}_count"))
    }
    assert idle == {"up"}


@pytest.mark.parametrize(("metric", "described"), documents()[SERVICES]["metrics"].items())
def test_a_metric_of_the_services_is_named_as_prometheus_wants_it(metric: str, described: dict[str, Any]) -> None:
    assert re.fullmatch(r"sacred_[a-z_]+", metric)
    assert (described["type"] == "counter") == metric.endswith("_total")
    assert described["help"].endswith(".")
    assert not FORBIDDEN & set(described.get("labels", []))


def test_the_services_are_asked_for_all_they_promise() -> None:
    asked = {use.metric for query in QUERIES.values() for use in uses(query)}
    promised = documents()[SERVICES]["metrics"]
    assert {m for m in promised if not {m, f"{m}_bucket"} & asked} == set()
