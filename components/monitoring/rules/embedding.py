"""The queue of the embedding servers, which their number follows, and alerts on them. Pure."""

from collections.abc import Mapping
from typing import Final

from components.monitoring.names import MonitoringTargets
from components.monitoring.rules.expressions import FOUR_SCRAPES, no_pod_answers, zero_once_seen
from components.monitoring.rules.model import Alert, Recording, Rules

QUEUE: Final = "embedding:queue:texts"
"""Texts that wait in all servers of the region. 0 if none ever did; missing if Prometheus sees no server."""
JOB: Final = "embedding-metrics"
"""The Service by which Prometheus finds the servers."""
SLOW_SECONDS: Final = 1
FAILING_SHARE: Final = 0.05


def embedding_rules(targets: MonitoringTargets) -> Mapping[str, Rules]:
    """Return the rules by group. Empty without matching."""
    if targets.matching is None:
        return {}
    theirs = f'namespace="{targets.matching}"'
    waiting = f"sum(avg_over_time(te_queue_size{{{theirs}}}[{FOUR_SCRAPES}]))"
    seen = f'{theirs},job="{JOB}"'
    return {
        "matching": [
            Recording(record=QUEUE, expr=f"{waiting} or {zero_once_seen(seen)}"),
            _down(theirs),
            _slow(theirs),
            _failing(theirs),
        ]
    }


def _down(theirs: str) -> Alert:
    return Alert(
        name="EmbeddingServerDown",
        expr=no_pod_answers(theirs),
        wait="5m",
        severity="critical",
        summary="No embedding server answers",
        description="No embedding server has been ready for 5 minutes, so nothing new can be searched or found.",
        runbook="embedding-server-down",
    )


def _slow(theirs: str) -> Alert:
    buckets = f"sum by (le) (rate(te_request_queue_duration_bucket{{{theirs}}}[5m]))"
    return Alert(
        name="EmbeddingQueueLong",
        expr=f"histogram_quantile(0.95, {buckets}) > {SLOW_SECONDS}",
        wait="10m",
        severity="warning",
        summary="Texts wait {{ $value | humanizeDuration }} for an embedding server",
        description="One text in twenty has waited longer than a second in the last 10 minutes.",
        runbook="embedding-queue-long",
    )


def _failing(theirs: str) -> Alert:
    # A text that no server accepts is the client's mistake.
    failed = f'sum(rate(te_request_failure{{{theirs},err!="validation"}}[5m]))'
    return Alert(
        name="EmbeddingRequestsFail",
        expr=f"{failed} / sum(rate(te_request_count{{{theirs}}}[5m])) > {FAILING_SHARE}",
        wait="10m",
        severity="warning",
        summary="Embedding servers fail {{ $value | humanizePercentage }} of their requests",
        description="More than 5 % of the requests to embedding servers have failed for 10 minutes.",
        runbook="embedding-queue-long",
    )
