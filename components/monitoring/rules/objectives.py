"""Service level objectives with alerts on several windows and burn rates. Pure.

An error budget is the number of requests that may fail in thirty days. A burn rate of 1 uses it up exactly by then.
Each alert requires a high rate on a long window, so that it is significant, and on a short window, so that it ends soon
after the problem.
Windows and rates: Google, The Site Reliability Workbook, chapter 5, "Multiwindow, Multi-Burn-Rate Alerts"
(https://sre.google/workbook/alerting-on-slos/).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from components.monitoring import requests
from components.monitoring.names import MonitoringTargets
from components.monitoring.rules.model import Alert, Recording, Rules, Severity

LATENCY_MS: Final = 500
"""Milliseconds. The value is one of the limits of Istio's histogram buckets."""
WITHIN_LIMIT: Final = f'le="{LATENCY_MS:.1f}"'
"""Prometheus 3 writes every limit as a floating-point number, however the proxy wrote it."""
WINDOWS: Final = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
TRAFFIC: Final = "service:user_requests:rate1h"
LEAST_TRAFFIC: Final = 0.01
"""Requests per second. With less traffic, a single failure would be a large share."""


@dataclass(frozen=True, kw_only=True)
class Burn:
    """Alerts when the budget burns `rate` times too fast on both windows."""

    long: str
    short: str
    rate: float


FAST: Final = (Burn(long="1h", short="5m", rate=14.4), Burn(long="6h", short="30m", rate=6))
SLOW: Final = (Burn(long="1d", short="2h", rate=3), Burn(long="3d", short="6h", rate=1))


@dataclass(frozen=True, kw_only=True)
class Objective:
    """A promise about users' requests."""

    name: str
    """Part of the names of series."""
    alert: str
    """Part of the names of alerts."""
    title: str
    promise: str
    share: float
    """Share of users' requests that keep the promise, from 0 to 1."""
    runbook: str

    @property
    def budget(self) -> float:
        """The share of requests that may break the promise."""
        return round(1 - self.share, 6)

    def record(self, window: str) -> str:
        """Return the name of the series with the share of requests that broke the promise, by service."""
        return f"service:{self.name}:ratio_rate{window}"


AVAILABILITY: Final = Objective(
    name="user_errors",
    alert="Availability",
    title="Availability",
    promise="of the users' requests do not end with a server error",
    share=0.999,
    runbook="availability-budget-burning",
)
LATENCY: Final = Objective(
    name="user_slow",
    alert="Latency",
    title="Latency",
    promise=f"of the users' requests take less than {LATENCY_MS} ms",
    share=0.99,
    runbook="latency-budget-burning",
)
OBJECTIVES: Final = (AVAILABILITY, LATENCY)


def objective_rules(targets: MonitoringTargets) -> Rules:
    """Return the rules and alerts of both objectives. Empty without a mesh, which counts the requests."""
    if not targets.meshed:
        return []
    return [*_recordings(targets), *(alert for objective in OBJECTIVES for alert in _alerts(objective))]


def _recordings(targets: MonitoringTargets) -> Sequence[Recording]:
    return [
        Recording(record=TRAFFIC, expr=_rate(targets, requests.REQUESTS, "1h")),
        *(Recording(record=AVAILABILITY.record(window), expr=_failed(targets, window)) for window in WINDOWS),
        *(Recording(record=LATENCY.record(window), expr=_slow(targets, window)) for window in WINDOWS),
    ]


def _failed(targets: MonitoringTargets, window: str) -> str:
    failed = _rate(targets, requests.REQUESTS, window, requests.FAILED)
    total = _rate(targets, requests.REQUESTS, window)
    # Services without failures have no series of failures.
    return f"({failed} or {total} * 0) / ({total} > 0)"


def _slow(targets: MonitoringTargets, window: str) -> str:
    """Exclude WebSockets, which last as long as their users stay."""
    in_time = _rate(targets, f"{requests.DURATION}_bucket", window, requests.NOT_UPGRADED, WITHIN_LIMIT)
    total = _rate(targets, f"{requests.DURATION}_count", window, requests.NOT_UPGRADED)
    return f"1 - {in_time} / ({total} > 0)"


def _rate(targets: MonitoringTargets, metric: str, window: str, *matchers: str) -> str:
    selector = ",".join([*requests.from_users(targets), *matchers])
    return f"sum by ({requests.SERVICE}) (rate({metric}{{{selector}}}[{window}]))"


def _alerts(objective: Objective) -> Sequence[Alert]:
    return [
        _alert(objective, "Fast", FAST, "critical", wait="2m", when="within hours or days"),
        _alert(objective, "Slow", SLOW, "warning", wait="15m", when="before its thirty days are over"),
    ]


def _alert(
    objective: Objective, pace: str, burns: Sequence[Burn], severity: Severity, *, wait: str, when: str
) -> Alert:
    return Alert(
        name=f"{objective.alert}BudgetBurns{pace}",
        expr=" or ".join(_exceeded(objective, burn) for burn in burns),
        wait=wait,
        severity=severity,
        summary=(
            f"{{{{ $labels.{requests.SERVICE} }}}} breaks its {objective.title.lower()} promise for "
            "{{ $value | humanizePercentage }} of its requests"
        ),
        description=(
            f"Promised: {objective.share:.1%} {objective.promise}. At this pace the error budget is used up {when}."
        ),
        runbook=objective.runbook,
    )


def _exceeded(objective: Objective, burn: Burn) -> str:
    limit = f"{round(burn.rate * objective.budget, 6):g}"
    long, short = objective.record(burn.long), objective.record(burn.short)
    return f"({long} > {limit} and {short} > {limit} and {TRAFFIC} > {LEAST_TRAFFIC})"
