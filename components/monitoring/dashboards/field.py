"""Love field intensity by region. Pure: no resources."""

from collections.abc import Sequence

from components.monitoring.dashboards.panels import Chart, Row, single
from components.monitoring.dashboards.scope import REGION, Scope
from components.monitoring.names import MonitoringTargets
from components.monitoring.rules.places import INTENSITY, PARTICIPANTS

TITLE = "field intensity by region"
BY_REGION = f"{{{{{REGION}}}}}"


def rows(targets: MonitoringTargets, scope: Scope) -> Sequence[Row]:
    """The rows of the dashboard."""
    services = f'namespace="{targets.services}"'
    intensity = scope.of("sacred_field_intensity_ratio", services)
    updates = scope.rate("sacred_field_updates_total", services)
    now = [
        single("Intensity", f"avg({scope.of(INTENSITY)})", "percentunit"),
        single("Lowest", f"min({scope.of(INTENSITY)})", "percentunit"),
        single("Highest", f"max({scope.of(INTENSITY)})", "percentunit"),
        single("Updates per second", f"sum({updates})", "ops"),
    ]
    regions = [
        Chart(title="Intensity now", queries={BY_REGION: scope.of(INTENSITY)}, unit="percentunit", kind="bars"),
        Chart(title="Practitioners now", queries={BY_REGION: scope.of(PARTICIPANTS)}, kind="bars"),
        Chart(title="Intensity over time", queries={BY_REGION: scope.of(INTENSITY)}, unit="percentunit"),
        Chart(title="Updates of the field", queries={scope.legend(): scope.sum(updates)}, unit="ops"),
        Chart(
            title="Spread between pods",
            queries={scope.legend(): f"{scope.aggregate('max', intensity)} - {scope.aggregate('min', intensity)}"},
            unit="percentunit",
            note="Pods that disagree have not seen the same updates: look at the message flow.",
        ),
    ]
    return [Row(title="Now", charts=now), Row(title="By region", charts=regions)]
