"""Recording rules, evaluated on made-up series: emergence, places, objectives and cost."""

from pathlib import Path
from typing import Any

import pytest

from tests.monitoring.test_prometheus_rules import promtool_tests
from tests.support.alert_scenarios import Series, user_latency, user_requests
from tests.support.monitoring_examples import RULES

pytestmark = pytest.mark.conformance

STEP = 10
"""Minutes between two samples."""
HOUR = 60 // STEP
"""Samples in an hour."""
COUNTER = 'sacred_pattern_observations_total{namespace="sacred-council",pattern="%s",pod="p"}'
SPIRAL, CIRCLE = COUNTER % "spiral", COUNTER % "circle"
NODES = {"a": "e2-standard-4", "b": "e2-standard-4", "c": "m7i.xlarge"}


def recorded(directory: Path, series: Series, hours: int, expected: dict[str, list[dict[str, Any]]]) -> None:
    """Compare the result of each query after `hours` hours with its `expected` samples."""
    test = {
        "interval": f"{STEP}m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {"expr": query, "eval_time": f"{hours}h", "exp_samples": samples} for query, samples in expected.items()
        ],
    }
    assert promtool_tests(directory, [test], RULES, STEP) == (0, "  SUCCESS\n\n")


def sample(value: float, **labels: str) -> dict[str, Any]:
    pairs = ",".join(f'{name}="{text}"' for name, text in sorted(labels.items()))
    return {"labels": f"{{{pairs}}}", "value": value}


def new_patterns() -> str:
    return "count by (pattern) (pattern:observations_new:rate1h)"


def changed_patterns() -> str:
    return "count by (pattern) (abs(pattern:observations:zscore1d) > 3)"


def test_a_pattern_that_was_not_there_a_day_ago_is_flagged_and_an_old_one_is_not(tmp_path: Path) -> None:
    series = {SPIRAL: f"0+600x{40 * HOUR}", CIRCLE: f"_x{30 * HOUR} 0+600x{10 * HOUR}"}
    recorded(tmp_path, series, 32, {new_patterns(): [sample(1, pattern="circle")]})


def test_a_day_later_it_is_no_longer_new(tmp_path: Path) -> None:
    series = {SPIRAL: f"0+600x{60 * HOUR}", CIRCLE: f"_x{24 * HOUR} 0+600x{36 * HOUR}"}
    recorded(tmp_path, series, 52, {new_patterns(): []})


def test_on_the_first_day_nothing_is_called_new(tmp_path: Path) -> None:
    recorded(tmp_path, {SPIRAL: f"0+600x{10 * HOUR}"}, 5, {new_patterns(): []})


def test_a_pattern_without_observations_is_none(tmp_path: Path) -> None:
    series = {SPIRAL: f"0+600x{40 * HOUR}", CIRCLE: f"_x{30 * HOUR} 5x{10 * HOUR}"}
    recorded(tmp_path, series, 32, {new_patterns(): []})


def test_a_rate_that_jumps_is_flagged_and_one_that_wavers_is_not(tmp_path: Path) -> None:
    # One rate grows tenfold in its last hour; the other is always slightly uneven.
    jump = f"0+600x{30 * HOUR} {600 * (30 * HOUR) + 6000}+6000x{2 * HOUR}"
    uneven = " ".join(f"{600 * n + 60 * (n % 2)}" for n in range(32 * HOUR))
    recorded(tmp_path, {SPIRAL: jump, CIRCLE: uneven}, 31, {changed_patterns(): [sample(1, pattern="spiral")]})


def test_maps_get_the_region_and_its_place(tmp_path: Path) -> None:
    field = 'sacred_field_resonance_ratio{namespace="sacred-council",pod="%s"}'
    series = {field % "a": f"0.4x{HOUR}", field % "b": f"0.8x{HOUR}"}
    place = {"city": "Council Bluffs", "country": "US", "latitude": "41.26", "longitude": "-95.86"}
    query = "region:field_resonance:avg * on (region) group_left (city, latitude, longitude) region:place:info"
    shown = {key: value for key, value in place.items() if key != "country"}
    expected = {
        "max by (region, city, country, latitude, longitude) (region:place:info)": [
            sample(1, region="us-central1", **place)
        ],
        f"round({query}, 0.01)": [sample(0.6, region="us-central1", **shown)],
    }
    recorded(tmp_path, series, 1, expected)


def test_objectives_count_what_users_see_of_each_service(tmp_path: Path) -> None:
    broken = user_requests(good=f"0+75x{2 * HOUR}", failed=f"0+25x{2 * HOUR}")
    expected = {"sum(service:user_errors:ratio_rate1h)": [sample(0.25)]}
    recorded(tmp_path, broken, 2, expected)
    slow = user_latency(fast=f"0+75x{2 * HOUR}", total=f"0+100x{2 * HOUR}")
    recorded(tmp_path, slow, 2, {"sum(service:user_slow:ratio_rate1h)": [sample(0.25)]})


def test_a_service_without_a_failure_breaks_its_promise_by_nothing(tmp_path: Path) -> None:
    good = {name: values for name, values in user_requests(good="0+100x12", failed="0x12").items() if "200" in name}
    recorded(tmp_path, good, 2, {"sum(service:user_errors:ratio_rate1h)": [sample(0)]})


def test_machines_cost_their_price_and_unknown_ones_are_left_out(tmp_path: Path) -> None:
    label = "label_node_kubernetes_io_instance_type"
    series = {f'kube_node_labels{{node="{n}",{label}="{kind}"}}': "1x12" for n, kind in NODES.items()}
    recorded(tmp_path, series, 1, {"sum(machine:cost:usd_per_month)": [sample(195.68)]})
