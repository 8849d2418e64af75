"""Rules between scaling, monitoring and services. Pure."""

import math
from collections.abc import Iterator
from typing import Final

from components.durations import DAY_SECONDS
from components.monitoring.rules.scaling import history_days, replicas_for
from components.scaling.settings import EventSettings
from components.settings.values import seconds_of, time_zones
from stacks.settings.errors import Mistake, shown
from stacks.settings.models import Settings
from stacks.settings.rules.lists import names_differ


def scaling_has_metrics(settings: Settings) -> Iterator[Mistake]:
    """KEDA asks Prometheus."""
    if settings.scaling.enabled and not settings.monitoring.enabled:
        yield Mistake(
            path="scaling.enabled",
            value=shown(True),
            rule="needs monitoring, because Prometheus computes the load and the forecast",
            remedy="write monitoring.enabled: true, or remove scaling.enabled",
            reads=("monitoring.enabled",),
        )


def weeks_are_kept(settings: Settings) -> Iterator[Mistake]:
    """Prometheus keeps the weeks that the forecast reads, and a day."""
    forecast = settings.scaling.forecast
    days = history_days(forecast.weeks)
    if settings.scaling.enabled and forecast.enabled and seconds_of(settings.monitoring.retention) < days * DAY_SECONDS:
        yield Mistake(
            path="monitoring.retention",
            value=shown(settings.monitoring.retention),
            rule=f"is shorter than the {days} days that a forecast from {forecast.weeks} weeks needs",
            remedy=f"write {days}d or more, or lower scaling.forecast.weeks",
            reads=("scaling.enabled", "scaling.forecast"),
        )


def events_by_path(settings: Settings) -> Iterator[tuple[str, EventSettings]]:
    """Each event with its path, such as `scaling.events[0]`."""
    return ((f"scaling.events[{index}]", event) for index, event in enumerate(settings.scaling.events))


def events_have_an_effect(settings: Settings) -> Iterator[Mistake]:
    """Without KEDA, nothing makes replicas for an event."""
    for path, event in events_by_path(settings):
        if not settings.scaling.enabled:
            yield Mistake(
                path=f"{path}.name",
                value=shown(event.name),
                rule="has no effect without KEDA",
                remedy="write scaling.enabled: true, or remove the event",
                reads=("scaling.enabled",),
            )


def event_names_differ(settings: Settings) -> Iterator[Mistake]:
    """Event names are unique."""
    yield from names_differ(events_by_path(settings))


def events_fit(settings: Settings) -> Iterator[Mistake]:
    """Each service has enough replicas, at most, for the users of an event."""
    for path, event in events_by_path(settings):
        for name, service in settings.running_services.by_name().items():
            needed = math.ceil(replicas_for(event.users, service.users_per_replica))
            if settings.scaling.enabled and needed > service.max_replicas:
                yield Mistake(
                    path=f"{path}.users",
                    value=shown(event.users),
                    rule=f"need {needed} replicas of {name} in each region, and maxReplicas is {service.max_replicas}",
                    remedy=f"raise services.{name}.maxReplicas, or usersPerReplica if a replica can serve more",
                    reads=(
                        "scaling.enabled",
                        f"services.{name}.maxReplicas",
                        f"services.{name}.usersPerReplica",
                    ),
                )


def clocks_are_known(settings: Settings) -> Iterator[Mistake]:
    """This machine can tell when an event starts."""
    if settings.scaling.enabled and settings.scaling.events and not time_zones():
        yield Mistake(
            path="scaling.events",
            rule="need a time zone database, and this machine has none",
            remedy="install tzdata with the machine's package manager, or with pip",
            reads=("scaling.enabled",),
        )


RULES: Final = (
    scaling_has_metrics,
    weeks_are_kept,
    events_have_an_effect,
    event_names_differ,
    events_fit,
    clocks_are_known,
)
