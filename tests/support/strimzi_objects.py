"""The objects that Strimzi 1.2.0 makes from a Kafka, its node pools and a mirror, as far as policies and rights need.

Its own programs are in no package registry. Names, labels, ports and rights were read in its source: KafkaCluster,
EntityOperator, KafkaExporter, KafkaConnectCluster, KafkaMirrorMaker2Cluster, Labels, RestrictedPodSecurityProvider.
Brokers and workers read their certificates from the API with rights on Secrets of their own namespace.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.support.manifests import Manifest
from tests.support.network_rules import Pods

KAFKA, ENTITY, EXPORTER, MIRROR, OPERATOR = (
    *("kafka", "entity-operator", "kafka-exporter", "kafka-mirror-maker-2"),
    "cluster-operator",
)
CONTROL, REPLICATION, AGENT, CONNECT, METRICS = 9090, 9091, 8443, 8083, 9404
CALLS: Mapping[tuple[str, str], Sequence[int]] = {
    (OPERATOR, KAFKA): (CONTROL, REPLICATION, AGENT),
    (KAFKA, KAFKA): (CONTROL, REPLICATION),
    (ENTITY, KAFKA): (REPLICATION,),
    (EXPORTER, KAFKA): (REPLICATION,),
    (OPERATOR, MIRROR): (CONNECT,),
    (MIRROR, MIRROR): (CONNECT,),
}
"""Ports by caller and callee: the rules of the network policies that the operator makes unless it is told not to."""
RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "runAsNonRoot": True,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}
PROVIDER = {"name": "STRIMZI_POD_SECURITY_PROVIDER_CLASS", "value": "restricted"}

Made = tuple[str, str, dict[str, Any]]
"""Maker and namespace of pods, and their template."""


def pods(objects: Sequence[Manifest]) -> Iterator[Made]:
    """The pods of Strimzi's resources, each broker by itself: its label has its own name."""
    confined = RESTRICTED if _restricted(objects) else {}
    pools = [each for each in objects if each["kind"] == "KafkaNodePool"]
    for each in objects:
        if each["kind"] == "Kafka":
            for pool in pools:
                yield from _nodes(each, pool, confined)
            yield from _helpers(each, confined)
        elif each["kind"] == "KafkaMirrorMaker2":
            yield _mirror(each, confined)


def made(objects: Sequence[Manifest]) -> list[Manifest]:
    """The Services, accounts and rights of these pods."""
    found: list[Manifest] = []
    for each in objects:
        name = each["metadata"]["name"]
        if each["kind"] == "Kafka":
            brokers = _labels(each, f"{name}-kafka", KAFKA)
            listeners = {f"tcp-{one['name']}": one["port"] for one in each["spec"]["kafka"]["listeners"]}
            served = {"tcp-replication": REPLICATION, **listeners}
            nodes = {"tcp-ctrlplane": CONTROL, "tcp-kafkaagent": AGENT, **served}
            role = {"strimzi.io/broker-role": "true"}
            found += [
                _service(each, f"{name}-kafka-bootstrap", {**_selector(brokers), **role}, served),
                _service(each, f"{name}-kafka-brokers", _selector(brokers), nodes),
                *_rights(each, f"{name}-kafka", ["get"]),
                *_rights(each, f"{name}-entity-operator", ["get", "list", "watch", "create", "patch", "delete"]),
            ]
        elif each["kind"] == "KafkaMirrorMaker2":
            workers = _labels(each, f"{name}-mirrormaker2", MIRROR)
            found += [
                _service(each, f"{name}-mirrormaker2-api", _selector(workers), {"rest-api": CONNECT}),
                *_rights(each, f"{name}-mirrormaker2", ["get"]),
            ]
    return found


def calls(source: Pods, target: Pods) -> Sequence[int]:
    """The ports of `target` that `source` calls, of those that no configuration names."""
    if source.namespace != target.namespace:
        return ()
    wanted = CALLS.get((_part(source), _part(target)), ())
    return [port for port in wanted if port in {one.number for one in target.ports}]


def _part(those: Pods) -> str:
    operator = those.labels.get("strimzi.io/kind") == OPERATOR
    return OPERATOR if operator else those.labels.get("strimzi.io/component-type", "")


def _restricted(objects: Sequence[Manifest]) -> bool:
    return any(
        PROVIDER in (container.get("env") or [])
        for each in objects
        if each["kind"] == "Deployment"
        for container in each["spec"]["template"]["spec"]["containers"]
    )


def _nodes(kafka: Manifest, pool: Manifest, confined: Mapping[str, Any]) -> Iterator[Made]:
    """The pods of a pool. Its annotation has the first number; a controller has no listener for replication."""
    name, roles = kafka["metadata"]["name"], pool["spec"]["roles"]
    first = int(pool["metadata"]["annotations"]["strimzi.io/next-node-ids"].strip("[]").partition("-")[0])
    listeners = {f"tcp-{one['name']}": one["port"] for one in kafka["spec"]["kafka"]["listeners"]}
    ports = {
        **{"tcp-ctrlplane": CONTROL, "tcp-kafkaagent": AGENT, "tcp-prometheus": METRICS},
        **({"tcp-replication": REPLICATION, **listeners} if "broker" in roles else {}),
    }
    for number in range(first, first + pool["spec"]["replicas"]):
        pod = f"{name}-{pool['metadata']['name']}-{number}"
        labels = {
            **_labels(kafka, f"{name}-kafka", KAFKA),
            "strimzi.io/pool-name": pool["metadata"]["name"],
            "strimzi.io/pod-name": pod,
            "statefulset.kubernetes.io/pod-name": pod,
            "strimzi.io/controller": "strimzipodset",
            **{f"strimzi.io/{role}-role": str(role in roles).lower() for role in ("broker", "controller")},
        }
        yield _made(kafka, pod, labels, f"{name}-kafka", [_container("kafka", ports, confined)])


def _helpers(kafka: Manifest, confined: Mapping[str, Any]) -> Iterator[Made]:
    """The entity operator and the exporter. Both read the brokers' address from a variable."""
    name, spec = kafka["metadata"]["name"], kafka["spec"]
    address = f"{name}-kafka-bootstrap:{REPLICATION}"
    if "entityOperator" in spec:
        app = f"{name}-entity-operator"
        told = {"STRIMZI_KAFKA_BOOTSTRAP_SERVERS": address}
        containers = [
            _container("topic-operator", {"healthcheck": 8080}, confined, told),
            _container("user-operator", {"healthcheck": 8081}, confined, told),
        ]
        yield _made(kafka, app, _labels(kafka, app, ENTITY), app, containers)
    if "kafkaExporter" in spec:
        app = f"{name}-kafka-exporter"
        container = _container(app, {"tcp-prometheus": METRICS}, confined, {"KAFKA_EXPORTER_KAFKA_SERVER": address})
        yield _made(kafka, app, _labels(kafka, app, EXPORTER), app, [container])


def _mirror(mirror: Manifest, confined: Mapping[str, Any]) -> Made:
    """The workers. The operator writes the addresses into their ConfigMap; here they are a variable."""
    app, spec = f"{mirror['metadata']['name']}-mirrormaker2", mirror["spec"]
    ends = [spec["target"], *(one["source"] for one in spec["mirrors"])]
    told = {"ADDRESSES": ",".join(end["bootstrapServers"] for end in ends)}
    container = _container(app, {"rest-api": CONNECT, "tcp-prometheus": METRICS}, confined, told)
    return _made(mirror, app, _labels(mirror, app, MIRROR), app, [container])


def _made(
    owner: Manifest, name: str, labels: Mapping[str, str], account: str, made_of: Sequence[Mapping[str, Any]]
) -> Made:
    namespace = owner["metadata"]["namespace"]
    template = {"metadata": {"labels": labels}, "spec": {"serviceAccountName": account, "containers": list(made_of)}}
    return f"{owner['kind']}/{namespace}/{name}", namespace, template


def _labels(owner: Manifest, name: str, part: str) -> dict[str, str]:
    belongs = owner["metadata"]["name"]
    return {
        "strimzi.io/cluster": belongs,
        "strimzi.io/kind": owner["kind"],
        "strimzi.io/name": name,
        "strimzi.io/component-type": part,
        "app.kubernetes.io/name": part,
        "app.kubernetes.io/instance": belongs,
        "app.kubernetes.io/part-of": f"strimzi-{belongs}",
        "app.kubernetes.io/managed-by": "strimzi-cluster-operator",
    }


def _selector(labels: Mapping[str, str]) -> dict[str, str]:
    return {f"strimzi.io/{key}": labels[f"strimzi.io/{key}"] for key in ("cluster", "kind", "name")}


def _container(
    name: str, ports: Mapping[str, int], confined: Mapping[str, Any], told: Mapping[str, str] | None = None
) -> dict[str, Any]:
    return {
        "name": name,
        "ports": [{"name": port, "containerPort": number} for port, number in ports.items()],
        "securityContext": dict(confined),
        "env": [{"name": key, "value": value} for key, value in (told or {}).items()],
    }


def _service(owner: Manifest, name: str, selector: Mapping[str, str], ports: Mapping[str, int]) -> Manifest:
    listed = [{"name": port, "port": number, "targetPort": number} for port, number in ports.items()]
    spec: dict[str, Any] = {"selector": dict(selector), "ports": listed}
    if name.endswith("-brokers"):
        spec["clusterIP"] = "None"
    return {"apiVersion": "v1", "kind": "Service", "metadata": _named(owner, name), "spec": spec}


def _rights(owner: Manifest, name: str, verbs: Sequence[str]) -> list[Manifest]:
    """An account, and its rights on Secrets of its namespace."""
    rule = {"apiGroups": [""], "resources": ["secrets"], "verbs": list(verbs)}
    subject = {"kind": "ServiceAccount", "name": name, "namespace": owner["metadata"]["namespace"]}
    metadata = _named(owner, name)
    return [
        {"kind": "ServiceAccount", "metadata": metadata},
        {"kind": "Role", "metadata": metadata, "rules": [rule]},
        {"kind": "RoleBinding", "metadata": metadata, "roleRef": {"kind": "Role", "name": name}, "subjects": [subject]},
    ]


def _named(owner: Manifest, name: str) -> dict[str, str]:
    return {"name": name, "namespace": owner["metadata"]["namespace"]}
