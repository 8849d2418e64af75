"""Service level objectives, and how well the services meet them. Pure."""

from collections.abc import Sequence

from components.monitoring import requests
from components.monitoring.dashboards.panels import Chart, Row
from components.monitoring.dashboards.scope import Scope
from components.monitoring.names import MonitoringTargets
from components.monitoring.rules.objectives import OBJECTIVES, Objective

TITLE = "objectives"
SHORT, LONG = "1h", "3d"


def rows(targets: MonitoringTargets, scope: Scope) -> Sequence[Row]:
    """The rows of the dashboard: one per objective. Empty without a mesh, which counts the requests."""
    if not targets.meshed:
        return []
    return [Row(title=f"{one.title}: {one.share:.1%} {one.promise}", charts=_charts(one, scope)) for one in OBJECTIVES]


def _charts(objective: Objective, scope: Scope) -> list[Chart]:
    short, long = scope.of(objective.record(SHORT)), scope.of(objective.record(LONG))
    legend = scope.legend(requests.SERVICE)
    return [
        Chart(title="Kept, in three days", queries={legend: f"1 - {long}"}, unit="percentunit", kind="bars"),
        Chart(
            title="Budget left",
            queries={legend: f"1 - {long} / {objective.budget:g}"},
            unit="percentunit",
            kind="bars",
            note="Of what may fail in three days. Below 0 the promise is broken.",
        ),
        Chart(title="Broken, in an hour", queries={legend: short}, unit="percentunit"),
        Chart(
            title="Burn rate",
            queries={legend: f"{short} / {objective.budget:g}"},
            note="1 uses the budget up exactly at its end. 14.4 uses up two days of thirty in an hour.",
        ),
    ]
