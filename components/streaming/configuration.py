"""Names, and specs of Strimzi's brokers and topics. Pure.

Names of objects that the operator makes: Strimzi 1.2, "Configuring Kafka" and "KafkaResources".
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from components.peering.names import peer_name
from components.settings.values import ALL, bytes_of, seconds_of, usual_replicas
from components.streaming.settings import MOST_BROKERS, StreamingSettings, TopicSettings
from components.versions import KAFKA_VERSION

CLUSTER: Final = "council"
"""Name of the region's Kafka, from which the operator derives all others."""
API_VERSION: Final = "kafka.strimzi.io/v1"
CLUSTER_LABEL: Final = "strimzi.io/cluster"
NAME_LABEL: Final = "strimzi.io/name"
POD_NAME_LABEL: Final = "strimzi.io/pod-name"
KIND_LABEL: Final = "strimzi.io/kind"
NODE_IDS: Final = "strimzi.io/next-node-ids"

BROKERS: Final = "broker"
CONTROLLERS: Final = "controller"
BOOTSTRAP: Final = f"{CLUSTER}-kafka-bootstrap"
NODES: Final = f"{CLUSTER}-kafka-brokers"
MIRROR: Final = "mirror"

CONTROL_PORT: Final = 9090
REPLICATION_PORT: Final = 9091
CLIENT_PORT: Final = 9093
PEER_PORT: Final = 9094
AGENT_PORT: Final = 8443
CONNECT_PORT: Final = 8083
METRICS_PORT: Final = 9404
OPERATOR_METRICS_PORT: Final = 8080

APPLICATION_USER: Final = "sacred-council"
PEER_USER: Final = "peers"
"""The user by which the other regions read topics. It has this name in every region."""
MIRROR_USER: Final = "mirror"
RESERVED_USERS: Final = (APPLICATION_USER, PEER_USER, MIRROR_USER)

SERVER_CERTIFICATE: Final = "kafka-certificate"
MIRROR_CERTIFICATE: Final = "kafka-mirror-certificate"
PEER_CERTIFICATE: Final = "kafka-peer-certificate"
METRICS_RULES: Final = "kafka-metrics"

CONTROLLER_STORAGE: Final = "2Gi"
CONTROLLER_CPU: Final = "100m"
CONTROLLER_MEMORY: Final = "512Mi"
HEAP_SHARE: Final = 0.5
BROKER_IDLE_MILLISECONDS: Final = 180_000
"""After this silence a broker closes a connection. Azure forgets it after 4 minutes, AWS after 350 seconds."""
CLIENT_IDLE_MILLISECONDS: Final = 150_000
"""After this silence a mirror closes a connection: before the broker, as with Kafka's defaults of 9 and 10 minutes."""
INTERNAL: Final = "__mirror"
"""Prefix of what the mirror's workers keep for themselves. No topic's name begins so."""


@dataclass(frozen=True, kw_only=True)
class RegionKafka:
    """The Kafka of one region."""

    region: str
    settings: StreamingSettings
    namespace: str
    """Kafka's namespace, which has the same name in every region: the mirror finds the other regions' brokers by it."""
    peering: bool
    """Whether other regions reach the brokers."""
    peers: Sequence[str] = ()
    """The other regions."""
    zoned: bool = False
    """Whether nodes carry the label of their zone."""


def user_in(user: str, region: str) -> str:
    """Return the name of `user` in `region`. Each region has its own, so one region's key opens no other region."""
    return f"{user}.{region}"


def remote_topic(region: str, topic: str) -> str:
    """Return the name, in any other region, of the topic with the records that `region` took."""
    return f"{region}.{topic}"


def replicas_of(topic: TopicSettings, brokers: int) -> int:
    """Return how many brokers keep each record of `topic`."""
    return topic.replicas or usual_replicas(brokers)


def min_insync_replicas(replicas: int) -> int:
    """Return how many brokers must have a record before the producer gets its answer."""
    return max(1, replicas - 1)


def arriving(region: str, settings: StreamingSettings) -> list[TopicSettings]:
    """Return the topics whose records of other regions come to `region`, sorted by name."""
    listed = sorted(settings.topics, key=lambda topic: topic.name)
    return [topic for topic in listed if {region, ALL} & set(topic.replicated_to)]


def leaving(region: str, peers: Iterable[str], settings: StreamingSettings) -> list[TopicSettings]:
    """Return the topics that some of `peers` read from `region`, sorted by name."""
    listed = sorted(settings.topics, key=lambda topic: topic.name)
    return [
        topic for topic in listed if any({peer, ALL} & set(topic.replicated_to) for peer in peers if peer != region)
    ]


def pool(settings: StreamingSettings, role: str, storage_class: object = None) -> dict[str, Any]:
    """Spec of a KafkaNodePool of brokers or of controllers. `storage_class` None: the cluster's default."""
    brokers = role == BROKERS
    volume = {
        "id": 0,
        "type": "persistent-claim",
        "size": settings.storage if brokers else CONTROLLER_STORAGE,
        "deleteClaim": False,
        "kraftMetadata": "shared",
        **({} if storage_class is None else {"class": storage_class}),
    }
    memory = settings.memory if brokers else CONTROLLER_MEMORY
    return {
        "replicas": settings.brokers if brokers else settings.controllers,
        "roles": [role],
        "storage": {"type": "jbod", "volumes": [volume]},
        "resources": resources(settings.cpu if brokers else CONTROLLER_CPU, memory),
        "jvmOptions": heap(memory),
        "template": {"pod": spread({CLUSTER_LABEL: CLUSTER, "strimzi.io/pool-name": role})},
    }


def node_ids(role: str) -> str:
    """Return the annotation with the ids of a pool's nodes. Peer endpoint number n leads to broker n."""
    return f"[0-{MOST_BROKERS - 1}]" if role == BROKERS else f"[{MOST_BROKERS}-{2 * MOST_BROKERS - 1}]"


def broker_pod(index: int) -> str:
    """Return the name of a broker's pod."""
    return f"{CLUSTER}-{BROKERS}-{index}"


def resources(cpu: str, memory: str) -> dict[str, Any]:
    """Requests and limits of a container, which are equal."""
    return {key: {"cpu": cpu, "memory": memory} for key in ("requests", "limits")}


def heap(memory: str) -> dict[str, str]:
    """Java's heap for a container of `memory`. It never grows, so that a broker has it from the start."""
    size = f"{int(bytes_of(memory) * HEAP_SHARE) // 2**20}m"
    return {"-Xms": size, "-Xmx": size}


def spread(labels: Mapping[str, str]) -> dict[str, Any]:
    """Spread pods with `labels` over zones and nodes as evenly as possible. A cluster with one node still runs them."""
    return {
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": key,
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": dict(labels)},
            }
            for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
        ]
    }


def cluster(kafka: RegionKafka) -> dict[str, Any]:
    """Spec of the Kafka resource."""
    return {
        "kafka": {
            "version": KAFKA_VERSION,
            "listeners": [_client_listener(), *([_peer_listener(kafka)] if kafka.peering else [])],
            "authorization": {"type": "simple"},
            "config": broker_config(kafka.settings),
            **(
                {"rack": {"type": "topology-label", "topologyKey": "topology.kubernetes.io/zone"}}
                if kafka.zoned
                else {}
            ),
            "metricsConfig": metrics_config("brokers.yaml"),
        },
        "entityOperator": {
            "topicOperator": {"resources": resources("50m", "256Mi")},
            "userOperator": {"resources": resources("50m", "256Mi")},
            # A topic that waits for an operator that is gone would keep its namespace from being deleted.
            "template": {"topicOperatorContainer": {"env": [{"name": "STRIMZI_USE_FINALIZERS", "value": "false"}]}},
        },
        "kafkaExporter": {"topicRegex": ".*", "groupRegex": ".*", "resources": resources("20m", "64Mi")},
        # The operator's own authority signs what brokers and operators show each other; it leaves the cluster nowhere.
        # Users show certificates of the platform, whose root is all that the brokers need of it.
        "clientsCa": {"generateCertificateAuthority": False},
    }


def broker_config(settings: StreamingSettings) -> dict[str, Any]:
    """Configuration of the brokers and controllers."""
    replicas = usual_replicas(settings.brokers)
    least = min_insync_replicas(replicas)
    return {
        "auto.create.topics.enable": False,
        "connections.max.idle.ms": BROKER_IDLE_MILLISECONDS,
        "default.replication.factor": replicas,
        "min.insync.replicas": least,
        "offsets.topic.replication.factor": replicas,
        "transaction.state.log.replication.factor": replicas,
        "transaction.state.log.min.isr": least,
        "share.coordinator.state.topic.replication.factor": replicas,
        "share.coordinator.state.topic.min.isr": least,
        "replica.selector.class": "org.apache.kafka.common.replica.RackAwareReplicaSelector",
        "ssl.enabled.protocols": "TLSv1.3",
        "ssl.protocol": "TLSv1.3",
    }


def metrics_config(rules: str) -> dict[str, Any]:
    """Metrics of Java processes, by the rules in this file of the ConfigMap `METRICS_RULES`."""
    source = {"configMapKeyRef": {"name": METRICS_RULES, "key": rules}}
    return {"type": "jmxPrometheusExporter", "valueFrom": source}


def _client_listener() -> dict[str, Any]:
    return {
        "name": "clients",
        "port": CLIENT_PORT,
        "type": "internal",
        "tls": True,
        "authentication": {"type": "tls"},
        "configuration": {"brokerCertChainAndKey": certificate(SERVER_CERTIFICATE)},
    }


def _peer_listener(kafka: RegionKafka) -> dict[str, Any]:
    """The listener for other regions: each broker tells the name of its peer endpoint."""
    brokers = range(kafka.settings.brokers)
    return {
        "name": "peers",
        "port": PEER_PORT,
        "type": "internal",
        "tls": True,
        "authentication": {"type": "tls"},
        "configuration": {
            "brokerCertChainAndKey": certificate(SERVER_CERTIFICATE),
            "brokers": [
                {"broker": index, "advertisedHost": peer_name(kafka.region, kafka.namespace, index)}
                for index in brokers
            ],
        },
    }


def certificate(secret: str) -> dict[str, str]:
    """Refer to a certificate and its key."""
    return {"secretName": secret, "certificate": "tls.crt", "key": "tls.key"}


def topic(settings: TopicSettings, brokers: int) -> dict[str, Any]:
    """Spec of a KafkaTopic. Kafka limits the size of a partition, so each gets its part of the topic's."""
    replicas = replicas_of(settings, brokers)
    return {
        "partitions": settings.partitions,
        "replicas": replicas,
        "config": {
            "retention.ms": seconds_of(settings.retention) * 1000,
            "retention.bytes": max(1, bytes_of(settings.max_size) // settings.partitions),
            "segment.bytes": segment_bytes(settings),
            "min.insync.replicas": min_insync_replicas(replicas),
        },
    }


def segment_bytes(settings: TopicSettings) -> int:
    """Return the size of a segment: an eighth of a partition's limit, from 1 MiB to 1 GiB.

    Kafka deletes only whole segments, and never the newest.
    """
    return min(2**30, max(2**20, bytes_of(settings.max_size) // settings.partitions // 8))


def operator_values() -> dict[str, Any]:
    """Values of the operator's chart. It watches its own namespace, and its pods keep the restricted standard."""
    return {
        "replicas": 1,
        # The namespace is closed, and the component opens it: generated policies would open listeners to everyone.
        "generateNetworkPolicy": False,
        "extraEnvs": [{"name": "STRIMZI_POD_SECURITY_PROVIDER_CLASS", "value": "restricted"}],
        "resources": {
            "requests": {"cpu": "100m", "memory": "384Mi"},
            "limits": {"cpu": "1", "memory": "384Mi"},
        },
    }
