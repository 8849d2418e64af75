"""Spec of the mirror that brings the records of other regions to a region. Pure."""

from typing import Any, Final

from components.peering.names import peer_name
from components.settings.values import usual_replicas
from components.streaming.configuration import (
    BOOTSTRAP,
    CLIENT_IDLE_MILLISECONDS,
    CLIENT_PORT,
    CLUSTER_LABEL,
    INTERNAL,
    MIRROR,
    MIRROR_CERTIFICATE,
    PEER_CERTIFICATE,
    PEER_PORT,
    RegionKafka,
    arriving,
    certificate,
    heap,
    metrics_config,
    resources,
    spread,
)
from components.versions import KAFKA_VERSION

LOCAL_GROUPS: Final = r".*\.local"
"""Consumer groups whose offsets stay in their region, because a group of the same name reads in every region."""
MIRROR_TASKS: Final = 4
"""Most tasks for each other region. They share its partitions, two on each of the mirror's two pods."""
IDLE: Final = "connections.max.idle.ms"
CLIENTS: Final = {f"{client}.{IDLE}": CLIENT_IDLE_MILLISECONDS for client in ("consumer", "producer", "admin")}
"""Configuration of the clients of a connector.

Kafka takes it from the connector alone: of a mirror's `source` it reads only addresses and security.
"""
WORKER: Final = {IDLE: CLIENT_IDLE_MILLISECONDS}
"""Configuration of the clients of a worker's group and of its three topics, which connect to the region's brokers."""


def mirror(kafka: RegionKafka) -> dict[str, Any]:
    """Spec of the KafkaMirrorMaker2 that brings the other regions' records here: one object for any number of them."""
    replicas = usual_replicas(kafka.settings.brokers)
    return {
        "version": KAFKA_VERSION,
        "replicas": mirror_workers(kafka.settings.brokers),
        "target": {
            "alias": kafka.region,
            "bootstrapServers": f"{BOOTSTRAP}.{kafka.namespace}.svc:{CLIENT_PORT}",
            "groupId": INTERNAL,
            "configStorageTopic": f"{INTERNAL}-configs",
            "offsetStorageTopic": f"{INTERNAL}-offsets",
            "statusStorageTopic": f"{INTERNAL}-status",
            **_client_tls(MIRROR_CERTIFICATE),
            "config": {
                **WORKER,
                "exactly.once.source.support": "enabled",
                **{f"{topic}.storage.replication.factor": replicas for topic in ("config", "offset", "status")},
            },
        },
        "mirrors": [_from(kafka, peer, replicas) for peer in sorted(kafka.peers)],
        "resources": resources("250m", "768Mi"),
        "jvmOptions": heap("768Mi"),
        "metricsConfig": metrics_config("mirror.yaml"),
        "template": {"pod": spread({CLUSTER_LABEL: MIRROR})},
    }


def mirror_workers(brokers: int) -> int:
    """Return the number of the mirror's pods in a region with so many brokers."""
    return 1 if brokers == 1 else 2


def bootstrap(region: str, namespace: str, brokers: int) -> str:
    """Return the addresses of `region`'s brokers for the other regions, as `host:port` with commas between them."""
    return ",".join(f"{peer_name(region, namespace, index)}:{PEER_PORT}" for index in range(brokers))


def _from(kafka: RegionKafka, peer: str, replicas: int) -> dict[str, Any]:
    # Without a loop: only topics whose name has no region are read, and what is written has one.
    return {
        "source": {
            "alias": peer,
            "bootstrapServers": bootstrap(peer, kafka.namespace, kafka.settings.brokers),
            **_client_tls(PEER_CERTIFICATE),
        },
        "topicsPattern": "|".join(topic.name for topic in arriving(kafka.region, kafka.settings)),
        "groupsPattern": ".*",
        "groupsExcludePattern": f"{LOCAL_GROUPS},__.*",
        "sourceConnector": {
            "tasksMax": MIRROR_TASKS,
            "autoRestart": {"enabled": True},
            "config": {
                **CLIENTS,
                "replication.factor": replicas,
                "offset-syncs.topic.replication.factor": replicas,
                # So the other region is only ever read.
                "offset-syncs.topic.location": "target",
                "offset.lag.max": 0,
                "sync.topic.acls.enabled": False,
                "refresh.topics.interval.seconds": 60,
                "consumer.isolation.level": "read_committed",
                "exactly.once.support": "required",
            },
        },
        "checkpointConnector": {
            "tasksMax": 1,
            "autoRestart": {"enabled": True},
            "config": {
                **CLIENTS,
                "checkpoints.topic.replication.factor": replicas,
                "offset-syncs.topic.location": "target",
                "emit.checkpoints.interval.seconds": 10,
                "refresh.groups.interval.seconds": 60,
                "sync.group.offsets.enabled": True,
                "sync.group.offsets.interval.seconds": 10,
            },
        },
    }


def _client_tls(secret: str) -> dict[str, Any]:
    return {
        "tls": {"trustedCertificates": [{"secretName": secret, "certificate": "ca.crt"}]},
        "authentication": {"type": "tls", "certificateAndKey": certificate(secret)},
    }
