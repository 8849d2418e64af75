"""A real Prometheus with three synthetic weeks: the forecast is there before the peak comes back, and goes after it."""

from collections.abc import Iterator

import pytest

from components.monitoring.rules.scaling import FORECAST, GROWTH, LOAD
from tests.support.scaled_region import (
    PEAK_REPLICAS,
    SECONDS,
    USERS_OF_A_REPLICA,
    ScalingMetrics,
    metrics,
    write_history,
)
from tests.support.servers import eventually

pytestmark = [pytest.mark.conformance, pytest.mark.campaign, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScalingMetrics]:
    """Prometheus with weeks of three replicas. In two minutes the peak of the last weeks begins, and lasts for half."""
    with metrics(tmp_path_factory.mktemp("weeks")) as made:
        made.users.number = 3 * USERS_OF_A_REPLICA
        write_history(made, peak_in=120, peak_lasts=30)
        made.start_prometheus()
        yield made


def test_the_forecast_is_there_while_the_load_is_still_what_it_was(running: ScalingMetrics) -> None:
    def seen() -> bool:
        return round(running.needed(FORECAST) or 0, 1) == PEAK_REPLICAS

    eventually(seen, seconds=SECONDS, what="the forecast rises")
    assert running.needed(LOAD) == 3
    assert round(running.needed(GROWTH) or 0, 1) == 1


def test_it_goes_once_the_peak_of_the_last_weeks_is_over(running: ScalingMetrics) -> None:
    eventually(lambda: 0 < (running.needed(FORECAST) or 0) <= 3, seconds=SECONDS, what="the forecast falls")
