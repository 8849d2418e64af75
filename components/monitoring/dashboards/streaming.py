"""Kafka. Pure: no resources."""

from collections.abc import Sequence

from components.monitoring.dashboards.panels import Chart, Row, single
from components.monitoring.dashboards.scope import Scope
from components.monitoring.names import MonitoringTargets

TITLE = "Kafka"


def rows(targets: MonitoringTargets, scope: Scope) -> Sequence[Row]:
    """The rows of the dashboard. None without streaming."""
    if targets.streaming is None:
        return []
    kafka = f'namespace="{targets.streaming}"'
    return [
        Row(title="Now", charts=_now(kafka, scope)),
        Row(title="Topics", charts=_topics(kafka, scope)),
        Row(title="Consumers", charts=_consumers(kafka, scope)),
        Row(title="From other regions", charts=_mirror(kafka, scope)),
    ]


def _now(kafka: str, scope: Scope) -> list[Chart]:
    # All controllers report the brokers, and each region has its own.
    brokers = scope.aggregate("max", scope.of("kafka_controller_activebrokercount", kafka))
    missing = scope.aggregate("max", scope.of("kafka_controller_fencedbrokercount", kafka))
    offline = scope.aggregate("max", scope.of("kafka_controller_offlinepartitionscount", kafka))
    return [
        single("Brokers", f"sum({brokers})"),
        single("Brokers that do not answer", f"sum({missing})"),
        single("Partitions without a leader", f"sum({offline})"),
        single("Partitions that lack a replica", f"sum({scope.of('kafka_replicas_underreplicatedpartitions', kafka)})"),
        single("Replicas", f"sum({scope.of('kafka_replicas_partitioncount', kafka)})"),
    ]


def _topics(kafka: str, scope: Scope) -> list[Chart]:
    topic, pod = scope.legend("topic"), scope.legend("pod")
    records = scope.sum(scope.rate("kafka_topic_messagesin_total", kafka), "topic")
    written = scope.sum(scope.rate("kafka_topic_bytesin_total", kafka), "topic")
    read = scope.sum(scope.rate("kafka_topic_bytesout_total", kafka), "topic")
    size = scope.sum(scope.of("kafka_partition_size_bytes", kafka), "topic")
    slow = scope.aggregate("max", scope.of("kafka_request_slowest_percent_milliseconds", kafka), "request")
    leaders = scope.of("kafka_replicas_leadercount", kafka)
    return [
        Chart(title="Records into topics", queries={topic: records}, unit="ops"),
        Chart(title="Bytes into topics", queries={topic: written}, unit="Bps"),
        Chart(title="Bytes out of topics", queries={topic: read}, unit="Bps"),
        Chart(title="Size of topics with their replicas", queries={topic: size}, unit="bytes"),
        Chart(title="99 % of requests take less than", queries={scope.legend("request"): slow}, unit="ms"),
        Chart(title="Partitions led by each broker", queries={pod: leaders}),
    ]


def _consumers(kafka: str, scope: Scope) -> list[Chart]:
    labels = ("consumergroup", "topic")
    lag = scope.sum(scope.of("kafka_consumergroup_lag", kafka), *labels)
    return [Chart(title="Records that wait for groups", queries={scope.legend(*labels): lag})]


def _mirror(kafka: str, scope: Scope) -> list[Chart]:
    source, status = scope.legend("source"), scope.legend("source", "status")
    records = scope.sum(scope.rate("kafka_mirror_records_total", kafka), "source")
    late = scope.aggregate("max", scope.of("kafka_mirror_latency_milliseconds", kafka), "source")
    tasks = scope.sum(scope.of("kafka_mirror_task", kafka), "source", "status")
    return [
        Chart(title="Records from other regions", queries={source: records}, unit="ops"),
        Chart(title="From being written there to being here", queries={source: late}, unit="ms"),
        Chart(title="Tasks of the mirror", queries={status: tasks}),
    ]
