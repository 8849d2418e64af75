"""Replicas of the services, and what they follow: load, forecast and events. Pure: no resources."""

from collections.abc import Sequence

from components.monitoring.dashboards.panels import Chart, Row
from components.monitoring.dashboards.scope import Scope
from components.monitoring.names import MonitoringTargets
from components.monitoring.rules.scaling import DEMAND, EVENTS, EXPECTED, FORECAST, GROWTH, LOAD, SERVICE

TITLE = "scaling"
SCALER = "horizontalpodautoscaler"


def rows(targets: MonitoringTargets, scope: Scope) -> Sequence[Row]:
    """The rows of the dashboard. Empty unless KEDA scales the services."""
    if targets.scaling is None:
        return []
    return [
        Row(title="Replicas", charts=_replicas(targets, scope)),
        Row(title="What they follow", charts=_needs(scope)),
        Row(title="KEDA", charts=_keda(targets, scope)),
    ]


def _replicas(targets: MonitoringTargets, scope: Scope) -> list[Chart]:
    services = f'namespace="{targets.services}"'
    there = scope.of(f"kube_{SCALER}_status_current_replicas", services)
    most = scope.of(f"kube_{SCALER}_spec_max_replicas", services)
    legend = scope.legend(SCALER)
    return [
        Chart(title="Replicas", queries={legend: scope.sum(there, SCALER)}),
        Chart(
            title="Of the most that there may be",
            queries={legend: f"{scope.sum(there, SCALER)} / {scope.sum(most, SCALER)}"},
            unit="percentunit",
            kind="bars",
        ),
    ]


def _needs(scope: Scope) -> list[Chart]:
    legend = scope.legend(SERVICE)
    return [
        Chart(title="Needed for the load", queries={legend: scope.of(LOAD)}, note="In replicas."),
        Chart(
            title="Needed by users and by requests",
            queries={scope.legend(SERVICE, "signal"): scope.of(DEMAND, 'signal!="up"')},
        ),
        Chart(
            title="Forecast",
            queries={legend: scope.of(FORECAST)},
            note="The median of the last weeks at this hour, times growth.",
        ),
        Chart(
            title="Growth",
            queries={legend: scope.of(GROWTH)},
            unit="percentunit",
            note="The load of the last six hours against the same hours of the last weeks.",
        ),
        Chart(title="Needed for announced events", queries={legend: scope.of(EVENTS)}),
        Chart(
            title="Events",
            queries={scope.legend("event"): scope.aggregate("max", scope.of(EXPECTED), "event")},
            note="Replicas of the service that needs most.",
        ),
    ]


def _keda(targets: MonitoringTargets, scope: Scope) -> list[Chart]:
    keda = f'namespace="{targets.scaling}"'
    errors = scope.rate("keda_scaler_detail_errors_total", keda)
    waits = scope.of("keda_scaler_metrics_latency_seconds", keda)
    return [
        Chart(
            title="Questions without an answer",
            queries={scope.legend("scaledObject"): scope.sum(errors, "scaledObject")},
            unit="ops",
            note="Above 0, replicas stay, and only CPU and memory add to them.",
        ),
        Chart(
            title="Wait for an answer",
            queries={scope.legend("scaler"): scope.aggregate("max", waits, "scaler")},
            unit="s",
        ),
    ]
