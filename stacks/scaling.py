"""What the replicas of a region's services follow, from the settings and the region's place. Pure."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from components.monitoring import ScalingPlan, ServiceDemand, TimedEvent
from components.scaling.settings import TIME_FORMAT, EventSettings, ScalingSettings
from components.services.settings import USERS_METRIC, ServicesSettings
from components.settings.values import LOCAL
from stacks.settings import Settings


def scaling_plan(settings: Settings, time_zone: str) -> ScalingPlan | None:
    """Return the plan of a region in `time_zone` (IANA); None if KEDA does not scale the services."""
    scaling = settings.scaling
    if not scaling.enabled:
        return None
    forecast = scaling.forecast
    return ScalingPlan(
        services=_demands(settings.running_services),
        weeks=forecast.weeks if forecast.enabled else 0,
        lead_minutes=forecast.lead_minutes,
        max_growth=forecast.max_growth,
        events=[timed(event, scaling, time_zone) for event in scaling.events],
    )


def timed(event: EventSettings, scaling: ScalingSettings, time_zone: str) -> TimedEvent:
    """Return when `event` needs its replicas in a region in `time_zone` (IANA).

    A time that a clock shows twice, at the end of summer time, is the earlier one.
    """
    zone = ZoneInfo(time_zone if event.time_zone == LOCAL else event.time_zone)
    start = datetime.strptime(event.start, TIME_FORMAT).replace(tzinfo=zone).astimezone(UTC)
    begins = start - timedelta(minutes=scaling.forecast.lead_minutes)
    ends = start + timedelta(hours=event.hours)
    return TimedEvent(name=event.name, begins=int(begins.timestamp()), ends=int(ends.timestamp()), users=event.users)


def _demands(services: ServicesSettings) -> list[ServiceDemand]:
    return [
        ServiceDemand(
            name=name,
            users_metric=USERS_METRIC[name],
            users_per_replica=service.users_per_replica,
            requests_per_replica=service.requests_per_replica,
        )
        for name, service in services.by_name().items()
    ]
