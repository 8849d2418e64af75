"""Settings of scaling that looks ahead."""

from datetime import datetime
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from components.settings import Model
from components.settings.values import Count, TimeZoneOrLocal, mistake, pattern

TIME_FORMAT: Final = "%Y-%m-%dT%H:%M"
"""A time on a clock, in minutes and without a zone."""


def _time_exists(value: str) -> str:
    try:
        datetime.strptime(value, TIME_FORMAT)
    except ValueError:
        raise mistake("is not in the calendar", "write e.g. 2027-01-01T00:00") from None
    return value


EventName = Annotated[
    str,
    pattern(
        r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?",
        "must be at most 40 lower case letters, digits and hyphens, starting with a letter",
        "write e.g. new-year",
    ),
]
ClockTime = Annotated[
    str,
    pattern(
        r"20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]",
        "must be a date and a time of day in minutes, without a zone",
        "write e.g. 2027-01-01T00:00",
    ),
    AfterValidator(_time_exists),
]


class ForecastSettings(Model):
    """The forecast: the load of this weekday and hour in the last weeks, times today's growth."""

    enabled: bool = True
    """Whether replicas also follow the forecast."""
    weeks: Annotated[int, Field(ge=1, le=8)] = 3
    """Past weeks whose load the forecast reads. It takes the median, so one odd week of three changes little.
    `monitoring.retention` must hold them and a day."""
    lead_minutes: Annotated[int, Field(ge=5, le=120)] = 15
    """Minutes by which the replicas are there before the load. The time must suffice for new machines."""
    max_growth: Annotated[float, Field(ge=1, le=10)] = 2.0
    """Most by which today's growth multiplies the load of the last weeks, and its inverse the least. Growth is the load
    of the last six hours against the same hours of the last weeks."""


class EventSettings(Model):
    """An announced event, for which replicas are there before its users."""

    name: EventName = Field(examples=["new-year"])
    """Name of the event."""
    start: ClockTime = Field(examples=["2027-01-01T00:00"])
    """When the event starts by the clock of `timeZone`. Replicas are there `scaling.forecast.leadMinutes` before."""
    time_zone: TimeZoneOrLocal = "local"
    """The clock of `start`: an IANA time zone for one moment in all regions, or `local` for the same time of day
    everywhere, one region after the other."""
    hours: Annotated[int, Field(ge=1, le=168)] = 2
    """Hours for which the users stay."""
    users: Count = Field(examples=[1000])
    """Users expected in each region at the same time, including those who would be there without the event."""


class ScalingSettings(Model):
    """KEDA in each region, which scales the services on load, forecast and announced events."""

    enabled: bool = False
    """Whether KEDA scales the services, in place of their HorizontalPodAutoscalers. It needs the monitoring. To switch
    it off again, read docs/runbooks/switch-keda-off.md first."""
    forecast: ForecastSettings = ForecastSettings()
    """The forecast of the load."""
    events: Annotated[tuple[EventSettings, ...], Field(strict=False)] = ()
    """Announced events. One that is over asks for nothing, and may stay in the list."""
