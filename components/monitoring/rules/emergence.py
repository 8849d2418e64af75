"""Detect series that did not exist a day ago, and rates that differ from the last day's.

Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from components.monitoring.names import MonitoringTargets
from components.monitoring.rules.model import Recording

DAY: Final = "1d"
WINDOW: Final = "1h"


@dataclass(frozen=True, kw_only=True)
class Emergence:
    """A kind of series whose emergence is monitored."""

    name: str
    """Part of the names of the recorded series."""
    title: str
    labels: tuple[str, ...]
    """Labels that distinguish the series."""
    counter: str
    """Selector of a counter."""

    @property
    def rate(self) -> str:
        """Name of the series with each growth rate per second."""
        return f"{self.name}:observations:rate{WINDOW}"

    @property
    def new(self) -> str:
        """Name of the series for counters that did not exist a day ago. The value is the rate."""
        return f"{self.name}:observations_new:rate{WINDOW}"

    @property
    def change(self) -> str:
        """Name of the series with a rate's distance from the last day's mean, in standard deviations."""
        return f"{self.name}:observations:zscore{DAY}"

    def rules(self) -> Sequence[Recording]:
        """Return the rules that record the three series."""
        by = ", ".join(self.labels)
        then = f"{self.rate} offset {DAY}"
        mean, deviation = f"avg_over_time({self.rate}[{DAY}])", f"stddev_over_time({self.rate}[{DAY}])"
        return [
            Recording(record=self.rate, expr=f"sum by ({by}) (rate({self.counter}[{WINDOW}])) > 0"),
            # Without the last line, everything would be new for a day after a start with an empty volume.
            Recording(record=self.new, expr=f"{self.rate} unless on ({by}) {then} and on () count({then}) > 0"),
            Recording(record=self.change, expr=f"({self.rate} - {mean}) / ({deviation} > 0)"),
        ]


def emergences(targets: MonitoringTargets) -> Sequence[Emergence]:
    """Return all kinds of series whose emergence is monitored."""
    patterns = Emergence(
        name="pattern",
        title="Patterns in the field",
        labels=("pattern",),
        counter=f'sacred_pattern_observations_total{{namespace="{targets.services}"}}',
    )
    return [patterns, *_streams(targets), *_calls(targets)]


def emergence_rules(targets: MonitoringTargets) -> Sequence[Recording]:
    """Return the rules of all kinds."""
    return [rule for kind in emergences(targets) for rule in kind.rules()]


def _streams(targets: MonitoringTargets) -> Sequence[Emergence]:
    if targets.messaging is None:
        return []
    leaders = f'namespace="{targets.messaging}",is_stream_leader="true"'
    return [
        Emergence(
            name="stream",
            title="Message streams",
            labels=("stream_name",),
            counter=f"nats_stream_last_seq{{{leaders}}}",
        )
    ]


def _calls(targets: MonitoringTargets) -> Sequence[Emergence]:
    if not targets.meshed:
        return []
    arrived = f'reporter="destination",destination_service_namespace="{targets.services}"'
    return [
        Emergence(
            name="call",
            title="Calls between services",
            labels=("source_workload", "destination_service_name"),
            counter=f"istio_requests_total{{{arrived}}}",
        )
    ]
