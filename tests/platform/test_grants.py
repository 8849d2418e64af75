"""How long the program waits for grants, because a cloud honours each only after some time."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.grants import GRANT_WAIT, once_honoured, seconds_left

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)


def made(seconds_ago: float) -> str:
    return (NOW - timedelta(seconds=seconds_ago)).isoformat()


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds of each sleep of the program, which does not really sleep."""
    found: list[float] = []

    async def sleep(seconds: float) -> None:
        found.append(seconds)

    monkeypatch.setattr("components.grants.asyncio.sleep", sleep)
    monkeypatch.setattr(pulumi.log, "info", lambda *_: None)
    return found


def settled(*times: str) -> Any:
    """Wait for grants made at these times; return the value that waited."""

    async def known() -> Any:
        value = once_honoured(pulumi.Output.from_input("key"), [pulumi.Output.from_input(time) for time in times])
        return await value.future()

    return asyncio.run(known())


def test_a_grant_is_at_least_two_minutes_old_when_it_is_used() -> None:
    # Azure and Google document that most grants work after two minutes.
    assert timedelta(minutes=2) <= GRANT_WAIT <= timedelta(minutes=10)
    assert seconds_left([made(0)], NOW) == GRANT_WAIT.total_seconds()


def test_a_grant_of_an_earlier_run_is_not_waited_for_again() -> None:
    assert seconds_left([made(GRANT_WAIT.total_seconds())], NOW) == 0
    assert seconds_left([made(30)], NOW) == GRANT_WAIT.total_seconds() - 30


def test_the_youngest_grant_decides() -> None:
    assert seconds_left([made(10_000), made(60), made(100)], NOW) == GRANT_WAIT.total_seconds() - 60


@given(offset=st.floats(min_value=-1e9, max_value=1e9))
def test_no_clock_makes_anybody_wait_longer_than_the_whole_time(offset: float) -> None:
    assert 0 <= seconds_left([made(offset)], NOW) <= GRANT_WAIT.total_seconds()


@pytest.mark.parametrize(
    "text",
    # Times as Azure and Google write them; the last one has no zone.
    ["2026-11-29T11:59:00.1234567Z", "2026-11-29T03:59:00.123-08:00", "2026-11-29T11:59:00Z", "2026-11-29T11:59:00"],
)
def test_times_are_understood_as_the_clouds_write_them(text: str) -> None:
    assert seconds_left([text], NOW) == pytest.approx(GRANT_WAIT.total_seconds() - 60, abs=1)


def test_the_value_is_known_once_the_grants_are_old_enough(slept: list[float]) -> None:
    assert settled(datetime.now(UTC).isoformat()) == "key"
    assert slept == [pytest.approx(GRANT_WAIT.total_seconds(), abs=5)]


def test_nobody_sleeps_where_all_grants_are_old(slept: list[float]) -> None:
    assert settled("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z") == "key"
    assert slept == []


def test_a_preview_waits_for_nothing(slept: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: True)
    assert settled(datetime.now(UTC).isoformat()) == "key"
    assert slept == []
