"""The benchmark of the forecast: its load shapes, its autoscaler, and the table on the page."""

import pytest

from benchmarks import forecast, loads
from components.monitoring.rules.scaling import WEEK_MINUTES
from tests.support.rendering import ROOT

pytestmark = pytest.mark.unit

HISTORY = forecast.HISTORY
"""Minutes before the simulated time begins."""


def steps(*users: tuple[int, int]) -> list[float]:
    """Users for a number of minutes each, after the weeks of history."""
    return [0.0] * HISTORY + [float(value) for value, length in users for _ in range(length)]


def on_load(users: list[float]) -> forecast.Outcome:
    return forecast.simulate(users, forecast.load_now(users, 0.8))


@pytest.mark.parametrize("name", loads.NAMES)
def test_a_load_shape_is_made_from_its_description(name: str) -> None:
    users = loads.read(name)
    assert users == [value for day in loads.made(name) for value in day]
    assert len(users) * loads.STEP_MINUTES == loads.WEEKS * WEEK_MINUTES


def test_the_page_has_the_figures_that_the_benchmark_prints() -> None:
    page = (ROOT / "docs" / "scaling.md").read_text()
    assert "\n".join(forecast.lines(forecast.measure())) in page


def test_a_steady_load_is_never_late_and_wastes_nothing() -> None:
    # The replicas begin at the minimum of 2, and the first minutes see no load yet.
    calm = on_load(steps((0, 1), (8000, 300)))
    assert (calm.late, calm.wasted) == (0, 0)
    assert calm.used == pytest.approx(2 * 301 / 60, abs=0.1)


def test_a_jump_is_late_until_it_is_seen_and_the_replicas_have_started() -> None:
    # 6 replicas are needed at full capacity, and 2 are there.
    jump = on_load(steps((8000, 60), (30_000, 60)))
    wait = forecast.SEEN_AFTER + forecast.STARTS_IN
    assert jump.minutes_late == wait
    assert jump.late == 4 * wait


def test_replicas_stay_for_five_calm_minutes_and_then_go_one_a_minute() -> None:
    # From 10 replicas to 2: five minutes of calm, one minute to see it, and eight minutes for eight replicas.
    fall = on_load(steps((40_000, 60), (8000, 60)))
    assert fall.wasted * 60 == pytest.approx(8 * 6 + sum(range(8)), abs=8)


def test_a_need_within_a_tenth_of_the_replicas_changes_nothing() -> None:
    outcome = on_load(steps((40_000, 60), (43_900, 60)))
    assert outcome.used == pytest.approx(10 * 2, abs=0.7)


def test_the_forecast_is_that_of_the_rules() -> None:
    # As in tests/monitoring/test_scaling_rules.py: 4,000 users, 12,000 from 12:00 to 18:00, three weeks and a day.
    day = [4000.0] * 720 + [12_000.0] * 360 + [4000.0] * 360
    need = forecast.forecast(day * 22)
    assert [need(HISTORY + minute) for minute in (11 * 60 + 30, 11 * 60 + 45, 17 * 60, 18 * 60)] == [1, 3, 3, 1]


def test_the_forecast_is_never_late_where_the_load_of_last_weeks_comes_back() -> None:
    figures = forecast.measure()
    assert figures["gatherings"]["CPU"]["late"] > 100
    assert figures["gatherings"]["load and forecast"]["late"] == 0
    assert figures["evenings"]["load and forecast"]["late"] == 0
    for shape in loads.NAMES:
        assert figures[shape]["load and forecast"]["used"] < figures[shape]["CPU"]["used"]


def test_nothing_foresees_what_nobody_announced() -> None:
    surprise = forecast.measure()["surprise"]
    assert all(outcome["late"] > 0 for outcome in surprise.values())
    assert surprise["load, forecast and event"]["late"] < surprise["load and forecast"]["late"]
