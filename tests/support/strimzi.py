"""What Strimzi 1.2.0 derives from its resources: properties of brokers and workers, connectors, and rights. Pure.

Its own programs are in no package registry. The rules were read in its source: KafkaBrokerConfigurationBuilder,
KafkaConnectConfigurationBuilder, KafkaMirrorMaker2Connectors, SimpleAclRule. Three things differ, as all regions run
on one machine: servers listen on their region's loopback address, and Secrets are folders. Workers find connectors by
Java's services, because all jars are in one folder, which would take long to search.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

CONTROL: Final = "CONTROLPLANE-9090"
REPLICATION: Final = "REPLICATION-9091"
ORGANIZATION: Final = "io.strimzi"
FORBIDDEN: Final = (
    "listeners",
    "advertised.",
    "broker.",
    "listener.",
    "host.name",
    "port",
    "inter.broker.listener.name",
    "sasl.",
    "ssl.",
    "security.",
    "password.",
    "log.dir",
    "authorizer.",
    "super.user",
    "node.id",
    "process.roles",
    "controller.",
    "metadata.log.dir",
)
"""Prefixes of brokers' keys that the operator drops from a Kafka resource."""
ALLOWED: Final = ("ssl.cipher.suites", "ssl.protocol", "ssl.enabled.protocols")
"""Keys with such a prefix that it keeps."""

Properties = dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A Kafka resource on this machine."""

    name: str
    namespace: str
    spec: Mapping[str, Any]
    address: str
    """Loopback address of all its servers."""
    secrets: Path
    """Folder with a folder for each Secret."""
    data: Path


@dataclass(frozen=True, kw_only=True)
class Node:
    """A broker or a controller."""

    cluster: Cluster
    pool: str
    number: int

    @property
    def pod(self) -> str:
        """Name of its pod."""
        return f"{self.cluster.name}-{self.pool}-{self.number}"

    @property
    def host(self) -> str:
        """DNS name of its pod."""
        return f"{self.pod}.{self.cluster.name}-kafka-brokers.{self.cluster.namespace}.svc"


def nodes(cluster: Cluster, pools: Mapping[str, Mapping[str, Any]]) -> list[Node]:
    """The nodes of KafkaNodePools, given by name. Ids come from their annotation."""
    return [
        Node(cluster=cluster, pool=name, number=_first_id(pool) + index)
        for name, pool in pools.items()
        for index in range(pool["spec"]["replicas"])
    ]


def _first_id(pool: Mapping[str, Any]) -> int:
    return int(pool["metadata"]["annotations"]["strimzi.io/next-node-ids"].strip("[]").partition("-")[0])


def node_properties(node: Node, everyone: Sequence[Node]) -> Properties:
    """The properties of a broker or controller."""
    cluster, broker = node.cluster, node.pool == "broker"
    listeners = cluster.spec["listeners"] if broker else []
    own = (REPLICATION, *map(listener_name, listeners)) if broker else (CONTROL,)
    advertised = {CONTROL: node.host, REPLICATION: node.host, **_advertised(node, listeners)}
    quorum = [one for one in everyone if one.pool != "broker"]
    secured = [CONTROL, *(own if broker else ())]
    return {
        "node.id": str(node.number),
        "process.roles": "broker" if broker else "controller",
        "controller.listener.names": CONTROL,
        "controller.quorum.voters": ",".join(f"{one.number}@{one.host}:9090" for one in quorum),
        **_internal(node, CONTROL),
        **(_internal(node, REPLICATION) if broker else {}),
        **{key: value for listener in listeners for key, value in _listener(node, listener).items()},
        "listener.security.protocol.map": ",".join(f"{name}:SSL" for name in secured),
        "listeners": ",".join(f"{name}://{cluster.address}:{port_of(name)}" for name in own),
        **({"inter.broker.listener.name": REPLICATION} if broker else {}),
        "advertised.listeners": ",".join(f"{name}://{advertised[name]}:{port_of(name)}" for name in own),
        "ssl.endpoint.identification.algorithm": "HTTPS",
        **_authorization(cluster),
        **providers(),
        "log.dirs": f"{cluster.data}/{node.pod}",
        **kept(cluster.spec["config"]),
    }


def kept(config: Mapping[str, Any]) -> Properties:
    """The keys of a Kafka resource that the operator passes on."""
    return {key: text(value) for key, value in config.items() if key in ALLOWED or not key.startswith(FORBIDDEN)}


def text(value: object) -> str:
    """A value in a file of properties."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def listener_name(listener: Mapping[str, Any]) -> str:
    """Kafka's name of a listener."""
    return f"{listener['name']}-{listener['port']}".upper()


def port_of(name: str) -> str:
    """The port of the listener of that name."""
    return name.rpartition("-")[2]


def _advertised(node: Node, listeners: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    found = {}
    for listener in listeners:
        named = {one["broker"]: one["advertisedHost"] for one in listener.get("configuration", {}).get("brokers", [])}
        found[listener_name(listener)] = named.get(node.number, node.host)
    return found


def _internal(node: Node, name: str) -> Properties:
    prefix = f"listener.name.{name.lower()}.ssl"
    return {
        **key_store(f"{prefix}.", secret(node.cluster, node.pod), f"{node.pod}.crt", f"{node.pod}.key"),
        f"{prefix}.truststore.certificates": f"{secret(node.cluster, 'trust-bundle')}:cluster-ca.crt}}",
        f"{prefix}.truststore.type": "PEM",
        f"{prefix}.client.auth": "required",
    }


def _listener(node: Node, listener: Mapping[str, Any]) -> Properties:
    assert listener["tls"], listener
    assert listener["authentication"] == {"type": "tls"}, listener
    prefix = f"listener.name.{listener_name(listener).lower()}.ssl"
    shown = listener["configuration"]["brokerCertChainAndKey"]
    held = secret(node.cluster, shown["secretName"])
    return {
        **key_store(f"{prefix}.", held, shown["certificate"], shown["key"]),
        f"{prefix}.client.auth": "required",
        f"{prefix}.truststore.certificates": f"{secret(node.cluster, 'trust-bundle')}:clients-ca.crt}}",
        f"{prefix}.truststore.type": "PEM",
    }


def key_store(prefix: str, held: str, certificate: str, key: str) -> Properties:
    """The properties of a certificate and its key in a Secret."""
    return {
        f"{prefix}keystore.certificate.chain": f"{held}:{certificate}}}",
        f"{prefix}keystore.key": f"{held}:{key}}}",
        f"{prefix}keystore.type": "PEM",
    }


def secret(cluster: Cluster, name: str) -> str:
    """The beginning of a reference to a Secret, up to the key."""
    return f"${{strimzisecrets:{cluster.secrets}/{name}"


def providers() -> Properties:
    """The provider that reads Secrets, here from folders."""
    return {
        "config.providers": "strimzisecrets",
        "config.providers.strimzisecrets.class": "org.apache.kafka.common.config.provider.DirectoryConfigProvider",
    }


def _authorization(cluster: Cluster) -> Properties:
    assert cluster.spec["authorization"] == {"type": "simple"}, cluster.spec
    names = (f"{cluster.name}-kafka", f"{cluster.name}-entity-user-operator", "cluster-operator")
    return {
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": ";".join(f"User:CN={name},O={ORGANIZATION}" for name in names),
    }


def worker_properties(mirror: Mapping[str, Any], cluster: Cluster) -> Properties:
    """The properties of a worker of KafkaMirrorMaker2."""
    target = mirror["target"]
    secured = {
        "security.protocol": "SSL",
        **client_properties(target, cluster),
    }
    byte_array = "org.apache.kafka.connect.converters.ByteArrayConverter"
    return {
        "bootstrap.servers": target["bootstrapServers"],
        "group.id": target["groupId"],
        **{f"{kind}.storage.topic": target[f"{kind}StorageTopic"] for kind in ("config", "status", "offset")},
        **{f"{kind}.converter": byte_array for kind in ("key", "value", "header")},
        **{
            f"{prefix}{key}": value
            for prefix in ("", "producer.", "consumer.", "admin.")
            for key, value in secured.items()
        },
        **providers(),
        "listeners": f"http://{cluster.address}:8083",
        "rest.advertised.host.name": cluster.address,
        "rest.advertised.port": "8083",
        "plugin.discovery": "service_load",
        **{key: text(value) for key, value in target["config"].items()},
    }


def client_properties(end: Mapping[str, Any], cluster: Cluster) -> Properties:
    """The TLS properties of a client, from one end of a mirror."""
    (trusted,) = end["tls"]["trustedCertificates"]
    shown = end["authentication"]["certificateAndKey"]
    assert end["authentication"]["type"] == "tls", end
    return {
        "ssl.truststore.certificates": f"{secret(cluster, trusted['secretName'])}:{trusted['certificate']}}}",
        "ssl.truststore.type": "PEM",
        **key_store("ssl.", secret(cluster, shown["secretName"]), shown["certificate"], shown["key"]),
    }


def connectors(mirror: Mapping[str, Any], cluster: Cluster) -> dict[str, Properties]:
    """The configuration of each connector, by name."""
    target = mirror["target"]
    found = {}
    for one in mirror["mirrors"]:
        for kind, connector in (("Source", one["sourceConnector"]), ("Checkpoint", one["checkpointConnector"])):
            name = f"{one['source']['alias']}->{target['alias']}.Mirror{kind}Connector"
            found[name] = {
                "connector.class": f"org.apache.kafka.connect.mirror.Mirror{kind}Connector",
                "tasks.max": str(connector["tasksMax"]),
                **_end("target.cluster.", target, cluster),
                **_end("source.cluster.", one["source"], cluster),
                **{key: text(value) for key, value in connector["config"].items()},
                "topics": one["topicsPattern"],
                "groups": one["groupsPattern"],
                "groups.exclude": one["groupsExcludePattern"],
            }
    return found


def _end(prefix: str, end: Mapping[str, Any], cluster: Cluster) -> Properties:
    return {
        f"{prefix}alias": end["alias"],
        f"{prefix}bootstrap.servers": end["bootstrapServers"],
        f"{prefix}security.protocol": "SSL",
        **{f"{prefix}{key}": value for key, value in client_properties(end, cluster).items()},
        # The operator adds the configuration of the target's workers to each connector, too.
        **{f"{prefix}{key}": text(value) for key, value in end.get("config", {}).items()},
    }


def rights(name: str, user: Mapping[str, Any]) -> list[dict[str, str]]:
    """The rights of a KafkaUser called `name`, each once, as its operator asks Kafka for them."""
    assert user["authentication"] == {"type": "tls-external"}, user
    found = [
        {
            "principal": f"User:CN={name}",
            "kind": _shouted(one["resource"]["type"]),
            "name": one["resource"]["name"],
            "pattern": {"literal": "LITERAL", "prefix": "PREFIXED"}[one["resource"]["patternType"]],
            "host": one["host"],
            "operation": _shouted(operation),
        }
        for one in user["authorization"]["acls"]
        for operation in one["operations"]
    ]
    return [one for index, one in enumerate(found) if one not in found[:index]]


def _shouted(operation: str) -> str:
    """A word in Kafka's spelling, such as TRANSACTIONAL_ID for transactionalId."""
    return "".join(f"_{letter}" if letter.isupper() else letter for letter in operation).strip("_").upper()
