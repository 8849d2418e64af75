"""When a probe is due and what its results amount to."""

from typing import Any

import pytest

from sandbox.controllers.probes import Schedule, port_number

pytestmark = pytest.mark.unit

CONTAINER: dict[str, Any] = {"name": "main", "ports": [{"name": "http", "containerPort": 9898}]}


def test_nothing_is_known_before_the_first_threshold() -> None:
    schedule = Schedule({"failureThreshold": 2, "successThreshold": 2}, 0)
    schedule.record(True, 0)
    assert schedule.passing is None
    schedule.record(True, 1)
    assert schedule.passing is True


def test_a_single_failure_does_not_count_where_more_are_asked_for() -> None:
    schedule = Schedule({"failureThreshold": 2}, 0)
    states = []
    for result in (True, False, True, False, False):
        schedule.record(result, 0)
        states.append(schedule.passing)
    assert states == [True, True, True, True, False]


def test_one_success_is_enough_after_failures() -> None:
    schedule = Schedule({"failureThreshold": 1}, 0)
    schedule.record(False, 0)
    schedule.record(True, 0)
    assert schedule.passing is True


def test_attempts_keep_their_distance_after_a_first_delay() -> None:
    schedule = Schedule({"initialDelaySeconds": 4, "periodSeconds": 5}, 100)
    assert schedule.due == 104
    schedule.record(True, 110)
    assert schedule.due == 115


@pytest.mark.parametrize("port", [9898, "9898", "http"])
def test_a_port_has_a_number_or_a_name(port: int | str) -> None:
    assert port_number(port, CONTAINER) == 9898


def test_a_port_that_the_container_does_not_name_is_refused() -> None:
    with pytest.raises(ValueError, match="container main has no port 'admin'"):
        port_number("admin", CONTAINER)
