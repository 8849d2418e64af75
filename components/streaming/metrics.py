"""Rules of the JMX exporter: which of Java's objects become metrics, and how they are called. Pure.

The names are those in `components/monitoring/contracts/kafka.yaml`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

REPLICAS: Final = ("UnderReplicatedPartitions", "PartitionCount", "LeaderCount")
CONTROLLER: Final = ("ActiveBrokerCount", "FencedBrokerCount", "OfflinePartitionsCount")
TRAFFIC: Final = ("MessagesIn", "BytesIn", "BytesOut")
REQUESTS: Final = ("Produce", "FetchConsumer")


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A metric, and the Java objects that it is read from."""

    name: str
    """Name of the metric. `$1` is the first group of `pattern`, as in `labels` and `value`."""
    pattern: str
    """Regular expression for `domain<properties><>attribute: value`."""
    type: Literal["GAUGE", "COUNTER"] = "GAUGE"
    """What Prometheus is told: a COUNTER only rises until the process restarts."""
    labels: dict[str, str] = field(default_factory=dict)
    """Values of the metric's labels, by label, such as {"topic": "$2"}."""
    value: str | None = None
    """The value, such as "1". None: the attribute's."""

    def rule(self) -> dict[str, Any]:
        """Return the rule for the exporter."""
        return {
            "pattern": self.pattern,
            "name": self.name,
            "type": self.type,
            **({"labels": self.labels} if self.labels else {}),
            **({"value": self.value} if self.value else {}),
        }


_MIRRORED: Final = (
    "kafka.connect.mirror<type=MirrorSourceConnector, source=(.+), target=(.+), topic=(.+), partition=(.+)><>"
)
_SOURCE: Final = {"source": "$1", "topic": "$3", "partition": "$4"}

BROKERS: Final = (
    Metric(name="kafka_replicas_$1", pattern=f"kafka.server<type=ReplicaManager, name=({'|'.join(REPLICAS)})><>Value"),
    Metric(
        name="kafka_controller_$1",
        pattern=f"kafka.controller<type=KafkaController, name=({'|'.join(CONTROLLER)})><>Value",
    ),
    Metric(
        name="kafka_topic_$1_total",
        pattern=f"kafka.server<type=BrokerTopicMetrics, name=({'|'.join(TRAFFIC)})PerSec, topic=(.+)><>Count",
        type="COUNTER",
        labels={"topic": "$2"},
    ),
    Metric(
        name="kafka_request_slowest_percent_milliseconds",
        pattern=f"kafka.network<type=RequestMetrics, name=TotalTimeMs, request=({'|'.join(REQUESTS)})><>99thPercentile",
        labels={"request": "$1"},
    ),
    Metric(
        name="kafka_partition_size_bytes",
        pattern="kafka.log<type=Log, name=Size, topic=(.+), partition=(.+)><>Value",
        labels={"topic": "$1", "partition": "$2"},
    ),
)
MIRROR: Final = (
    Metric(name="kafka_mirror_records_total", pattern=f"{_MIRRORED}record-count", type="COUNTER", labels=_SOURCE),
    Metric(name="kafka_mirror_latency_milliseconds", pattern=f"{_MIRRORED}replication-latency-ms-avg", labels=_SOURCE),
    Metric(
        name="kafka_mirror_task",
        pattern='kafka.connect<type=connector-task-metrics, connector="?(.+)->(.+?)"?, task=(.+)><>status: (.+)',
        labels={"source": "$1", "task": "$3", "status": "$4"},
        value="1",
    ),
)


def files() -> dict[str, str]:
    """Return the exporter's configuration files (JSON, which is also YAML), by name."""
    return {"brokers.yaml": _file(BROKERS), "mirror.yaml": _file(MIRROR)}


def _file(metrics: Sequence[Metric]) -> str:
    document = {"lowercaseOutputName": True, "rules": [metric.rule() for metric in metrics]}
    return json.dumps(document, indent=2) + "\n"
