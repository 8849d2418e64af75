"""Three load shapes: users of one service in one region, every five minutes, for five weeks.

They are made, not recorded: no recorded load of a platform like this one could be had.
`python -m benchmarks.loads` makes the files anew, always with the same numbers.
Each line of a file is a day in UTC, from a Monday on, with 288 values.

- `evenings`: quiet nights, a broad evening peak, fuller weekends, and 3 % more users each week.
- `gatherings`: a low base, and practices that begin at fixed hours: within five minutes most of their users are there.
- `surprise`: like `evenings` without growth. In the fifth week a crowd that nobody announced comes on Wednesday at
  15:00, and an event takes place on Friday at 20:00 that its hosts did announce.
"""

import math
import random
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent
NAMES: Final = ("evenings", "gatherings", "surprise")
STEP_MINUTES: Final = 5
DAY: Final = 24 * 60 // STEP_MINUTES
WEEKS: Final = 5

EVENT_USERS: Final = 150_000
"""Users whom the hosts of the event in `surprise` expect."""
EVENT_DAY: Final = 4 * 7 + 4
EVENT_HOUR: Final = 20
EVENT_HOURS: Final = 2
SURPRISE_DAY: Final = 4 * 7 + 2
SURPRISE_HOUR: Final = 15


def read(name: str) -> list[int]:
    """Return the users at each step."""
    lines = (FOLDER / f"{name}.csv").read_text().splitlines()
    return [int(value) for line in lines for value in line.split(",")]


def made(name: str) -> list[list[int]]:
    """Return the users by day and step, as the file must have them."""
    noise = random.Random(name)  # noqa: S311 - no secret
    days = []
    for day in range(7 * WEEKS):
        # A day as a whole differs from the same day of other weeks, and each step a little from the steps beside it.
        mood = noise.gauss(1, 0.04)
        days.append([max(0, round(_users(name, day, step) * mood * noise.gauss(1, 0.01))) for step in range(DAY)])
    return days


def _users(name: str, day: int, step: int) -> float:
    hour = step * STEP_MINUTES / 60
    if name == "gatherings":
        return 8_000 + sum(_practice(hour - begins, users) for begins, users in _practices(day))
    evening = _evening(hour, weekend=day % 7 >= 5)
    if name == "evenings":
        return evening * 1.03 ** (day // 7)
    crowd = _practice(hour - SURPRISE_HOUR, 70_000) if day == SURPRISE_DAY else 0
    event = _event(hour - EVENT_HOUR) if day == EVENT_DAY else 0
    return max(evening + crowd, event)


def _evening(hour: float, *, weekend: bool) -> float:
    peak = 100_000 if weekend else 80_000
    return 12_000 + peak * math.exp(-(((hour - 19.5) / 3.2) ** 2)) + 25_000 * math.exp(-(((hour - 12.5) / 2.0) ** 2))


def _practices(day: int) -> list[tuple[float, float]]:
    """Hours at which practices begin, with their users."""
    daily: list[tuple[float, float]] = [(6.0, 40_000), (12.0, 25_000), (21.0, 60_000)]
    return [*daily, (10.0, 90_000)] if day % 7 == 6 else daily


def _practice(since: float, users: float) -> float:
    """Users of a practice `since` hours after it began: they come within minutes, stay 45 minutes, and leave."""
    if since < 0:
        return 0
    if since < 0.75:
        return users * (1 - math.exp(-since / 0.05))
    return users * math.exp(-(since - 0.75) / 0.15)


def _event(since: float) -> float:
    if since < 0 or since > EVENT_HOURS + 0.5:
        return 0
    return EVENT_USERS * 0.95 * min(1, 0.4 + since * 4) * (1 if since < EVENT_HOURS else 0.3)
