"""How many replicas each service needs: for the load now, for the forecast, and for announced events. Pure.

KEDA asks for these series (components/scaling). Their unit is replicas, so a trigger's target is 1, and the largest of
them decides. `docs/scaling.md` explains the formulas, and `benchmarks/forecast.py` computes the same ones.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from components.durations import DAY_SECONDS
from components.monitoring import requests
from components.monitoring.names import MonitoringTargets
from components.monitoring.rules.expressions import FOUR_SCRAPES, no_pod_answers, zero_once_seen
from components.monitoring.rules.model import Alert, Recording, Rules

SERVICE: Final = "service"
DEMAND: Final = "service:demand:replicas"
"""Replicas that one kind of load needs now. Label `signal`: users, requests, or up (0, once Prometheus sees a pod)."""
LOAD: Final = "service:load:replicas"
"""Replicas that the load needs now. Missing if Prometheus sees no pod of the service."""
GROWTH: Final = "service:growth:ratio"
"""Load of the last hours against the same hours of the last weeks, within bounds."""
FORECAST: Final = "service:forecast:replicas"
EXPECTED: Final = "event:expected:replicas"
"""Replicas for one announced event (label `event`), from shortly before its start to its end."""
EVENTS: Final = "service:events:replicas"

TARGET_SHARE: Final = 0.8
"""Share of its capacity that each replica is meant to have. The HorizontalPodAutoscaler lets a need within 10 % of the
replicas pass, so a larger share could leave replicas with more than their capacity."""
GROWTH_HOURS: Final = 6
WEEK_MINUTES: Final = 7 * 24 * 60
MEDIAN: Final = 0.5


@dataclass(frozen=True, kw_only=True)
class ServiceDemand:
    """A service, and the load that one replica carries."""

    name: str
    users_metric: str | None
    """A gauge with the users of a pod. None: the service has only requests."""
    users_per_replica: int
    requests_per_replica: int
    """Per second."""


@dataclass(frozen=True, kw_only=True)
class TimedEvent:
    """An announced event in this region."""

    name: str
    begins: int
    """When the replicas must be there, in seconds since 1970."""
    ends: int
    """When its users are gone, in seconds since 1970."""
    users: int
    """Users in this region at the same time, with those who would be there without the event."""


@dataclass(frozen=True, kw_only=True)
class ScalingPlan:
    """What the replicas of a region's services follow."""

    services: Sequence[ServiceDemand]
    weeks: int
    """Past weeks that the forecast reads. 0: no forecast."""
    lead_minutes: int
    """Minutes by which the forecast looks ahead."""
    max_growth: float
    """Highest factor by which today's growth multiplies the load of the last weeks, at least 1. Its inverse is the
    lowest."""
    events: Sequence[TimedEvent] = ()
    """Announced events of the region. Empty: no rule about events."""


def history_days(weeks: int) -> int:
    """Return the days of metrics that a forecast from `weeks` past weeks reads."""
    return weeks * 7 + 1


def replicas_for(users: float, users_per_replica: int) -> float:
    """Return the replicas that `users` need, as a fraction."""
    return users / (users_per_replica * TARGET_SHARE)


def scaling_rules(targets: MonitoringTargets, plan: ScalingPlan | None) -> Mapping[str, Rules]:
    """Return the rules by group. Empty without a plan."""
    if plan is None:
        return {}
    # Prometheus evaluates the rules of a group in their order, and each of these reads the one before.
    needs = [*(rule for service in plan.services for rule in _demand(targets, service)), _load()]
    if plan.weeks:
        needs += [_growth(plan), _forecast(plan)]
    return {"scaling": [*needs, *_events(plan), *_alerts(targets, plan)]}


def _demand(targets: MonitoringTargets, service: ServiceDemand) -> Sequence[Recording]:
    pods = f'namespace="{targets.services}"'
    exprs = {}
    if service.users_metric:
        exprs["users"] = f"sum({service.users_metric}{{{pods}}}) / {service.users_per_replica * TARGET_SHARE:g}"
    if targets.meshed:
        # A WebSocket is a request that lasts for hours: it counts among the users.
        arrived = ",".join([*requests.received(targets), f'{requests.SERVICE}="{service.name}"', requests.NOT_UPGRADED])
        rate = f"rate({requests.REQUESTS}{{{arrived}}}[{FOUR_SCRAPES}])"
        exprs["requests"] = f"sum({rate}) / {service.requests_per_replica * TARGET_SHARE:g}"
    exprs["up"] = zero_once_seen(f'{pods},job="{service.name}"')
    return [
        Recording(record=DEMAND, expr=expr, labels={SERVICE: service.name, "signal": signal})
        for signal, expr in exprs.items()
    ]


def _load() -> Recording:
    """The load needs what the most demanding signal needs. Without a scraped pod nothing is known."""
    seen = f'max by ({SERVICE}) ({DEMAND}{{signal="up"}})'
    return Recording(record=LOAD, expr=f"max by ({SERVICE}) ({DEMAND}) and on ({SERVICE}) {seen}")


def _growth(plan: ScalingPlan) -> Recording:
    window = f"[{GROWTH_HOURS}h]"
    usual = _usual(plan, lambda week: f"avg_over_time({LOAD}{window} offset {week}w)")
    return Recording(
        record=GROWTH,
        expr=(
            f"clamp(avg_over_time({LOAD}{window}) / ({usual} > 0), {1 / plan.max_growth:.4g}, {plan.max_growth:.4g})"
        ),
    )


def _forecast(plan: ScalingPlan) -> Recording:
    """The most that was needed from this minute to `lead_minutes` later, a week ago and more."""
    lead = plan.lead_minutes
    ahead = _usual(plan, lambda week: f"max_over_time({LOAD}[{lead}m] offset {week * WEEK_MINUTES - lead}m)")
    return Recording(record=FORECAST, expr=f"{ahead} * on ({SERVICE}) {GROWTH}")


def _usual(plan: ScalingPlan, of_week: Callable[[int], str]) -> str:
    """The median of a value of each past week, by service. Weeks without data do not count."""
    weeks = [
        f'label_replace({of_week(week)}, "week", "{week}", "{SERVICE}", ".*")' for week in range(1, plan.weeks + 1)
    ]
    return f"quantile by ({SERVICE}) ({MEDIAN}, {' or '.join(weeks)})"


def _events(plan: ScalingPlan) -> Sequence[Recording]:
    expected = [
        Recording(
            record=EXPECTED,
            expr=(
                f"vector({replicas_for(event.users, service.users_per_replica):.6g})"
                f" and on () (vector(time()) >= {event.begins}) and on () (vector(time()) < {event.ends})"
            ),
            labels={SERVICE: service.name, "event": event.name},
        )
        for event in plan.events
        for service in plan.services
    ]
    # Events at the same time have different users.
    return [*expected, Recording(record=EVENTS, expr=f"sum by ({SERVICE}) ({EXPECTED})")] if expected else []


def _alerts(targets: MonitoringTargets, plan: ScalingPlan) -> Sequence[Alert]:
    place = f'{{namespace="{targets.scaling}"}}'
    return [
        Alert(
            name="KedaDown",
            expr=no_pod_answers(f'namespace="{targets.scaling}"'),
            wait="5m",
            severity="warning",
            summary="{{ $labels.deployment }} has no pod that answers",
            description=(
                "For 5 minutes the services' autoscalers have got no metrics of load, forecast and events. No replica "
                "is removed, and only the use of CPU and memory adds replicas."
            ),
            runbook="services-do-not-scale",
        ),
        Alert(
            name="ScalingMetricsMissing",
            expr=f"sum by (scaledObject) (rate(keda_scaler_detail_errors_total{place}[5m])) > 0",
            wait="10m",
            severity="warning",
            summary="KEDA gets no metrics of {{ $labels.scaledObject }}",
            description=(
                "For 10 minutes Prometheus has not told KEDA how many replicas {{ $labels.scaledObject }} needs. No "
                "replica is removed, and only the use of CPU and memory adds replicas."
            ),
            runbook="services-do-not-scale",
        ),
        _at_maximum(targets),
        *([_history_cut(targets, plan)] if plan.weeks else []),
    ]


def _at_maximum(targets: MonitoringTargets) -> Alert:
    limit = f'kube_horizontalpodautoscaler_spec_max_replicas{{namespace="{targets.services}"}}'
    of_service = f'label_replace({limit}, "{SERVICE}", "$1", "horizontalpodautoscaler", "(.*)")'
    return Alert(
        name="ServiceAtMaximum",
        expr=f"{LOAD} > on ({SERVICE}) max by ({SERVICE}) ({of_service})",
        wait="10m",
        severity="warning",
        summary="{{ $labels.service }} needs {{ $value | humanize }} replicas, which is more than it may have",
        description=(
            "For 10 minutes the load has been above four fifths of what `maxReplicas` replicas are meant to carry."
        ),
        runbook="service-at-maximum",
    )


def _history_cut(targets: MonitoringTargets, plan: ScalingPlan) -> Alert:
    place = f'{{namespace="{targets.monitoring}"}}'
    needed = history_days(plan.weeks) * DAY_SECONDS
    return Alert(
        name="ForecastHistoryCut",
        expr=(
            f"time() - prometheus_tsdb_lowest_timestamp_seconds{place} < {needed}"
            f" and on (pod) increase(prometheus_tsdb_size_retentions_total{place}[1d]) > 0"
        ),
        wait="1h",
        severity="warning",
        summary="Prometheus deletes the weeks that the forecast reads",
        description=(
            "Its volume is full, and {{ $value | humanizeDuration }} are left. The forecast then has fewer weeks, or "
            "none, and replicas only follow the load."
        ),
        runbook="volume-filling",
    )
