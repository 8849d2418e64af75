"""Alerts on failures: services, data services, mesh and monitoring. Pure.

Every alert has a `severity` (critical wakes somebody, warning is for working hours), a description and a runbook.
"""

from collections.abc import Mapping, Sequence

from components.durations import DAY_SECONDS
from components.monitoring.names import MonitoringTargets
from components.monitoring.rules.backups import backup_alerts
from components.monitoring.rules.circles import circles_alerts
from components.monitoring.rules.expressions import no_pod_answers
from components.monitoring.rules.ledger import ledger_alerts
from components.monitoring.rules.model import Alert

CERTIFICATE_DAYS = 30
RECORDS_BEHIND = 10_000
LIVE_LINKS = 2
"""Links of a server for browsers to the region's NATS (components/messaging/live_configuration.py)."""


def alerts(targets: MonitoringTargets) -> Mapping[str, Sequence[Alert]]:
    """Return the alerts for the deployed parts, by group."""
    return {
        "services": [*_services(targets), *(_requests(targets) if targets.meshed else [])],
        **({"database": [*_database(targets.database), *backup_alerts(targets)]} if targets.database else {}),
        **({"cache": _cache(targets.cache)} if targets.cache else {}),
        **({"messaging": _messaging(targets.messaging)} if targets.messaging else {}),
        **({"live": _live(targets.live)} if targets.live else {}),
        **({"streaming": _streaming(targets.streaming)} if targets.streaming else {}),
        **({"ledger": ledger_alerts(targets.ledger)} if targets.ledger else {}),
        **({"circles": circles_alerts(targets.circles)} if targets.circles else {}),
        **({"mesh": _mesh(targets)} if targets.meshed else {}),
        "certificates": _certificates(targets),
        "platform": _platform(),
    }


def _services(targets: MonitoringTargets) -> Sequence[Alert]:
    theirs = "|".join(filter(None, [targets.services, targets.ingress]))
    return [
        Alert(
            name="ServiceUnavailable",
            expr=no_pod_answers(f'namespace=~"{theirs}"'),
            wait="2m",
            severity="critical",
            summary="{{ $labels.deployment }} has no pod that answers",
            description="No pod of {{ $labels.namespace }}/{{ $labels.deployment }} has been ready for 2 minutes.",
            runbook="service-unavailable",
        ),
    ]


def _requests(targets: MonitoringTargets) -> Sequence[Alert]:
    requests = f'istio_requests_total{{reporter="destination",destination_service_namespace="{targets.services}"'
    by = "sum by (destination_service_name)"
    return [
        Alert(
            name="ServiceErrorRate",
            expr=(
                f'{by} (rate({requests},response_code=~"5.."}}[5m])) / {by} (rate({requests}}}[5m])) > 0.05'
                f" and {by} (rate({requests}}}[5m])) > 0.1"
            ),
            wait="5m",
            severity="critical",
            summary="{{ $labels.destination_service_name }} fails {{ $value | humanizePercentage }} of its requests",
            description=(
                "More than 5 % of the requests to {{ $labels.destination_service_name }} have ended with a server "
                "error for 5 minutes."
            ),
            runbook="service-error-rate",
        ),
    ]


def _database(namespace: str) -> Sequence[Alert]:
    return [
        Alert(
            name="DatabaseNodeDown",
            expr=_missing_pods(namespace),
            wait="2m",
            severity="critical",
            summary="{{ $value }} database node(s) down",
            description="{{ $labels.statefulset }} has {{ $value }} node(s) less than it should have, for 2 minutes.",
            runbook="database-node-down",
        ),
        Alert(
            name="DatabaseRangesUnavailable",
            expr=f'sum(ranges_unavailable{{namespace="{namespace}"}}) > 0',
            wait="2m",
            severity="critical",
            summary="{{ $value }} ranges of the database cannot be read or written",
            description="Most replicas of these ranges are on nodes that are down: part of the data is out of reach.",
            runbook="database-node-down",
        ),
    ]


def _cache(namespace: str) -> Sequence[Alert]:
    wanted = f'max(kube_statefulset_replicas{{namespace="{namespace}"}})'
    attached = f'(max(redis_connected_slaves{{namespace="{namespace}"}}) or vector(0))'
    return [
        Alert(
            name="RedisDown",
            expr=f'redis_up{{namespace="{namespace}"}} == 0',
            wait="1m",
            severity="critical",
            summary="Redis does not answer in {{ $labels.pod }}",
            description="The exporter beside Redis in {{ $labels.pod }} has got no answer for 1 minute.",
            runbook="redis-down",
        ),
        Alert(
            name="RedisReplicaMissing",
            expr=f"{wanted} - 1 - {attached} > 0",
            wait="5m",
            severity="warning",
            summary="Redis lacks {{ $value }} replica(s)",
            description="Too few replicas have followed the Redis primary for 5 minutes: a failover may lose data.",
            runbook="redis-replica-missing",
        ),
    ]


def _messaging(namespace: str) -> Sequence[Alert]:
    used = f'nats_varz_jetstream_stats_storage{{namespace="{namespace}"}}'
    limit = f'nats_varz_jetstream_config_max_storage{{namespace="{namespace}"}}'
    return [
        Alert(
            name="NatsServerDown",
            expr=_missing_pods(namespace),
            wait="2m",
            severity="critical",
            summary="{{ $value }} NATS server(s) down",
            description="{{ $labels.statefulset }} has {{ $value }} server(s) less than it should have, for 2 minutes.",
            runbook="nats-down",
        ),
        Alert(
            name="JetStreamStorageFilling",
            expr=f"{used} / ({limit} > 0) > 0.8",
            wait="10m",
            severity="warning",
            summary="JetStream storage of {{ $labels.pod }} is {{ $value | humanizePercentage }} full",
            description="When it is full, NATS refuses new messages. Above 80 % for 10 minutes.",
            runbook="jetstream-storage",
        ),
        Alert(
            name="NatsGatewayLost",
            expr=_lost_regions(namespace),
            wait="5m",
            severity="critical",
            summary="No way to the messaging of {{ $labels.remote_gateway_name }}",
            description=(
                "No server here has had a gateway connection to {{ $labels.remote_gateway_name }} for 5 minutes; "
                "there was one within the last day."
            ),
            runbook="nats-gateway-lost",
        ),
    ]


def _lost_regions(namespace: str) -> str:
    """Regions that servers here were connected to within a day, but are not now. Empty while no server is seen."""
    connections = f'nats_gatewayz_outbound_gateway_conn_pending_bytes{{namespace="{namespace}"}}'
    by = "group by (remote_gateway_name)"
    seen = f'group(nats_varz_connections{{namespace="{namespace}"}})'
    return f"({by} (max_over_time({connections}[1d])) unless {by} ({connections})) and on () {seen}"


def _live(namespace: str) -> Sequence[Alert]:
    servers = f'{{namespace="{namespace}"}}'
    used = f"sum(nats_varz_connections{servers}) / sum(nats_varz_max_connections{servers})"
    return [
        Alert(
            name="LiveServersDown",
            expr=no_pod_answers(f'namespace="{namespace}"'),
            wait="2m",
            severity="critical",
            summary="No server for live collaboration answers",
            description="No pod of {{ $labels.deployment }} has been ready for 2 minutes: no browser is connected.",
            runbook="live-collaboration-down",
        ),
        Alert(
            name="LiveLinkLost",
            expr=f"nats_varz_leafnodes{servers} < {LIVE_LINKS}",
            wait="2m",
            severity="critical",
            summary="{{ $labels.pod }} has lost a link to the region's NATS",
            description=(
                "For 2 minutes, {{ $labels.pod }} has had {{ $value }} of its two links: its browsers see nobody "
                "else, or cannot change what they share."
            ),
            runbook="live-collaboration-down",
        ),
        Alert(
            name="LiveConnectionsFilling",
            expr=f"{used} > 0.8",
            wait="10m",
            severity="warning",
            summary="{{ $value | humanizePercentage }} of the connections for browsers are in use",
            description="When all are in use, no further browser can connect. Above 80 % for 10 minutes.",
            runbook="live-collaboration-down",
        ),
    ]


def _streaming(namespace: str) -> Sequence[Alert]:
    kafka = f'{{namespace="{namespace}"}}'
    waiting = f"sum by (consumergroup, topic) (kafka_consumergroup_lag{kafka})"
    return [
        Alert(
            name="KafkaBrokerDown",
            expr=f"max(kafka_controller_fencedbrokercount{kafka}) > 0",
            wait="2m",
            severity="critical",
            summary="{{ $value }} Kafka broker(s) down",
            description="The controllers have not heard of {{ $value }} broker(s) for 2 minutes.",
            runbook="kafka-broker-down",
        ),
        Alert(
            name="KafkaPartitionsOffline",
            expr=f"max(kafka_controller_offlinepartitionscount{kafka}) > 0",
            wait="1m",
            severity="critical",
            summary="{{ $value }} partitions of Kafka can be neither written nor read",
            description="No broker that is up has all records of these partitions.",
            runbook="kafka-broker-down",
        ),
        Alert(
            name="KafkaReplicasBehind",
            expr=f"sum(kafka_replicas_underreplicatedpartitions{kafka}) > 0",
            wait="15m",
            severity="warning",
            summary="{{ $value }} partitions of Kafka lack a replica",
            description="A broker that is lost now may take the newest records of these partitions away.",
            runbook="kafka-broker-down",
        ),
        Alert(
            name="KafkaMirrorFailed",
            expr=f'sum by (source) (kafka_mirror_task{{namespace="{namespace}",status="failed"}}) > 0',
            wait="10m",
            severity="critical",
            summary="Records of region {{ $labels.source }} do not arrive",
            description="{{ $value }} task(s) that bring records of {{ $labels.source }} here fail, for 10 minutes.",
            runbook="kafka-mirror-failed",
        ),
        Alert(
            name="KafkaConsumersBehind",
            expr=f"{waiting} > {RECORDS_BEHIND} and {waiting} > {waiting[:-1]} offset 15m)",
            wait="15m",
            severity="warning",
            summary="Group {{ $labels.consumergroup }} falls behind in {{ $labels.topic }}",
            description="{{ $value }} records wait for the group, more than there were 15 minutes ago.",
            runbook="kafka-consumers-behind",
        ),
    ]


def _mesh(targets: MonitoringTargets) -> Sequence[Alert]:
    return [
        Alert(
            name="MeshControlPlaneDown",
            expr=no_pod_answers(f'namespace="{targets.control_plane}"'),
            wait="5m",
            severity="critical",
            summary="The mesh has no control plane",
            description="For 5 minutes. Pods that run go on; new ones get no sidecar, certificates are not renewed.",
            runbook="mesh-control-plane-down",
        ),
    ]


def _certificates(targets: MonitoringTargets) -> Sequence[Alert]:
    expiry = _expiry(targets)
    if not expiry:
        return []
    return [
        Alert(
            name="CertificateExpiring",
            expr=f"(({expiry}) - time()) / {DAY_SECONDS} < {CERTIFICATE_DAYS}",
            wait="1h",
            severity="warning",
            summary="A certificate expires in {{ $value | humanize }} days",
            description=(
                f"A certificate seen by {{{{ $labels.pod }}}} has less than {CERTIFICATE_DAYS} days left. `pulumi up` "
                "renews certificates 60 days before they expire."
            ),
            runbook="certificate-expiring",
        ),
    ]


def _platform() -> Sequence[Alert]:
    """Return the alerts on every namespace of the cluster. They replace the chart's own, so they leave none out."""
    return [
        Alert(
            name="VolumeFilling",
            expr="kubelet_volume_stats_available_bytes / kubelet_volume_stats_capacity_bytes < 0.15",
            wait="10m",
            severity="warning",
            summary="Volume {{ $labels.persistentvolumeclaim }} is nearly full",
            description="{{ $value | humanizePercentage }} of it are left in {{ $labels.namespace }}, for 10 minutes.",
            runbook="volume-filling",
        ),
        Alert(
            name="PodCrashLooping",
            expr='max_over_time(kube_pod_container_status_waiting_reason{reason="CrashLoopBackOff"}[5m]) >= 1',
            wait="10m",
            severity="warning",
            summary="{{ $labels.container }} in {{ $labels.pod }} crashes again and again",
            description="{{ $labels.namespace }}/{{ $labels.pod }} has been restarted in a loop for 10 minutes.",
            runbook="pod-crash-looping",
        ),
        Alert(
            name="TracesLost",
            expr="sum(rate(otelcol_exporter_send_failed_spans_total[5m])) > 0",
            wait="10m",
            severity="warning",
            summary="Traces do not arrive in Jaeger",
            description="The OpenTelemetry collector drops {{ $value | humanize }} spans a second, for 10 minutes.",
            runbook="traces-lost",
        ),
    ]


def _missing_pods(namespace: str) -> str:
    wanted = f'kube_statefulset_replicas{{namespace="{namespace}"}}'
    return f'{wanted} - kube_statefulset_status_replicas_ready{{namespace="{namespace}"}} > 0'


def _expiry(targets: MonitoringTargets) -> str:
    """Expiry times of certificates, as the database's nodes and the mesh's authority report them."""
    seen = []
    if targets.database:
        seen.append(f'(security_certificate_expiration_node{{namespace="{targets.database}"}} > 0)')
    if targets.control_plane:
        seen.append(f'citadel_server_cert_chain_expiry_timestamp{{namespace="{targets.control_plane}"}}')
    return " or ".join(seen)
