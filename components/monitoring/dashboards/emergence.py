"""Emergence of new patterns: series that did not exist a day ago, and rates that changed. Pure."""

from collections.abc import Sequence

from components.monitoring.dashboards.panels import Chart, Row, single
from components.monitoring.dashboards.scope import Scope
from components.monitoring.names import MonitoringTargets
from components.monitoring.rules.emergence import Emergence, emergences

TITLE = "emergence of new patterns"
NEW_NOTE = "Seen now, and not a day ago. For a day after Prometheus has started, nothing counts as new."
CHANGE_NOTE = "Standard deviations from the mean of the last day. Beyond 3 is rare by chance."


def rows(targets: MonitoringTargets, scope: Scope) -> Sequence[Row]:
    """The rows of the dashboard: one per kind of monitored series."""
    return [Row(title=kind.title, charts=_charts(kind, scope)) for kind in emergences(targets)]


def _charts(kind: Emergence, scope: Scope) -> list[Chart]:
    new, change, rate = scope.of(kind.new), scope.of(kind.change), scope.of(kind.rate)
    legend = scope.legend(*kind.labels)
    return [
        single("New today", f"count({new}) or vector(0)", note=NEW_NOTE),
        single("Changed sharply", f"count(abs({change}) > 3) or vector(0)", note=CHANGE_NOTE),
        Chart(title="New", queries={legend: new}, kind="table", unit="ops", note=NEW_NOTE),
        Chart(title="Change of rate", queries={legend: change}, note=CHANGE_NOTE),
        Chart(title="Rate", queries={legend: rate}, unit="ops"),
    ]
