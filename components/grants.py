"""Grants that a cloud takes at once and honours only some time later (ADR 23).

The providers of Azure and Google Cloud do not try again: what uses a fresh grant fails. So a value that needs a grant
is known only once the grant is old enough. The clouds say when a grant was made, so a later run does not wait again.
"""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

import pulumi

GRANT_WAIT: Final = timedelta(minutes=3)
"""How old a grant is when it is used. Azure documents up to ten minutes, Google seven; both mostly need one or two."""

T = TypeVar("T")


def once_honoured(value: pulumi.Output[T], made: Sequence[pulumi.Output[str]]) -> pulumi.Output[T]:
    """`value`, known once the youngest grant is old enough. `made` are the times (ISO 8601) the grants were made at."""

    async def settle(known: list[Any]) -> T:
        found, *times = known
        seconds = seconds_left(map(str, times), datetime.now(UTC))
        # A preview uses nothing, so it waits for nothing.
        if seconds and not pulumi.runtime.is_dry_run():
            pulumi.log.info(f"Waiting {seconds:.0f} seconds until the cloud honours a new grant.")
            await asyncio.sleep(seconds)
        usable: T = found
        return usable

    return pulumi.Output.all(value, *made).apply(settle)


def seconds_left(made: Iterable[str], now: datetime) -> float:
    """Seconds until the youngest of the grants is old enough: never more than `GRANT_WAIT`, if clocks differ. Pure."""
    youngest = max(_time(text) for text in made)
    return min(max((youngest + GRANT_WAIT - now).total_seconds(), 0), GRANT_WAIT.total_seconds())


def _time(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
