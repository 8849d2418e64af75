"""Every dashboard, as JSON for Grafana. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import DataSourceRef, VariableOption, VariableRefresh

from components.monitoring.dashboards import (
    cache,
    circles,
    connections,
    cost,
    database,
    emergence,
    field,
    flow,
    ledger,
    matching,
    mesh,
    messaging,
    objectives,
    overview,
    resonance,
    scaling,
    streaming,
    transformation,
)
from components.monitoring.dashboards.panels import Row, fitted, panel
from components.monitoring.dashboards.scope import ALL_REGIONS, ONE_REGION, REGION, Scope
from components.monitoring.names import GLOBAL_DATASOURCE, MonitoringTargets
from components.monitoring.rules.places import PLACE

ALL = "$__all"


@dataclass(frozen=True, kw_only=True)
class Dashboard:
    """A dashboard."""

    name: str
    """Part of the names of objects."""
    title: str
    rows: Callable[[MonitoringTargets, Scope], Sequence[Row]]
    """Returns the rows. Empty when there is nothing to show."""


DASHBOARDS = (
    Dashboard(name="overview", title=overview.TITLE, rows=overview.rows),
    Dashboard(name="resonance", title=resonance.TITLE, rows=resonance.rows),
    Dashboard(name="field", title=field.TITLE, rows=field.rows),
    Dashboard(name="flow", title=flow.TITLE, rows=flow.rows),
    Dashboard(name="connections", title=connections.TITLE, rows=connections.rows),
    Dashboard(name="transformation", title=transformation.TITLE, rows=transformation.rows),
    Dashboard(name="emergence", title=emergence.TITLE, rows=emergence.rows),
    Dashboard(name="objectives", title=objectives.TITLE, rows=objectives.rows),
    Dashboard(name="database", title=database.TITLE, rows=database.rows),
    Dashboard(name="cache", title=cache.TITLE, rows=cache.rows),
    Dashboard(name="messaging", title=messaging.TITLE, rows=messaging.rows),
    Dashboard(name="streaming", title=streaming.TITLE, rows=streaming.rows),
    Dashboard(name="matching", title=matching.TITLE, rows=matching.rows),
    Dashboard(name="ledger", title=ledger.TITLE, rows=ledger.rows),
    Dashboard(name="circles", title=circles.TITLE, rows=circles.rows),
    Dashboard(name="mesh", title=mesh.TITLE, rows=mesh.rows),
    Dashboard(name="scaling", title=scaling.TITLE, rows=scaling.rows),
    Dashboard(name="cost", title=cost.TITLE, rows=cost.rows),
)


def shown(targets: MonitoringTargets, scope: Scope) -> Mapping[str, Sequence[Row]]:
    """Return the rows of every dashboard that has any, by the dashboard's name."""
    found = {one.name: one.rows(targets, scope) for one in DASHBOARDS}
    return {name: rows for name, rows in found.items() if rows}


def rendered(targets: MonitoringTargets, scope: Scope) -> Mapping[str, str]:
    """Return the JSON of every dashboard that has rows, by the dashboard's name."""
    titles = {one.name: one.title for one in DASHBOARDS}
    return {name: _json(name, titles[name], rows, scope) for name, rows in shown(targets, scope).items()}


def folder(scope: Scope) -> str:
    """Return Grafana's folder for the dashboards of a view."""
    return "Sacred Council: all regions" if scope.across else "Sacred Council: this region"


def _json(name: str, title: str, rows: Sequence[Row], scope: Scope) -> str:
    built = (
        dashboard.Dashboard(f"{folder(scope)}: {title}")
        .uid(f"sacred-council-{scope.name}-{name}")
        .tags(["sacred-council", scope.name])
        .refresh("30s")
        .time("now-3h", "now")
        .timezone("browser")
        .readonly()
    )
    if scope.across:
        built = built.with_variable(_regions())
    for row in rows:
        built = built.with_row(dashboard.Row(row.title))
        for chart, span in fitted(row.charts):
            built = built.with_panel(panel(chart, scope.datasource, span))
    # In one line: with an indent, Python encodes without its C code, which takes ten times as long.
    return JSONEncoder(sort_keys=True, separators=(",", ":")).encode(built.build())


def _regions() -> dashboard.QueryVariable:
    """Let the user select regions. The default is all."""
    return (
        dashboard.QueryVariable(REGION)
        .label("Region")
        .datasource(DataSourceRef(type_val="prometheus", uid=GLOBAL_DATASOURCE))
        .query(f"label_values({PLACE}, {REGION})")
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(VariableOption(selected=True, text="All", value=ALL))
    )


__all__ = ["ALL_REGIONS", "DASHBOARDS", "ONE_REGION", "Dashboard", "Scope", "folder", "rendered", "shown"]
