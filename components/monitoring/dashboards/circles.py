"""Circles' voice and video. Pure: no resources."""

from collections.abc import Sequence

from components.monitoring.dashboards.panels import Chart, Row, single
from components.monitoring.dashboards.scope import Scope
from components.monitoring.names import MonitoringTargets

TITLE = "circles"
TWICE = "Whoever connected through another server than the one with the call counts at both."
"""pkg/telemetry/events.go of LiveKit: a server counts those who connect to it, and those whose call it has."""


def rows(targets: MonitoringTargets, scope: Scope) -> Sequence[Row]:
    """The rows of the dashboard. None without circles' voice and video."""
    if targets.circles is None:
        return []
    theirs = f'namespace="{targets.circles}"'
    return [
        Row(title="Now", charts=_now(theirs, scope)),
        Row(title="Calls", charts=_calls(theirs, scope)),
        Row(title="Voice and video", charts=_media(theirs, scope)),
    ]


def _now(theirs: str, scope: Scope) -> list[Chart]:
    return [
        single("Calls", f"sum({scope.of('livekit_room_total', theirs)})"),
        single("Participants", f"sum({scope.of('livekit_participant_total', theirs)})", note=TWICE),
        single("Voices and pictures sent", f"sum({scope.of('livekit_track_published_total', theirs)})"),
        single("Voices and pictures received", f"sum({scope.of('livekit_track_subscribed_total', theirs)})"),
    ]


def _calls(theirs: str, scope: Scope) -> list[Chart]:
    pod = scope.legend("pod")
    joins = scope.sum(scope.rate("livekit_participant_join_total", theirs), "state")
    return [
        Chart(
            title="Participants of a server",
            queries={pod: scope.of("livekit_participant_total", theirs)},
            note=TWICE,
        ),
        Chart(title="Calls of a server", queries={pod: scope.of("livekit_room_total", theirs)}),
        Chart(
            title="Steps of joining a call, a second",
            queries={scope.legend("state"): joins},
            note="rtc_active: voice and video flow. signal_failed: the server let nobody in, for example because it is "
            "full.",
        ),
    ]


def _media(theirs: str, scope: Scope) -> list[Chart]:
    sent = scope.sum(scope.rate("livekit_packet_bytes", theirs), "pod", "direction")
    lost = scope.share(
        scope.rate("livekit_packet_loss_total", theirs), scope.rate("livekit_packet_total", theirs), "pod"
    )
    used = scope.rate("container_cpu_usage_seconds_total", theirs, 'container="livekit"')
    return [
        Chart(title="Bytes a second", queries={scope.legend("pod", "direction"): sent}, unit="Bps"),
        Chart(title="Packets that get lost", queries={scope.legend("pod"): lost}, unit="percentunit"),
        Chart(title="Processors in use", queries={scope.legend("pod"): used}),
    ]
