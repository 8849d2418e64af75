"""Sacred message flow: from the services through NATS streams, and through gateways to other regions. Pure."""

from collections.abc import Sequence

from components.monitoring.dashboards.panels import Chart, Row, single
from components.monitoring.dashboards.scope import Scope
from components.monitoring.names import MonitoringTargets

TITLE = "message flow"
LEADER = 'is_stream_leader="true"'
CONSUMER_LEADER = 'is_consumer_leader="true"'


def rows(targets: MonitoringTargets, scope: Scope) -> Sequence[Row]:
    """The rows of the dashboard."""
    services = _services(targets, scope)
    if targets.messaging is None:
        return [Row(title="Services", charts=services)]
    nats = f'namespace="{targets.messaging}"'
    return [
        Row(title="Services", charts=services),
        Row(title="Streams", charts=streams(nats, scope)),
        Row(title="Gateways to other regions", charts=gateways(nats, scope)),
    ]


def _services(targets: MonitoringTargets, scope: Scope) -> list[Chart]:
    services = f'namespace="{targets.services}"'
    sent = scope.rate("sacred_messages_sent_total", services)
    delivered = scope.rate("sacred_messages_delivered_total", services)
    late = scope.quantile(0.99, "sacred_message_delivery_seconds", services)
    return [
        single("Sent per second", f"sum({sent})", "ops"),
        single("Delivered per second", f"sum({delivered})", "ops"),
        Chart(title="Messages sent by kind", queries={scope.legend("kind"): scope.sum(sent, "kind")}, unit="ops"),
        Chart(title="99 % of messages arrive within", queries={scope.legend(): late}, unit="s", exemplars=True),
    ]


def streams(nats: str, scope: Scope) -> list[Chart]:
    """Messages that streams take, hold and queue. A stream's leader reports for its replicas."""
    arriving = scope.sum(scope.rate("nats_stream_last_seq", nats, LEADER), "stream_name")
    held = scope.sum(scope.of("nats_stream_total_messages", nats, LEADER), "stream_name")
    waiting = scope.sum(scope.of("nats_consumer_num_pending", nats, CONSUMER_LEADER), "stream_name", "consumer_name")
    again = scope.sum(scope.of("nats_consumer_num_redelivered", nats, CONSUMER_LEADER), "stream_name", "consumer_name")
    stream, consumer = scope.legend("stream_name"), scope.legend("stream_name", "consumer_name")
    return [
        Chart(title="Messages into streams", queries={stream: arriving}, unit="ops"),
        Chart(title="Messages in streams", queries={stream: held}),
        Chart(title="Messages that wait for consumers", queries={consumer: waiting}),
        Chart(title="Messages delivered again", queries={consumer: again}),
    ]


def gateways(nats: str, scope: Scope) -> list[Chart]:
    """Traffic to and from other regions. Empty for a single region, which has no gateways."""
    away, back = "nats_gatewayz_outbound_gateway_conn", "nats_gatewayz_inbound_gateway_conn"
    to = "remote_gateway_name"
    out = scope.sum(scope.rate(f"{away}_out_msgs", nats), to)
    into = scope.sum(scope.rate(f"{back}_in_msgs", nats), to)
    round_trip = scope.aggregate("max", scope.of(f"{away}_rtt", nats), to)
    pending = scope.sum(scope.of(f"{away}_pending_bytes", nats), to)
    legend = scope.legend(to)
    return [
        Chart(title="Messages to other regions", queries={legend: out}, unit="ops"),
        Chart(title="Messages from other regions", queries={legend: into}, unit="ops"),
        Chart(title="Round trip to other regions", queries={legend: round_trip}, unit="s"),
        Chart(title="Bytes that wait for other regions", queries={legend: pending}, unit="bytes"),
    ]
