"""How many replicas the rules ask for, as Prometheus computes them: the load, three weeks of forecast, and events."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from components.monitoring.rules import rules_file
from components.monitoring.rules.scaling import EVENTS, FORECAST, GROWTH, LOAD, ScalingPlan
from tests.monitoring.test_prometheus_rules import promtool_check, promtool_tests
from tests.support.alert_scenarios import Series, requests, users
from tests.support.monitoring_examples import BARE, EVENT, HOUR, PLACE, SCALING, TARGETS

pytestmark = pytest.mark.conformance

STEP = 15
"""Minutes between two samples."""
DAY = 24 * 60 // STEP
WEEK = 7 * DAY
MESSAGING = "sacred-messaging"


def rules(plan: ScalingPlan = SCALING) -> str:
    """The rules of scaling only: the others would slow weeks down."""
    groups = json.loads(rules_file(TARGETS, PLACE, runbooks="docs/runbooks", scaling=plan))["groups"]
    return json.dumps({"groups": [group for group in groups if group["name"] == "sacred-council-scaling"]})


def asked(
    directory: Path, series: Series, minute: int, expected: dict[str, float | None], *, plan: ScalingPlan = SCALING
) -> None:
    """Compare the recorded replicas of the messaging service at `minute` with those `expected`, by record."""
    test = {
        "interval": f"{STEP}m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {
                "expr": f'round(max({record}{{service="{MESSAGING}"}}), 0.001)',
                "eval_time": f"{minute}m",
                "exp_samples": [] if value is None else [{"labels": "{}", "value": value}],
            }
            for record, value in expected.items()
        ],
    }
    assert promtool_tests(directory, [test], rules(plan), STEP) == (0, "  SUCCESS\n\n")


def weeks(*loads: int, peak: int = 8000) -> str:
    """Users for a sample each quarter of an hour: for each week its base `loads`, and `peak` more from 12:00 to 18:00
    on each day."""
    night, day = DAY // 2, DAY // 4
    days = [f"{base}x{night - 1} {base + peak}x{day - 1} {base}x{day - 1}" for base in loads for _ in range(7)]
    return " ".join(days)


def at(week: int, hour: int, minute: int = 0) -> int:
    """The minute of a time on the first day of a week, counted from 0."""
    return week * 7 * 24 * 60 + hour * 60 + minute


def test_prometheus_accepts_the_rules_without_mesh_forecast_and_events(tmp_path: Path) -> None:
    plan = replace(SCALING, weeks=0, events=[])
    text = rules_file(replace(BARE, scaling="keda"), PLACE, runbooks="docs/runbooks", scaling=plan)
    assert promtool_check(tmp_path, text)[0] == 0
    assert FORECAST not in text
    assert EVENTS not in text


def test_replicas_have_four_fifths_of_the_users_that_one_can_serve(tmp_path: Path) -> None:
    asked(tmp_path, users(MESSAGING, "10000x10"), 60, {LOAD: 2.5, FORECAST: None, EVENTS: None})


def test_the_more_demanding_of_users_and_requests_decides(tmp_path: Path) -> None:
    # 40 requests a second, and samples closer than the window of the rate.
    fast = {
        **users(MESSAGING, "1000x60"),
        **requests(MESSAGING, good="0+1200x60", failed="0+1200x60"),
    }
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in fast.items()],
        "promql_expr_test": [
            {
                "expr": f'round(max({LOAD}{{service="{MESSAGING}"}}), 0.001)',
                "eval_time": "20m",
                "exp_samples": [{"labels": "{}", "value": 0.5}],
            }
        ],
    }
    assert promtool_tests(tmp_path, [test], rules()) == (0, "  SUCCESS\n\n")


def test_a_service_that_publishes_no_figures_needs_none_and_is_known(tmp_path: Path) -> None:
    seen = {f'up{{namespace="sacred-council",pod="p",job="{MESSAGING}"}}': "1x10"}
    asked(tmp_path, seen, 60, {LOAD: 0})


def test_the_load_of_a_service_that_prometheus_does_not_reach_is_unknown_and_not_zero(tmp_path: Path) -> None:
    unseen = {f'up{{namespace="sacred-council",pod="p",job="{MESSAGING}"}}': "0x10"}
    asked(tmp_path, unseen, 60, {LOAD: None})
    lost = {**users(MESSAGING, "9000x10"), **unseen}
    asked(tmp_path, lost, 60, {LOAD: None})


def test_before_the_first_week_is_over_there_is_no_forecast(tmp_path: Path) -> None:
    asked(tmp_path, users(MESSAGING, weeks(4000)), at(0, 6 * 24), {LOAD: 1, FORECAST: None})


def test_the_forecast_is_there_a_quarter_of_an_hour_before_the_peak_and_falls_with_it(tmp_path: Path) -> None:
    series = users(MESSAGING, weeks(4000, 4000, 4000, 4000))
    asked(tmp_path, series, at(3, 11, 30), {LOAD: 1, GROWTH: 1, FORECAST: 1})
    asked(tmp_path, series, at(3, 11, 45), {LOAD: 1, GROWTH: 1, FORECAST: 3})
    asked(tmp_path, series, at(3, 17, 30), {LOAD: 3, GROWTH: 1, FORECAST: 3})
    asked(tmp_path, series, at(3, 18, 0), {LOAD: 1, GROWTH: 1, FORECAST: 1})


def test_one_odd_week_of_three_changes_nothing(tmp_path: Path) -> None:
    series = users(MESSAGING, weeks(4000, 0, 4000, 4000))
    asked(tmp_path, series, at(3, 11, 45), {FORECAST: 3})
    series = users(MESSAGING, weeks(4000, 40_000, 4000, 4000))
    asked(tmp_path, series, at(3, 11, 45), {FORECAST: 3})


def test_with_one_week_of_history_that_week_counts(tmp_path: Path) -> None:
    asked(tmp_path, users(MESSAGING, weeks(4000, 4000)), at(1, 11, 45), {FORECAST: 3})


def test_the_forecast_grows_and_shrinks_with_today_within_bounds(tmp_path: Path) -> None:
    # Without a peak the growth is exact once six hours of the new week are over.
    def today(base: int) -> Series:
        return users(MESSAGING, weeks(4000, 4000, 4000, base, peak=0))

    asked(tmp_path, today(6000), at(3, 8), {GROWTH: 1.5, FORECAST: 1.5})
    asked(tmp_path, today(3000), at(3, 8), {GROWTH: 0.75, FORECAST: 0.75})
    asked(tmp_path, today(40_000), at(3, 8), {GROWTH: 2, FORECAST: 2, LOAD: 10})
    asked(tmp_path, today(100), at(3, 8), {GROWTH: 0.5, FORECAST: 0.5})


def test_an_event_asks_from_a_quarter_of_an_hour_before_to_its_end(tmp_path: Path) -> None:
    assert (EVENT.begins, EVENT.ends, EVENT.users) == (2 * HOUR, 5 * HOUR, 20_000)
    for minute, replicas in ((105, None), (120, 5), (285, 5), (300, None), (600, None)):
        asked(tmp_path, users(MESSAGING, "0x50"), minute, {EVENTS: replicas})


def test_events_at_the_same_time_add_up(tmp_path: Path) -> None:
    both = replace(SCALING, events=[EVENT, replace(EVENT, name="gathering", begins=3 * HOUR, users=4000)])
    for minute, replicas in ((135, 5), (180, 6)):
        asked(tmp_path, users(MESSAGING, "0x50"), minute, {EVENTS: replicas}, plan=both)
