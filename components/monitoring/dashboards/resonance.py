"""Global consciousness resonance: a map of the world. Pure: no resources."""

from collections.abc import Sequence

from components.monitoring.dashboards.panels import Chart, Row, single
from components.monitoring.dashboards.scope import REGION, Scope
from components.monitoring.names import MonitoringTargets
from components.monitoring.rules.places import INTENSITY, PARTICIPANTS, PLACE, REQUESTS, RESONANCE

TITLE = "global resonance heatmap"
RATIO_NOTE = "0 is none, 1 is full. Published by the service consciousness-field."


def rows(targets: MonitoringTargets, scope: Scope) -> Sequence[Row]:
    """The rows of the dashboard. Its series have a region label of their own in both views."""
    busy = [_map(scope, "Where requests are served", REQUESTS, "reqps", "")] if targets.meshed else []
    resonance = scope.of(RESONANCE)
    numbers = [
        single("Resonance", f"avg({resonance})", "percentunit", RATIO_NOTE),
        single("Field intensity", f"avg({scope.of(INTENSITY)})", "percentunit", RATIO_NOTE),
        single("Practitioners in the field", f"sum({scope.of(PARTICIPANTS)})"),
    ]
    over_time = Chart(title="Resonance by region", queries={f"{{{{{REGION}}}}}": resonance}, unit="percentunit")
    return [
        Row(title="Now", charts=numbers),
        Row(title="The world", charts=[_map(scope, "Resonance", RESONANCE, "percentunit", RATIO_NOTE), *busy]),
        Row(title="Over time", charts=[over_time]),
    ]


def _map(scope: Scope, title: str, record: str, unit: str, note: str) -> Chart:
    query = f"{scope.of(record)} * on ({REGION}) group_left (city, latitude, longitude) {scope.of(PLACE)}"
    return Chart(title=title, queries={"": query}, unit=unit, kind="map", note=note)
