"""Alerts on circles' voice and video. Pure."""

from collections.abc import Sequence
from typing import Final

from components.monitoring.rules.model import Alert

FEW: Final = 10
"""Joins in a quarter of an hour below which shares of them say nothing."""
WINDOW: Final = "15m"


def circles_alerts(namespace: str) -> Sequence[Alert]:
    """Return the alerts of a region with servers for circles."""
    theirs = f'namespace="{namespace}"'
    ready = f"kube_statefulset_status_replicas_ready{{{theirs}}}"
    used = f'rate(container_cpu_usage_seconds_total{{{theirs},container="livekit"}}[5m])'
    most = f'kube_pod_container_resource_limits{{{theirs},container="livekit",resource="cpu"}}'
    return [
        Alert(
            name="CirclesDown",
            expr=f"max({ready}) == 0",
            wait="2m",
            severity="critical",
            summary="Nobody can join a circle's call",
            description="No server for circles has been ready for 2 minutes. Calls may go on, if the cache is away.",
            runbook="circles-down",
        ),
        Alert(
            name="CirclesServerDown",
            expr=f"kube_statefulset_replicas{{{theirs}}} - {ready} > 0",
            wait="10m",
            severity="warning",
            summary="{{ $value }} server(s) for circles do not answer",
            description="For 10 minutes. The others take new calls.",
            runbook="circles-down",
        ),
        *_joining(theirs),
        Alert(
            name="CirclesServerBusy",
            expr=f"max by (pod) ({used}) / max by (pod) ({most}) > 0.8",
            wait="10m",
            severity="warning",
            summary="{{ $labels.pod }} uses {{ $value | humanizePercentage }} of its processors",
            description="Above that, voices and pictures stutter. For 10 minutes.",
            runbook="circles-joins-fail",
        ),
    ]


def _joining(theirs: str) -> Sequence[Alert]:
    """Return the alerts about people who want to join a call."""
    failed, connected = _joins(theirs, "signal_failed"), _joins(theirs, "signal_connected")
    begun, active = _joins(theirs, "rtc_init"), _joins(theirs, "rtc_active")
    return [
        Alert(
            name="CirclesJoinsFail",
            expr=f"{failed} / ({failed} + {connected}) > 0.05 and {failed} + {connected} > {FEW}",
            wait="5m",
            severity="warning",
            summary="{{ $value | humanizePercentage }} of those who want to join a call cannot",
            description="Servers are full, or do not find each other in the cache.",
            runbook="circles-joins-fail",
        ),
        Alert(
            name="CirclesSilent",
            expr=f"1 - {active} / {begun} > 0.2 and {begun} > {FEW}",
            wait="5m",
            severity="critical",
            summary="{{ $value | humanizePercentage }} of those who join a call neither hear nor see anything",
            description="They connect, and their voice and video do not arrive at the server's address.",
            runbook="circles-silent",
        ),
    ]


def _joins(theirs: str, state: str) -> str:
    """Return how many reached this step of joining. 0 if nobody did, once there are servers."""
    steps = f"livekit_participant_join_total{{{theirs}"
    return f'(sum(increase({steps},state="{state}"}}[{WINDOW}])) or sum(increase({steps}}}[{WINDOW}])) * 0)'
