"""Late and wasted replicas of the forecast against a plain HorizontalPodAutoscaler, on three load shapes.

A simulation, not a measurement: no program but this one runs. It has the formulas of the rules
(components/monitoring/rules/scaling.py), and the pace and the tolerance of the HorizontalPodAutoscaler, in steps of
half a minute. `tests/scaling/test_real_keda.py` runs the real programs. The assumptions are the constants below.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from statistics import median
from typing import Any, Final

from benchmarks import loads
from components.monitoring.rules.scaling import GROWTH_HOURS, TARGET_SHARE, WEEK_MINUTES
from components.scaling.scaled_services import CPU_PERCENT
from components.scaling.settings import ForecastSettings
from components.services.settings import ServiceSettings

TICKS: Final = 2
"""Steps in a minute."""
CAPACITY: Final = ServiceSettings().users_per_replica
LEAST, MOST = 2, 40
SEEN_AFTER: Final = 1
"""Minutes until a change of the load is in the figures: scrape, rule, and the question of the autoscaler."""
STARTS_IN: Final = 3
"""Minutes from the decision to a replica that serves: a pod that finds a machine takes less, one that needs a new
machine takes more."""
TOLERANCE: Final = 0.1
"""Of the controller manager: a need within 10 % of the replicas changes nothing."""
CALM: Final = 5
"""Minutes whose highest need holds while replicas are removed."""
HISTORY: Final = ForecastSettings().weeks * WEEK_MINUTES
FORECAST: Final = ForecastSettings()

Need = Callable[[int], float]
"""Replicas needed at a minute, as a fraction."""


@dataclass(frozen=True)
class Outcome:
    """What an autoscaler did after the weeks of history."""

    late: float
    """Replica-minutes that the load lacked, with each replica at its full capacity."""
    minutes_late: float
    """Minutes in which a replica was missing."""
    wasted: float
    """Replica-hours beyond those that carry the load with four fifths of their capacity."""
    used: float
    """Replica-hours in all."""


def minutes(users: Sequence[int]) -> list[float]:
    """Return the users of each minute, on a straight line between two steps of the file."""
    pairs = zip(users, [*users[1:], users[-1]], strict=True)
    step = loads.STEP_MINUTES
    return [one + (other - one) * part / step for one, other in pairs for part in range(step)]


def load_now(users: Sequence[float], share: float) -> Need:
    """Return the need for the load, as it is seen, with a `share` of each replica's capacity."""
    return lambda minute: users[max(0, minute - SEEN_AFTER)] / (CAPACITY * share)


def forecast(users: Sequence[float]) -> Need:
    """Return the need by the forecast: the formula of `service:forecast:replicas`."""
    sums = list(accumulate(users, initial=0.0))
    window, weeks = GROWTH_HOURS * 60, range(1, FORECAST.weeks + 1)

    def mean(end: int) -> float:
        return (sums[end + 1] - sums[end + 1 - window]) / window

    def need(minute: int) -> float:
        past = [minute - week * WEEK_MINUTES for week in weeks]
        growth = mean(minute) / median(mean(end) for end in past)
        growth = min(max(growth, 1 / FORECAST.max_growth), FORECAST.max_growth)
        ahead = median(max(users[end : end + FORECAST.lead_minutes + 1]) for end in past)
        return ahead * growth / (CAPACITY * TARGET_SHARE)

    return need


def announced(day: int, hour: int, hours: int, users: int) -> Need:
    """Return the need by an announced event: the formula of `service:events:replicas`."""
    start = (day * 24 + hour) * 60

    def need(minute: int) -> float:
        prepared = start - FORECAST.lead_minutes <= minute < start + hours * 60
        return users / (CAPACITY * TARGET_SHARE) if prepared else 0.0

    return need


def highest(*needs: Need) -> Need:
    """Return the highest of the needs: the autoscaler obeys it."""
    return lambda minute: max(need(minute) for need in needs)


def simulate(users: Sequence[float], need: Need) -> Outcome:
    """Run an autoscaler that follows `need` over the time after the weeks of history."""
    replicas = min(MOST, max(LEAST, math.ceil(need(HISTORY))))
    starting: list[tuple[int, int]] = []
    recent: list[int] = []
    added = removed = HISTORY * TICKS
    late = wasted = used = late_ticks = 0.0
    for tick in range(HISTORY * TICKS, len(users) * TICKS):
        minute = tick // TICKS
        wanted = _wanted(need(minute), replicas)
        recent = [*recent[-(CALM * TICKS - 1) :], wanted]
        if wanted > replicas and tick >= added:
            more = min(wanted, max(2 * replicas, replicas + 4)) - replicas
            starting.append((tick + STARTS_IN * TICKS, more))
            replicas, added = replicas + more, tick + 1
        elif max(recent) < replicas and tick >= removed:
            replicas = max(max(recent), min(math.ceil(replicas * 0.9), replicas - 1))
            removed = tick + TICKS
        starting = [(ready, count) for ready, count in starting if ready > tick]
        serving = max(0, replicas - sum(count for _, count in starting))
        lacking = max(0, min(MOST, math.ceil(users[minute] / CAPACITY)) - serving)
        late += lacking / TICKS
        late_ticks += lacking > 0
        needed = max(LEAST, math.ceil(users[minute] / (CAPACITY * TARGET_SHARE)))
        wasted += max(0, replicas - needed) / TICKS / 60
        used += replicas / TICKS / 60
    return Outcome(round(late, 1), late_ticks / TICKS, round(wasted, 1), round(used, 1))


def _wanted(need: float, replicas: int) -> int:
    if abs(need / replicas - 1) <= TOLERANCE:
        return replicas
    return min(MOST, max(LEAST, math.ceil(round(need, 6))))


AUTOSCALERS: Final = ("CPU", "load", "load and forecast", "load, forecast and event")


def needs(shape: str, users: Sequence[float]) -> dict[str, Need]:
    """Return what each autoscaler follows. Only `surprise` has an event."""
    cpu, now = load_now(users, CPU_PERCENT / 100), load_now(users, TARGET_SHARE)
    looking = highest(now, forecast(users))
    found = {"CPU": cpu, "load": now, "load and forecast": looking}
    if shape == "surprise":
        event = announced(loads.EVENT_DAY, loads.EVENT_HOUR, loads.EVENT_HOURS, loads.EVENT_USERS)
        found["load, forecast and event"] = highest(looking, event)
    return found


def measure() -> dict[str, Any]:
    """Return the outcome of each autoscaler on each load shape."""
    found: dict[str, Any] = {}
    for shape in loads.NAMES:
        users = minutes(loads.read(shape))
        found[shape] = {name: vars(simulate(users, need)) for name, need in needs(shape, users).items()}
    return found


def lines(figures: dict[str, Any]) -> list[str]:
    """Return the figures as the rows of a Markdown table."""
    return [
        "| Load shape | Scaled on | Late, replica-minutes | Minutes with a replica missing | Wasted, replica-hours "
        "| Replica-hours |",
        "|---|---|--:|--:|--:|--:|",
        *(
            f"| {shape} | {name} | {one['late']:,.0f} | {one['minutes_late']:,.0f} | {one['wasted']:,.0f} "
            f"| {one['used']:,.0f} |"
            for shape, outcomes in figures.items()
            for name, one in outcomes.items()
        ),
    ]
