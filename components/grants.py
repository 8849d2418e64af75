"""Grants that a cloud accepts at once but honours only later (ADR 23).

The providers of Azure and Google Cloud do not retry, so a resource that uses a fresh grant fails.
Therefore a value that needs a grant stays unknown until the grant is old enough.
The clouds report when a grant was made, so a later run does not wait again.
"""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

import pulumi

GRANT_WAIT: Final = timedelta(minutes=3)
"""Age at which a grant is used. Azure documents up to ten minutes, Google seven; both mostly need one or two."""

T = TypeVar("T")


def once_honoured(value: pulumi.Output[T], made: Sequence[pulumi.Output[str]]) -> pulumi.Output[T]:
    """Return `value` once the youngest grant is old enough. `made` are the grants' creation times (ISO 8601)."""

    async def settle(known: list[Any]) -> T:
        found, *times = known
        seconds = seconds_left(map(str, times), datetime.now(UTC))
        # A preview uses no grant, so it does not wait.
        if seconds and not pulumi.runtime.is_dry_run():
            pulumi.log.info(f"Waiting {seconds:.0f} seconds until the cloud honours a new grant.")
            await asyncio.sleep(seconds)
        usable: T = found
        return usable

    return pulumi.Output.all(value, *made).apply(settle)


def seconds_left(made: Iterable[str], now: datetime) -> float:
    """Return the seconds until the youngest grant is old enough, at most `GRANT_WAIT` even if clocks differ. Pure."""
    youngest = max(_time(text) for text in made)
    return min(max((youngest + GRANT_WAIT - now).total_seconds(), 0), GRANT_WAIT.total_seconds())


def _time(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
