"""What is new, and what has changed its pace: series that were not there a day ago, and rates unlike the last day's.

Pure: no resources.
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
    """A kind of thing that may emerge: `name` in the names of its series, which `labels` tell apart.

    `counter` is a selector of something that only grows.
    """

    name: str
    title: str
    labels: tuple[str, ...]
    counter: str

    @property
    def rate(self) -> str:
        """The series with how fast each grows, a second."""
        return f"{self.name}:observations:rate{WINDOW}"

    @property
    def new(self) -> str:
        """The series that flag what was not seen a day ago. Their value is the rate."""
        return f"{self.name}:observations_new:rate{WINDOW}"

    @property
    def change(self) -> str:
        """The series with how many standard deviations a rate is away from its mean of the last day."""
        return f"{self.name}:observations:zscore{DAY}"

    def rules(self) -> Sequence[Recording]:
        """The rules that record the three."""
        by = ", ".join(self.labels)
        then = f"{self.rate} offset {DAY}"
        mean, deviation = f"avg_over_time({self.rate}[{DAY}])", f"stddev_over_time({self.rate}[{DAY}])"
        return [
            Recording(record=self.rate, expr=f"sum by ({by}) (rate({self.counter}[{WINDOW}])) > 0"),
            # Without the last line everything would be new for a day after a start with an empty volume.
            Recording(record=self.new, expr=f"{self.rate} unless on ({by}) {then} and on () count({then}) > 0"),
            Recording(record=self.change, expr=f"({self.rate} - {mean}) / ({deviation} > 0)"),
        ]


def emergences(targets: MonitoringTargets) -> Sequence[Emergence]:
    """Everything whose emergence is monitored."""
    patterns = Emergence(
        name="pattern",
        title="Patterns in the field",
        labels=("pattern",),
        counter=f'sacred_pattern_observations_total{{namespace="{targets.services}"}}',
    )
    return [patterns, *_streams(targets), *_calls(targets)]


def emergence_rules(targets: MonitoringTargets) -> Sequence[Recording]:
    """The rules of all of them."""
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
