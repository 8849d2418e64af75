"""Kafka in the cluster, made by the Strimzi operator."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import pulumi
import pulumi_kubernetes as k8s

from components import network
from components.connection import Connection, DataServiceComponent
from components.context import RegionContext
from components.namespaces import KAFKA, MONITORING, SERVICES
from components.peering import PEER_NAMES, StorePeers
from components.releases import chart_release
from components.streaming import configuration, metrics, mirrors, users
from components.streaming.settings import StreamingSettings, StreamingUserSettings
from components.trust import Certificate, CertificateArgs
from components.versions import STRIMZI
from components.workload import AppMetadata, custom_object, pod_monitor, server_certificate, server_names

APP: Final = "kafka"
OPERATOR: Final = {"strimzi.io/kind": "cluster-operator"}
NODE_PODS: Final = {configuration.NAME_LABEL: f"{configuration.CLUSTER}-kafka"}
ENTITY_OPERATOR: Final = {configuration.NAME_LABEL: f"{configuration.CLUSTER}-entity-operator"}
EXPORTER: Final = {configuration.NAME_LABEL: f"{configuration.CLUSTER}-kafka-exporter"}
MIRROR_PODS: Final = {configuration.NAME_LABEL: f"{configuration.MIRROR}-mirrormaker2"}

CA_GENERATION: Final = "strimzi.io/ca-cert-generation"
KEY_GENERATION: Final = "strimzi.io/ca-key-generation"
NO_KEY: Final = (
    "The platform issues the certificates of Kafka's users: components/trust. No key of an authority is here.\n"
)


class Kafka(DataServiceComponent):
    """Kafka with KRaft and mutual TLS, its topics, its users, and the mirror of other regions' records.

    Every client shows a certificate of the platform, and has rights on its own topics only.
    With peers, each broker has a listener for the other regions behind its own peer endpoint.
    `zoned`: the nodes carry the label of their zone, so that Kafka keeps a record's replicas in different zones.

    Outputs: those of `components.streaming.Streaming`.
    Each user's certificate is in the Secret `streaming-<user>` of the services' namespace.
    """

    def __init__(
        self,
        name: str,
        context: RegionContext,
        settings: StreamingSettings,
        *,
        zoned: bool,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:streaming:Kafka", name, None, context.child(opts))
        self._name = name
        self._context = context
        self._settings = settings
        self._zoned = zoned
        self._child = pulumi.ResourceOptions(parent=self)
        self._peers = context.peers.get(KAFKA)
        self._app = AppMetadata(app=APP, region=context.region, namespace=context.namespaces[KAFKA])
        policies = self._network_policies()
        operator = chart_release(
            f"{name}-operator",
            STRIMZI,
            name="strimzi",
            namespace=self._app.namespace,
            values=configuration.operator_values(),
            opts=pulumi.ResourceOptions.merge(self._child, pulumi.ResourceOptions(depends_on=policies)),
        )
        brokers = self._brokers(operator)
        topics = self._topics(brokers)
        application, clients = self._clients(brokers)
        self._mirror([brokers, *clients])
        self._monitor()
        self._connect(application, [*topics, *clients])

    def _custom(
        self,
        purpose: str,
        kind: str,
        name: str,
        spec: pulumi.Input[Mapping[str, Any]],
        after: Sequence[pulumi.Resource],
        annotations: Mapping[str, str] | None = None,
    ) -> k8s.apiextensions.CustomResource:
        """Create an object of Strimzi. All but the Kafka itself carry the label of the cluster that they belong to."""
        belongs = {} if kind in ("Kafka", "KafkaMirrorMaker2") else {configuration.CLUSTER_LABEL: configuration.CLUSTER}
        return custom_object(
            f"{self._name}-{purpose}",
            self._app,
            api_version=configuration.API_VERSION,
            kind=kind,
            name=name,
            spec=spec,
            extra_labels=belongs,
            annotations=annotations,
            opts=pulumi.ResourceOptions.merge(self._child, pulumi.ResourceOptions(depends_on=list(after))),
        )

    def _kafka(self, namespace: str) -> configuration.RegionKafka:
        return configuration.RegionKafka(
            region=self._context.region,
            settings=self._settings,
            namespace=namespace,
            peering=self._peers is not None,
            peers=self._peers.regions if self._peers else (),
            zoned=self._zoned,
        )

    def _spec(self, build: Callable[[configuration.RegionKafka], dict[str, Any]]) -> pulumi.Output[dict[str, Any]]:
        return self._context.namespaces[KAFKA].apply(lambda namespace: build(self._kafka(namespace)))

    def _brokers(self, operator: pulumi.Resource) -> k8s.apiextensions.CustomResource:
        given: list[pulumi.Resource] = [operator, *self._clients_authority(), self._server_certificate()]
        given.append(
            k8s.core.v1.ConfigMap(
                f"{self._name}-metrics",
                metadata=self._app.meta(configuration.METRICS_RULES),
                data=metrics.files(),
                opts=self._child,
            )
        )
        for role in (configuration.CONTROLLERS, configuration.BROKERS):
            spec = configuration.pool(self._settings, role, self._context.storage_class)
            ids = {configuration.NODE_IDS: configuration.node_ids(role)}
            given.append(self._custom(f"pool-{role}", "KafkaNodePool", role, spec, [operator], ids))
        return self._custom("cluster", "Kafka", configuration.CLUSTER, self._spec(configuration.cluster), given)

    def _topics(self, brokers: pulumi.Resource) -> list[pulumi.Resource]:
        return [
            self._custom(
                f"topic-{topic.name}",
                "KafkaTopic",
                topic.name,
                configuration.topic(topic, self._settings.brokers),
                [brokers],
            )
            for topic in self._settings.topics
        ]

    def _clients(self, brokers: pulumi.Resource) -> tuple[Certificate, list[pulumi.Resource]]:
        """Create the users. Return the certificate of the services' user, and all users."""
        application = users.application(self._settings)
        issued = {user.name: self._client_certificate(user.name) for user in (application, *self._settings.users)}
        clients = [self._client(user, brokers) for user in (application, *self._settings.users)]
        return issued[application.name], clients

    def _client(self, user: StreamingUserSettings, brokers: pulumi.Resource) -> pulumi.Resource:
        return self._custom(
            f"user-{user.name}",
            "KafkaUser",
            configuration.user_in(user.name, self._context.region),
            self._spec(lambda kafka: users.client_user(kafka, user)),
            [brokers],
        )

    def _mirror(self, after: Sequence[pulumi.Resource]) -> None:
        """Create what other regions need to read here, and what reads there."""
        if self._peers is None:
            return
        peer = self._custom("user-peers", "KafkaUser", configuration.PEER_USER, self._spec(users.peer_user), after[:1])
        if not self._peers.regions or not configuration.arriving(self._context.region, self._settings):
            return
        mirror = self._custom(
            "user-mirror",
            "KafkaUser",
            configuration.user_in(configuration.MIRROR_USER, self._context.region),
            self._spec(users.mirror_user),
            after[:1],
        )
        shown = [
            self._certificate(
                "mirror-certificate",
                configuration.MIRROR_CERTIFICATE,
                configuration.user_in(configuration.MIRROR_USER, self._context.region),
            ),
            self._certificate("peer-certificate", configuration.PEER_CERTIFICATE, configuration.PEER_USER),
        ]
        self._custom(
            "mirror",
            "KafkaMirrorMaker2",
            configuration.MIRROR,
            self._spec(mirrors.mirror),
            [*after, peer, mirror, *shown],
        )

    def _clients_authority(self) -> list[pulumi.Resource]:
        """Give the brokers the root that all users' certificates lead to. The operator insists on a key beside it."""
        secrets: Mapping[str, tuple[str, Mapping[str, pulumi.Input[str]], str]] = {
            "clients-ca-cert": ("clients-ca-cert", {"ca.crt": self._context.authority.root_pem}, CA_GENERATION),
            "clients-ca": ("clients-ca", {"ca.key": NO_KEY}, KEY_GENERATION),
        }
        labels = {configuration.KIND_LABEL: "Kafka", configuration.CLUSTER_LABEL: configuration.CLUSTER}
        return [
            k8s.core.v1.Secret(
                f"{self._name}-{purpose}",
                metadata=self._app.meta(f"{configuration.CLUSTER}-{name}", {generation: "0"}, labels),
                string_data={key: pulumi.Output.secret(value) for key, value in data.items()},
                opts=self._child,
            )
            for purpose, (name, data, generation) in secrets.items()
        ]

    def _server_certificate(self) -> Certificate:
        return server_certificate(
            f"{self._name}-certificate",
            self._app,
            self._context.authority,
            secret=configuration.SERVER_CERTIFICATE,
            dns_names=(*server_names(configuration.BOOTSTRAP, configuration.NODES), *PEER_NAMES),
            usages=("server",),
            opts=self._child,
        )

    def _client_certificate(self, user: str) -> Certificate:
        return self._certificate(
            f"user-{user}-certificate",
            f"streaming-{user}",
            configuration.user_in(user, self._context.region),
            namespace=self._context.namespaces[SERVICES],
        )

    def _certificate(
        self, purpose: str, secret: str, user: str, *, namespace: pulumi.Input[str] | None = None
    ) -> Certificate:
        """Issue the certificate of `user`. Kafka calls a user by the whole subject, so it has the name only."""
        return Certificate(
            f"{self._name}-{purpose}",
            CertificateArgs(
                authority=self._context.authority,
                common_name=user,
                organization=None,
                app=APP,
                region=self._app.region,
                namespace=self._app.namespace if namespace is None else namespace,
                secret_name=secret,
                usages=("client",),
            ),
            self._child,
        )

    def _network_policies(self) -> list[pulumi.Resource]:
        operator, nodes = network.peer(pods=OPERATOR), network.peer(pods=NODE_PODS)
        entity, exporter, mirror = (network.peer(pods=pods) for pods in (ENTITY_OPERATOR, EXPORTER, MIRROR_PODS))
        monitoring = network.peer(namespace=MONITORING)
        clients = network.peer(namespace=self._context.namespaces[SERVICES])
        # Brokers and mirrors read their certificates from the API.
        api = network.api_server_egress()
        ports = configuration
        peers = self._peers
        return [
            self._policy(
                "operator",
                OPERATOR,
                ingress=[network.ingress([ports.OPERATOR_METRICS_PORT], monitoring)],
                egress=[
                    api,
                    network.egress([ports.CONTROL_PORT, ports.REPLICATION_PORT, ports.AGENT_PORT], nodes),
                    network.egress([ports.CONNECT_PORT], mirror),
                ],
            ),
            self._policy(
                "nodes",
                NODE_PODS,
                ingress=[
                    network.ingress([ports.CONTROL_PORT], nodes, operator),
                    network.ingress([ports.REPLICATION_PORT], nodes, operator, entity, exporter),
                    network.ingress([ports.AGENT_PORT], operator),
                    network.ingress([ports.CLIENT_PORT], clients, mirror),
                    network.ingress([ports.METRICS_PORT], monitoring),
                    *([peers.ingress(ports.PEER_PORT)] if peers else []),
                ],
                egress=[api, network.egress([ports.CONTROL_PORT, ports.REPLICATION_PORT], nodes)],
            ),
            self._policy(
                "entity-operator", ENTITY_OPERATOR, egress=[api, network.egress([ports.REPLICATION_PORT], nodes)]
            ),
            self._policy(
                "exporter",
                EXPORTER,
                ingress=[network.ingress([ports.METRICS_PORT], monitoring)],
                egress=[network.egress([ports.REPLICATION_PORT], nodes)],
            ),
            *([self._mirror_policy(peers, operator, monitoring, nodes)] if peers else []),
        ]

    def _mirror_policy(
        self,
        peers: StorePeers,
        operator: k8s.networking.v1.NetworkPolicyPeerArgs,
        monitoring: k8s.networking.v1.NetworkPolicyPeerArgs,
        nodes: k8s.networking.v1.NetworkPolicyPeerArgs,
    ) -> pulumi.Resource:
        mirror = network.peer(pods=MIRROR_PODS)
        return self._policy(
            "mirror",
            MIRROR_PODS,
            ingress=[
                network.ingress([configuration.CONNECT_PORT], operator, mirror),
                network.ingress([configuration.METRICS_PORT], monitoring),
            ],
            egress=[
                network.api_server_egress(),
                network.egress([configuration.CLIENT_PORT], nodes),
                network.egress([configuration.CONNECT_PORT], mirror),
                peers.egress(configuration.PEER_PORT),
            ],
        )

    def _policy(
        self,
        purpose: str,
        pods: Mapping[str, str],
        *,
        ingress: Sequence[k8s.networking.v1.NetworkPolicyIngressRuleArgs] = (),
        egress: Sequence[k8s.networking.v1.NetworkPolicyEgressRuleArgs] = (),
    ) -> pulumi.Resource:
        return self._app.network_policy(
            f"{self._name}-network-policy-{purpose}",
            name=f"kafka-{purpose}",
            pods=pods,
            ingress=ingress,
            egress=egress,
            opts=self._child,
        )

    def _monitor(self) -> None:
        """Let Prometheus read brokers, controllers, the exporter of groups, and the mirror."""
        names = sorted(pods[configuration.NAME_LABEL] for pods in (NODE_PODS, EXPORTER, MIRROR_PODS))
        pod_monitor(
            self._name,
            self._app,
            pods={"matchExpressions": [{"key": configuration.NAME_LABEL, "operator": "In", "values": names}]},
            endpoint={"port": "tcp-prometheus", "path": "/metrics"},
            monitored_by=self._context.monitored_by,
            opts=self._child,
        )

    def _connect(self, certificate: Certificate, after: Sequence[pulumi.Resource]) -> None:
        host = self._app.host_of(configuration.BOOTSTRAP)
        address = pulumi.Output.concat(host, ":", str(configuration.CLIENT_PORT))
        self.offer(
            Connection.publish(
                self._name,
                "streaming",
                region=self._app.region,
                namespace=self._context.namespaces[SERVICES],
                url=pulumi.Output.concat("kafka+ssl://", address),
                host=host,
                port=configuration.CLIENT_PORT,
                settings={
                    "bootstrap.servers": address,
                    "username": configuration.APPLICATION_USER,
                    "region": self._app.region,
                    "ca.crt": self._context.authority.root_pem,
                    "tls.crt": certificate.chain_pem,
                    "tls.key": certificate.private_key_pem,
                },
                after=after,
                opts=self._child,
            )
        )
