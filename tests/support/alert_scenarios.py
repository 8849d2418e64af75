"""For every alert: series that must fire it, and series that must not.

Values are in promtool's notation, one sample a minute: `1x20` stays at 1, `0+60x20` grows by 60 a minute.
"""

from dataclasses import dataclass

Series = dict[str, str]

LONG = 40
"""Minutes after which the test evaluates a scenario by default."""


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """Series that must fire an alert, and series that must not. The test evaluates them after `minutes`."""

    fires: Series
    """Fire the alert `times`."""
    quiet: tuple[Series, ...]
    """None of them fires the alert."""
    also: tuple[Series, ...] = ()
    """Each of them fires the alert, too."""
    times: int = 1
    minutes: int = LONG
    step: int = 1
    """Minutes between two samples, and between two evaluations."""


def deployment(name: str, namespace: str, available: str) -> Series:
    """The pods of a Deployment that are available."""
    series = f'kube_deployment_status_replicas_available{{deployment="{name}",namespace="{namespace}"}}'
    return {series: available}


def stateful_set(name: str, namespace: str, wanted: str, ready: str) -> Series:
    """The pods that a StatefulSet should have, and its ready pods."""
    labels = f'{{statefulset="{name}",namespace="{namespace}"}}'
    return {f"kube_statefulset_replicas{labels}": wanted, f"kube_statefulset_status_replicas_ready{labels}": ready}


def maximum(service: str, replicas: str) -> Series:
    """The most replicas that a service's autoscaler allows."""
    labels = f'namespace="sacred-council",horizontalpodautoscaler="{service}"'
    return {f"kube_horizontalpodautoscaler_spec_max_replicas{{{labels}}}": replicas}


def users(service: str, values: str) -> Series:
    """Users of the only pod of `service`, which Prometheus sees."""
    metric = {"sacred-messaging": "sacred_websocket_connections", "agent-network": "sacred_agents_connected"}[service]
    samples = sum(int(part.partition("x")[2]) + 1 for part in values.split())
    return {
        f'{metric}{{namespace="sacred-council",pod="p",job="{service}"}}': values,
        f'up{{namespace="sacred-council",pod="p",job="{service}"}}': f"1x{samples}",
    }


def joins(**steps: int) -> Series:
    """Participants of a server for circles, so many of which reach each step of joining in a minute."""
    server = 'namespace="circles",pod="circles-0"'
    return {
        f'livekit_participant_join_total{{{server},state="{state}"}}': f"0+{count}x40" for state, count in steps.items()
    }


def processors(pod: str, *, seconds: int) -> Series:
    """A server for circles with two processors, which it uses for so many seconds in each minute."""
    server = f'namespace="circles",pod="{pod}",container="livekit"'
    return {
        f"container_cpu_usage_seconds_total{{{server}}}": f"0+{seconds}x40",
        f'kube_pod_container_resource_limits{{{server},resource="cpu"}}': "2x40",
    }


def text_waits(*, within_a_second: int) -> Series:
    """Texts of an embedding server, a hundred each minute, so many of which wait less than a second."""
    waits = 'te_request_queue_duration_bucket{namespace="matching",pod="p"'
    buckets = {"1": within_a_second, "5": 100, "+Inf": 100}
    return {f'{waits},le="{bound}"}}': f"0+{count}x40" for bound, count in buckets.items()}


def embedding_errors(kind: str, count: int) -> Series:
    """Requests to an embedding server, a hundred each minute, so many of which end with an error."""
    server = 'namespace="matching",pod="p"'
    return {
        f'te_request_count{{{server},method="single"}}': "0+100x40",
        f'te_request_failure{{{server},err="{kind}"}}': f"0+{count}x40",
    }


def site_links(server: str, **values: str) -> Series:
    """Links of edge sites, by site, to a server that Prometheus sees or not."""
    links = {f'nats_leafz_info{{namespace="nats",name="{site}-nats-0"}}': each for site, each in values.items()}
    return {'nats_varz_connections{namespace="nats",pod="nats-0"}': server, **links}


def keda_errors(values: str) -> Series:
    """Questions to Prometheus about a service that got no answer."""
    labels = 'namespace="keda",exported_namespace="sacred-council",scaledObject="agent-network",type="scaledobject"'
    return {
        f'keda_scaler_detail_errors_total{{{labels},triggerIndex="2",metric="s2-prometheus"}}': values,
        f'keda_scaler_detail_errors_total{{{labels},triggerIndex="3",metric="s3-prometheus"}}': "0x40",
    }


def history(lowest: str, cuts: str) -> Series:
    """The oldest sample that Prometheus has, in seconds since 1970, and how often its volume was full."""
    place = '{namespace="monitoring",pod="prometheus-0"}'
    return {
        f"prometheus_tsdb_lowest_timestamp_seconds{place}": lowest,
        f"prometheus_tsdb_size_retentions_total{place}": cuts,
    }


def requests(service: str, *, good: str, failed: str, namespace: str = "sacred-council") -> Series:
    """Requests that a service's sidecar has recorded."""
    labels = f'reporter="destination",destination_service_namespace="{namespace}",destination_service_name="{service}"'
    return {
        f'istio_requests_total{{{labels},response_code="200"}}': good,
        f'istio_requests_total{{{labels},response_code="503"}}': failed,
    }


def user_requests(*, good: str, failed: str, source: str = "istio-ingressgateway") -> Series:
    """Users' requests to a service, as the public gateway has recorded them."""
    labels = (
        f'reporter="source",source_workload="{source}",source_workload_namespace="istio-ingress",'
        'destination_service_namespace="sacred-council",destination_service_name="agent-network"'
    )
    return {
        f'istio_requests_total{{{labels},response_code="200"}}': good,
        f'istio_requests_total{{{labels},response_code="503"}}': failed,
    }


def user_latency(*, fast: str, total: str, code: str = "200") -> Series:
    """Users' requests: those within 500 ms, and all."""
    labels = (
        'reporter="source",source_workload="istio-ingressgateway",source_workload_namespace="istio-ingress",'
        f'destination_service_namespace="sacred-council",destination_service_name="agent-network",response_code="{code}"'
    )
    name = "istio_request_duration_milliseconds"
    return {
        f'{name}_bucket{{{labels},le="500.0"}}': fast,
        f'{name}_bucket{{{labels},le="+Inf"}}': total,
        f"{name}_count{{{labels}}}": total,
        f"istio_requests_total{{{labels}}}": total,
    }


def data_services(*regions: str, values: str = "1x75") -> Series:
    """The sidecars that a querier is connected to. Thanos writes their labels like a selector."""
    series = {}
    for region in regions:
        labels = f'{{prometheus=\\"monitoring/x\\", prometheus_replica=\\"x-0\\", region=\\"{region}\\"}}'
        name = "thanos_store_nodes_grpc_connections"
        series[f'{name}{{namespace="monitoring",store_type="sidecar",external_labels="{labels}"}}'] = values
    return series


def volume(namespace: str, *, free: str) -> Series:
    """A volume of 100 bytes."""
    labels = f'{{namespace="{namespace}",persistentvolumeclaim="data"}}'
    return {
        f"kubelet_volume_stats_available_bytes{labels}": free,
        f"kubelet_volume_stats_capacity_bytes{labels}": "100x40",
    }


def waiting(reason: str, namespace: str, value: str) -> Series:
    """A container that waits."""
    labels = f'{{reason="{reason}",namespace="{namespace}",pod="p",container="c"}}'
    return {f"kube_pod_container_status_waiting_reason{labels}": value}


def waiting_records(values: str) -> Series:
    """Records of one partition that wait for a consumer group."""
    labels = '{namespace="kafka",consumergroup="sacred-council.local",topic="council-decisions",partition="0"}'
    return {f"kafka_consumergroup_lag{labels}": values}


def backed_up(values: str, *, pod: str = "cockroachdb-1", spelt: str = "BACKUP") -> Series:
    """The time of a database node's last completed backup, in seconds since the test began."""
    return {f'schedules_{spelt}_last_completed_time{{namespace="cockroachdb",pod="{pod}"}}': values}


def redis(*, replicas: str, attached: str | None) -> Series:
    """A Redis with this number of pods, and replicas attached to its primary (None: no exporter answers)."""
    wanted = {'kube_statefulset_replicas{statefulset="redis",namespace="redis"}': replicas}
    if attached is None:
        return wanted
    followers = {
        'redis_connected_slaves{namespace="redis",pod="redis-0"}': attached,
        'redis_connected_slaves{namespace="redis",pod="redis-1"}': "0x40",
    }
    return {**wanted, **followers}


def gateways(*, europe: str, asia: str, server: str) -> Series:
    """A NATS server's connections to two other regions, and the server's own metric."""
    connections = {
        f'nats_gatewayz_outbound_gateway_conn_pending_bytes{{namespace="nats",pod="nats-0",cid="{cid}",'
        f'remote_gateway_name="{region}"}}': values
        for cid, region, values in ((7, "europe-west1", europe), (8, "asia-east1", asia))
    }
    return {**connections, 'nats_varz_connections{namespace="nats",pod="nats-0"}': server}


def jetstream(*, used: str, limit: str) -> Series:
    """The storage that a NATS server's streams use, and its limit."""
    labels = '{namespace="nats",pod="nats-0",server_id="N1"}'
    return {
        f"nats_varz_jetstream_stats_storage{labels}": used,
        f"nats_varz_jetstream_config_max_storage{labels}": limit,
    }


def live_server(pod: str, *, links: str = "2x40", browsers: str = "10x40", namespace: str = "nats-live") -> Series:
    """A NATS server for at most 1,000 browsers, with its links to the region's NATS."""
    labels = f'{{namespace="{namespace}",pod="{pod}",server_id="{pod}"}}'
    return {
        f"nats_varz_leafnodes{labels}": links,
        f"nats_varz_connections{labels}": browsers,
        f"nats_varz_max_connections{labels}": "1000x40",
    }


def expiry(metric: str, namespace: str, days: float) -> Series:
    """A certificate that expires this many days after the beginning of the test. Time starts at 0."""
    return {f'{metric}{{namespace="{namespace}",pod="p"}}': f"{round(days * 86400)}x200"}


SCENARIOS = {
    "ServiceUnavailable": Scenario(
        fires={
            **deployment("agent-network", "sacred-council", "0x40"),
            **deployment("istio-ingressgateway", "istio-ingress", "0x40"),
        },
        times=2,
        quiet=(
            deployment("agent-network", "sacred-council", "1x40"),
            deployment("agent-network", "sacred-council", "0x1 1x40"),
            deployment("other", "default", "0x40"),
        ),
    ),
    "ServiceErrorRate": Scenario(
        fires=requests("agent-network", good="0+540x40", failed="0+60x40"),
        quiet=(
            requests("agent-network", good="0+600x40", failed="0+6x40"),
            # One failed request a minute, when there is only one a minute, proves nothing.
            requests("agent-network", good="0x40", failed="0+1x40"),
            requests("elsewhere", good="0x40", failed="0+600x40", namespace="default"),
        ),
    ),
    "DatabaseNodeDown": Scenario(
        fires=stateful_set("cockroachdb", "cockroachdb", "3x40", "2x40"),
        quiet=(
            stateful_set("cockroachdb", "cockroachdb", "3x40", "3x40"),
            stateful_set("cockroachdb", "cockroachdb", "3x40", "2x1 3x40"),
            stateful_set("other", "default", "3x40", "0x40"),
        ),
    ),
    "DatabaseRangesUnavailable": Scenario(
        fires={
            'ranges_unavailable{namespace="cockroachdb",store="1"}': "0x40",
            'ranges_unavailable{namespace="cockroachdb",store="2"}': "4x40",
        },
        quiet=({'ranges_unavailable{namespace="cockroachdb",store="1"}': "0x40"},),
    ),
    "DatabaseBackupFailed": Scenario(
        fires={'schedules_BACKUP_failed{namespace="cockroachdb",pod="cockroachdb-1"}': "0x5 1x35"},
        quiet=(
            {'schedules_BACKUP_failed{namespace="cockroachdb",pod="cockroachdb-1"}': "3x40"},
            {'schedules_BACKUP_failed{namespace="default",pod="cockroachdb-1"}': "0x5 1x35"},
        ),
    ),
    "DatabaseBackupMissing": Scenario(
        # The node restarts after five hours and forgets its backup.
        fires=backed_up("60x10 0x50"),
        quiet=(
            backed_up("0+1800x60"),
            backed_up("0x60", spelt="backup"),
            # The node restarts an hour after a backup. The next backup completes a day later.
            backed_up("60x2 0x46 86400x12"),
            {**backed_up("60x60"), **backed_up("0+1800x60", pod="cockroachdb-2")},
        ),
        minutes=1800,
        step=30,
    ),
    "DatabaseNotBackedUp": Scenario(
        fires=backed_up("0x60"),
        quiet=(
            # The first backup of a new stack takes a day.
            backed_up("0x48 86400x12"),
            backed_up("0x48 86400x12", spelt="backup"),
            # The node was backed up and restarted. The other alert reports old backups.
            backed_up("60x10 0x50"),
        ),
        minutes=1800,
        step=30,
    ),
    "RedisDown": Scenario(
        fires={
            'redis_up{namespace="redis",pod="redis-0"}': "0x40",
            'redis_up{namespace="redis",pod="redis-1"}': "1x40",
        },
        quiet=({'redis_up{namespace="redis",pod="redis-0"}': "1x40"},),
    ),
    "RedisReplicaMissing": Scenario(
        fires=redis(replicas="3x40", attached="1x40"),
        quiet=(
            redis(replicas="3x40", attached="2x40"),
            redis(replicas="1x40", attached="0x40"),
            redis(replicas="1x40", attached=None),
            redis(replicas="3x40", attached="1x4 2x40"),
        ),
    ),
    "NatsServerDown": Scenario(
        fires=stateful_set("nats", "nats", "3x40", "1x40"),
        quiet=(stateful_set("nats", "nats", "3x40", "3x40"),),
    ),
    "JetStreamStorageFilling": Scenario(
        fires=jetstream(used="81x40", limit="100x40"),
        quiet=(
            jetstream(used="79x40", limit="100x40"),
            # A server without JetStream, and one without a limit.
            jetstream(used="0x40", limit="0x40"),
            jetstream(used="81x40", limit="-1x40"),
        ),
    ),
    "NatsGatewayLost": Scenario(
        fires=gateways(europe="0x10 _x30", asia="0x40", server="5x40"),
        quiet=(
            gateways(europe="0x40", asia="0x40", server="5x40"),
            # The connection is back in time, and the whole server is gone: another alert reports that.
            gateways(europe="0x10 _x4 0x25", asia="0x40", server="5x40"),
            gateways(europe="0x10 _x30", asia="0x10 _x30", server="5x10 _x30"),
        ),
    ),
    "EdgeSiteCutOff": Scenario(
        fires=site_links("5x70", lisbon="1x45 _x25", oulu="1x70"),
        quiet=(
            site_links("5x70", lisbon="1x70", oulu="1x70"),
            # The link is back in time.
            site_links("5x70", lisbon="1x55 _x5 1x10", oulu="1x70"),
            # The site is new: its machine may need most of an hour.
            site_links("5x70", lisbon="_x50 1x20", oulu="1x70"),
            # No server is seen: another alert reports that.
            site_links("5x50 _x20", lisbon="1x50 _x20", oulu="1x50 _x20"),
        ),
        minutes=70,
    ),
    "LiveServersDown": Scenario(
        fires=deployment("nats-live", "nats-live", "0x40"),
        quiet=(
            deployment("nats-live", "nats-live", "1x40"),
            deployment("nats-live", "nats-live", "0x1 1x40"),
            deployment("other", "default", "0x40"),
        ),
    ),
    "LiveLinkLost": Scenario(
        fires=live_server("nats-live-a", links="2x5 1x40"),
        quiet=(
            live_server("nats-live-a", links="2x40"),
            # A server of NATS itself has no links.
            live_server("nats-0", links="0x40", namespace="nats"),
            live_server("nats-live-a", links="2x10 1x1 2x40"),
        ),
    ),
    "LiveConnectionsFilling": Scenario(
        fires={**live_server("nats-live-a", browsers="950x40"), **live_server("nats-live-b", browsers="750x40")},
        quiet=(
            {**live_server("nats-live-a", browsers="950x40"), **live_server("nats-live-b", browsers="600x40")},
            live_server("nats-0", browsers="950x40", namespace="nats"),
        ),
    ),
    "KafkaBrokerDown": Scenario(
        # Every controller reports the broker.
        fires={
            'kafka_controller_fencedbrokercount{namespace="kafka",pod="council-controller-100"}': "1x40",
            'kafka_controller_fencedbrokercount{namespace="kafka",pod="council-controller-101"}': "1x40",
        },
        quiet=(
            {'kafka_controller_fencedbrokercount{namespace="kafka",pod="council-controller-100"}': "0x40"},
            {'kafka_controller_fencedbrokercount{namespace="kafka",pod="council-controller-100"}': "1x1 0x40"},
        ),
    ),
    "KafkaPartitionsOffline": Scenario(
        fires={'kafka_controller_offlinepartitionscount{namespace="kafka",pod="council-controller-100"}': "3x40"},
        quiet=({'kafka_controller_offlinepartitionscount{namespace="kafka",pod="council-controller-100"}': "0x40"},),
    ),
    "KafkaReplicasBehind": Scenario(
        fires={'kafka_replicas_underreplicatedpartitions{namespace="kafka",pod="council-broker-0"}': "2x40"},
        quiet=(
            {'kafka_replicas_underreplicatedpartitions{namespace="kafka",pod="council-broker-0"}': "0x40"},
            # A broker restarted.
            {'kafka_replicas_underreplicatedpartitions{namespace="kafka",pod="council-broker-0"}': "2x12 0x28"},
        ),
    ),
    "KafkaMirrorFailed": Scenario(
        fires={
            'kafka_mirror_task{namespace="kafka",source="asia-east1",task="0",status="failed"}': "1x40",
            'kafka_mirror_task{namespace="kafka",source="europe-west1",task="0",status="running"}': "1x40",
        },
        quiet=(
            {'kafka_mirror_task{namespace="kafka",source="asia-east1",task="0",status="running"}': "1x40"},
            # The worker restarts a failed task.
            {'kafka_mirror_task{namespace="kafka",source="asia-east1",task="0",status="failed"}': "1x8 stale"},
        ),
    ),
    "KafkaConsumersBehind": Scenario(
        fires=waiting_records("20000+1000x60"),
        quiet=(
            # Many records wait, and fewer from minute to minute.
            waiting_records("90000-1000x60"),
            # More from minute to minute, but few.
            waiting_records("0+100x60"),
        ),
        minutes=55,
    ),
    "EmbeddingServerDown": Scenario(
        fires=deployment("embedding", "matching", "0x40"),
        quiet=(
            deployment("embedding", "matching", "1x40"),
            # The only server starts again.
            deployment("embedding", "matching", "0x4 1x36"),
        ),
    ),
    "EmbeddingQueueLong": Scenario(
        fires=text_waits(within_a_second=60),
        quiet=(text_waits(within_a_second=99),),
    ),
    "EmbeddingRequestsFail": Scenario(
        fires=embedding_errors("overloaded", 6),
        quiet=(
            embedding_errors("overloaded", 4),
            # Texts that no server takes.
            embedding_errors("validation", 50),
        ),
    ),
    "LedgerStopped": Scenario(
        fires={
            'cometbft_consensus_height{namespace="ledger",pod="ledger-0"}': "1+1x20 21x20",
            'cometbft_consensus_height{namespace="ledger",pod="ledger-1"}': "1+1x20 21x20",
        },
        quiet=(
            # A block a minute.
            {'cometbft_consensus_height{namespace="ledger",pod="ledger-0"}': "1+1x40"},
            # One of two has no peers.
            {
                'cometbft_consensus_height{namespace="ledger",pod="ledger-0"}': "1+1x40",
                'cometbft_consensus_height{namespace="ledger",pod="ledger-1"}': "9x40",
            },
        ),
    ),
    "LedgerNodeDown": Scenario(
        fires=stateful_set("ledger", "ledger", "2x40", "1x40"),
        quiet=(
            stateful_set("ledger", "ledger", "2x40", "2x40"),
            # A validator restarts.
            stateful_set("ledger", "ledger", "2x40", "1x3 2x37"),
        ),
    ),
    "LedgerValidatorsMissing": Scenario(
        # Every validator reports it.
        fires={
            'cometbft_consensus_missing_validators{namespace="ledger",pod="ledger-0"}': "1x40",
            'cometbft_consensus_missing_validators{namespace="ledger",pod="ledger-1"}': "1x40",
        },
        quiet=(
            {'cometbft_consensus_missing_validators{namespace="ledger",pod="ledger-0"}': "0x40"},
            {'cometbft_consensus_missing_validators{namespace="ledger",pod="ledger-0"}': "1x12 0x28"},
        ),
    ),
    "LedgerValidatorLies": Scenario(
        # The next block has no proof of it any more.
        fires={'cometbft_consensus_byzantine_validators{namespace="ledger",pod="ledger-0"}': "0x33 1 0x6"},
        quiet=(
            {'cometbft_consensus_byzantine_validators{namespace="ledger",pod="ledger-0"}': "0x40"},
            # A validator is voted out: its votes go at once.
            {
                'cometbft_consensus_validators{namespace="ledger",pod="ledger-0"}': "5x20 4x20",
                'cometbft_consensus_validators_power{namespace="ledger",pod="ledger-0"}': "50x20 40x20",
            },
        ),
        # The block that said it came between two scrapes.
        also=(
            {
                'cometbft_consensus_byzantine_validators{namespace="ledger",pod="ledger-0"}': "0x40",
                'cometbft_consensus_validators{namespace="ledger",pod="ledger-0"}': "4x40",
                'cometbft_consensus_validators_power{namespace="ledger",pod="ledger-0"}': "40x20 39x20",
            },
        ),
    ),
    "CirclesDown": Scenario(
        fires=stateful_set("circles", "circles", "2x40", "0x40"),
        quiet=(
            stateful_set("circles", "circles", "2x40", "1x40"),
            # The cache fails over.
            stateful_set("circles", "circles", "2x40", "0x1 2x39"),
        ),
    ),
    "CirclesServerDown": Scenario(
        fires=stateful_set("circles", "circles", "2x40", "1x40"),
        quiet=(
            stateful_set("circles", "circles", "2x40", "2x40"),
            # A server restarts without calls.
            stateful_set("circles", "circles", "2x40", "1x3 2x37"),
        ),
    ),
    "CirclesJoinsFail": Scenario(
        fires=joins(signal_failed=1, signal_connected=9),
        quiet=(
            joins(signal_connected=9),
            joins(signal_failed=1, signal_connected=29),
            # Nobody joins.
            joins(signal_failed=0, signal_connected=0),
        ),
    ),
    "CirclesSilent": Scenario(
        fires=joins(rtc_init=10, rtc_active=7),
        quiet=(
            joins(rtc_init=10, rtc_active=9),
            # Who was cut off for a moment counts twice.
            joins(rtc_init=10, rtc_active=12),
            joins(rtc_init=0, rtc_active=0),
        ),
    ),
    "CirclesServerBusy": Scenario(
        fires=processors("circles-0", seconds=108),
        quiet=(processors("circles-0", seconds=84),),
    ),
    "MeshControlPlaneDown": Scenario(
        fires=deployment("istiod", "istio-system", "0x40"),
        quiet=(
            deployment("istiod", "istio-system", "1x40"),
            deployment("istiod", "istio-system", "0x4 1x40"),
        ),
    ),
    "CertificateExpiring": Scenario(
        fires={
            **expiry("security_certificate_expiration_node", "cockroachdb", 29),
            **expiry("citadel_server_cert_chain_expiry_timestamp", "istio-system", 29),
        },
        times=2,
        quiet=(
            expiry("security_certificate_expiration_node", "cockroachdb", 40),
            # CockroachDB publishes 0 for certificates that it does not have.
            expiry("security_certificate_expiration_node", "cockroachdb", 0),
            expiry("citadel_server_cert_chain_expiry_timestamp", "istio-system", 40),
        ),
        minutes=150,
    ),
    "VolumeFilling": Scenario(
        # Also in a namespace that is not the platform's.
        fires={**volume("nats", free="14x40"), **volume("team-a", free="14x40")},
        times=2,
        quiet=(volume("nats", free="16x40"), volume("nats", free="14x5 16x40")),
    ),
    "PodCrashLooping": Scenario(
        # Between two restarts the container runs for a moment. The alert must stay pending then.
        # Also in a namespace that is not the platform's.
        fires={
            **waiting("CrashLoopBackOff", "redis", "1x9 0x2 1x40"),
            **waiting("CrashLoopBackOff", "team-a", "1x9 0x2 1x40"),
        },
        times=2,
        quiet=(
            waiting("CrashLoopBackOff", "redis", "1x2 0x40"),
            waiting("ContainerCreating", "redis", "1x40"),
        ),
    ),
    "TracesLost": Scenario(
        fires={'otelcol_exporter_send_failed_spans_total{exporter="otlp_grpc/jaeger"}': "0+60x40"},
        quiet=({'otelcol_exporter_send_failed_spans_total{exporter="otlp_grpc/jaeger"}': "5x40"},),
    ),
    "AvailabilityBudgetBurnsFast": Scenario(
        # 3 % of the requests fail: thirty times the budget.
        fires=user_requests(good="0+582x90", failed="0+18x90"),
        quiet=(
            # Half of the rate that fires the alert, for as long.
            user_requests(good="0+597x400", failed="0+3x400"),
            # The failures lasted two minutes and are over: too short within an hour to wake anybody.
            user_requests(good="0+600x400", failed="0x60 0+100x2 200x340"),
            # One failed request in an hour with three requests proves nothing.
            user_requests(good="0x30 1x370", failed="0x10 1x390"),
            # Requests between services are not users' requests.
            user_requests(good="0+582x90", failed="0+18x90", source="agent-network"),
        ),
        minutes=85,
    ),
    "AvailabilityBudgetBurnsSlow": Scenario(
        # 0.4 % fail: four times the budget. No single hour is bad enough to wake anybody.
        fires=user_requests(good="0+9960x160", failed="0+40x160"),
        quiet=(user_requests(good="0+9995x160", failed="0+5x160"),),
        minutes=1600,
        step=10,
    ),
    "LatencyBudgetBurnsFast": Scenario(
        fires=user_latency(fast="0+480x90", total="0+600x90"),
        quiet=(
            user_latency(fast="0+590x90", total="0+600x90"),
            # WebSockets last as long as their users stay connected.
            user_latency(fast="0x90", total="0+600x90", code="101"),
        ),
        minutes=85,
    ),
    "LatencyBudgetBurnsSlow": Scenario(
        fires=user_latency(fast="0+960x160", total="0+1000x160"),
        quiet=(user_latency(fast="0+996x160", total="0+1000x160"),),
        minutes=1600,
        step=10,
    ),
    "RegionNotSeen": Scenario(
        fires=data_services("us-central1", "europe-west1"),
        quiet=(
            data_services("us-central1", "europe-west1", "asia-east1"),
            # The region was gone for five minutes.
            {**data_services("us-central1", "europe-west1"), **data_services("asia-east1", values="1x55 0x5 1x15")},
            # The region is new: it needs most of an hour to start.
            {**data_services("us-central1", "europe-west1"), **data_services("asia-east1", values="_x50 1x25")},
        ),
        minutes=70,
    ),
    "KedaDown": Scenario(
        fires=deployment("keda-operator", "keda", "0x40"),
        quiet=(
            deployment("keda-operator", "keda", "1x40"),
            deployment("keda-operator", "keda", "0x3 1x37"),
        ),
    ),
    "ScalingMetricsMissing": Scenario(
        fires=keda_errors("0+4x40"),
        quiet=(keda_errors("12x40"), keda_errors("0+4x3 12x36")),
    ),
    "ServiceAtMaximum": Scenario(
        # 4,000 users for each replica.
        fires={**users("sacred-messaging", "41000x40"), **maximum("sacred-messaging", "10x40")},
        quiet=(
            {**users("sacred-messaging", "40000x40"), **maximum("sacred-messaging", "10x40")},
            {**users("sacred-messaging", "90000x9 40000x31"), **maximum("sacred-messaging", "10x40")},
            {**users("agent-network", "4000x40"), **maximum("sacred-messaging", "10x40")},
        ),
    ),
    "ForecastHistoryCut": Scenario(
        # Promtool's clock starts at 0, so a lowest timestamp of 0 is a short history.
        fires=history("0x16", "0+1x16"),
        quiet=(
            history("0x16", "0x16"),
            history("-2000000x16", "0+1x16"),
        ),
        minutes=160,
        step=10,
    ),
}
