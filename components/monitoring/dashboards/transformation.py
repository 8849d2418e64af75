"""Transformation success: what practitioners begin and complete. Pure."""

from collections.abc import Sequence

from components.monitoring.dashboards.panels import Chart, Row, single
from components.monitoring.dashboards.scope import Scope
from components.monitoring.names import MonitoringTargets

TITLE = "transformation success"
COMPLETED = 'outcome="completed"'
DAY = "1d"


def rows(targets: MonitoringTargets, scope: Scope) -> Sequence[Row]:
    """The rows of the dashboard."""
    return [
        Row(title="In a day", charts=_day(targets, scope)),
        Row(title="Over time", charts=_over_time(targets, scope)),
    ]


def _day(targets: MonitoringTargets, scope: Scope) -> list[Chart]:
    services = f'namespace="{targets.services}"'
    started = scope.of("sacred_transformations_started_total", services)
    finished = "sacred_transformations_finished_total"
    completed, ended = scope.of(finished, services, COMPLETED), scope.of(finished, services)
    matches = scope.of("sacred_agent_matches_total", services)
    accepted = scope.of("sacred_agent_matches_total", services, 'outcome="accepted"')
    return [
        single("Begun", f"sum(increase({started}[{DAY}]))"),
        single("Completed", f"sum(increase({completed}[{DAY}]))"),
        single("Success", _day_share(completed, ended), "percentunit", "Of those that ended, one way or another."),
        single("Matches accepted", _day_share(accepted, matches), "percentunit"),
    ]


def _day_share(part: str, whole: str) -> str:
    return f"sum(increase({part}[{DAY}])) / sum(increase({whole}[{DAY}]))"


def _over_time(targets: MonitoringTargets, scope: Scope) -> list[Chart]:
    services = f'namespace="{targets.services}"'
    finished = "sacred_transformations_finished_total"
    completed = scope.rate(finished, services, COMPLETED, window="1h")
    ended = scope.rate(finished, services, window="1h")
    duration = scope.quantile(0.5, "sacred_transformation_duration_seconds", services, by=("practice",))
    by_practice = scope.legend("practice")
    matching = scope.quantile(0.95, "sacred_agent_match_duration_seconds", services)
    return [
        Chart(
            title="Success by practice",
            queries={by_practice: scope.share(completed, ended, "practice")},
            unit="percentunit",
        ),
        Chart(title="Endings by outcome", queries={scope.legend("outcome"): scope.sum(ended, "outcome")}, unit="ops"),
        Chart(title="Half of them take less than", queries={by_practice: duration}, unit="s", exemplars=True),
        Chart(title="95 % of matches are found within", queries={scope.legend(): matching}, unit="s"),
    ]
