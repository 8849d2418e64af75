"""NATS with JetStream in the cluster."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
import pulumi_random as random

from components.connection import connection_secret
from components.messaging import config
from components.messaging.nats_network import network_policies, services
from components.messaging.nats_pods import ServerPods
from components.messaging.nats_streams import NatsStreams, NatsStreamsArgs
from components.messaging.streams import Stream, mirrored
from components.peering import StorePeers
from components.quantities import quantity_bytes
from components.trust import Certificate, CertificateArgs, RegionAuthority
from components.workload import (
    AppMetadata,
    Resources,
    data_claim,
    digest,
    disruption_budget,
    service_account,
)

SERVER_COUNTS = (1, 3, 5)
PASSWORD_LENGTH = 32


@dataclass(frozen=True, kw_only=True)
class NatsArgs:
    """One region's servers: `servers` is 1, 3 or 5; `storage`, `cpu` and `memory` are for each of them.

    `storage_class` None is the cluster's default. `monitored_by` brings the ServiceMonitor kind; None goes without.
    A single server keeps its streams to itself: going from 1 to 3 needs a backup of them (the pods refuse to start
    rather than lose them), so a stack that is to grow into several regions should start with 3.

    With `peers` the servers become part of a super-cluster: they meet the other regions at the regions `seeds`,
    which are fewer than there are servers. A region that nobody meets anywhere else needs none.

    `streams` are those that the region holds: its own, and of other regions' a mirror.
    """

    region: str
    authority: RegionAuthority
    namespace: pulumi.Input[str]
    client_namespace: pulumi.Input[str]
    monitored_by: pulumi.Resource | None = None
    servers: int = 1
    storage: str = "2Gi"
    storage_class: pulumi.Input[str] | None = None
    cpu: str = "100m"
    memory: str = "256Mi"
    peers: StorePeers | None = None
    seeds: Sequence[str] = ()
    streams: Sequence[Stream] = ()

    def __post_init__(self) -> None:
        if self.servers not in SERVER_COUNTS:
            raise ValueError(f"servers: expected 1, 3 or 5, got {self.servers}; JetStream decides by majority")
        quantity_bytes("storage", self.storage)
        quantity_bytes("memory", self.memory)
        if self.peers is not None and self.servers == 1:
            raise ValueError("servers: expected 3 or 5, got 1; a single server cannot have JetStream and peers")
        if self.peers is None and self.seeds:
            raise ValueError(f"seeds: expected none for a region without peers, got {', '.join(self.seeds)}")


class Nats(pulumi.ComponentResource):
    """NATS with JetStream, TLS everywhere, and an account for the application.

    It offers what `components.messaging.Messaging` promises: `url` (secret), `host`, `port`, `secret_name`. They are
    known once the servers are ready. The user `system` of the region's system account has its password in the Secret
    `nats-system` of the servers' namespace.
    """

    url: pulumi.Output[str]
    host: pulumi.Output[str]
    port: pulumi.Output[int]
    secret_name: pulumi.Output[str]

    def __init__(self, name: str, args: NatsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:messaging:Nats", name, None, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        self._app = AppMetadata(app=config.APP, region=args.region, namespace=args.namespace)
        self._password = self._random_password(f"{name}-application-password")
        network_policies(
            name,
            self._app,
            client_namespace=args.client_namespace,
            peers=args.peers,
            with_streams=bool(args.streams),
            opts=self._child,
        )
        services(name, self._app, monitored_by=args.monitored_by, opts=self._child)
        service_account(name, self._app, self._child)
        disruption_budget(name, self._app, self._child)
        certificate = self._certificate(name, args)
        servers = self._servers(name, args, certificate)
        if args.streams:
            self._streams(name, args, certificate, servers)
        self._connect(name, args, servers)
        self.register_outputs({"host": self.host, "port": self.port, "secret_name": self.secret_name})

    def _random_password(self, name: str) -> random.RandomPassword:
        return random.RandomPassword(name, length=PASSWORD_LENGTH, special=False, opts=self._child)

    def _servers(self, name: str, args: NatsArgs, certificate: Certificate) -> k8s.apps.v1.StatefulSet:
        files = pulumi.Output.from_input(args.namespace).apply(lambda namespace: _files(args, namespace))
        users = self._users(name)
        pods = ServerPods(
            app=self._app,
            resources=Resources(cpu=args.cpu, memory=args.memory),
            certificate=certificate,
            settings=k8s.core.v1.ConfigMap(
                f"{name}-settings", metadata=self._app.meta(config.APP), data=files, opts=self._child
            ),
            users=k8s.core.v1.Secret(
                f"{name}-users",
                metadata=self._app.meta("nats-users"),
                string_data={"users.conf": users},
                opts=self._child,
            ),
            checksum=pulumi.Output.unsecret(
                pulumi.Output.all(files, users).apply(lambda texts: digest(*texts[0].values(), texts[1]))
            ),
            gateway=args.peers is not None,
        )
        return k8s.apps.v1.StatefulSet(
            f"{name}-statefulset",
            metadata=self._app.meta(config.APP),
            spec=k8s.apps.v1.StatefulSetSpecArgs(
                replicas=args.servers,
                service_name=config.HEADLESS_SERVICE,
                pod_management_policy="Parallel",
                selector=self._app.selecting(),
                template=pods.template(),
                volume_claim_templates=[data_claim(self._app, args.storage, args.storage_class)],
            ),
            opts=self._child,
        )

    def _streams(self, name: str, args: NatsArgs, certificate: Certificate, servers: pulumi.Resource) -> None:
        NatsStreams(
            f"{name}-streams",
            NatsStreamsArgs(
                region=args.region,
                namespace=args.namespace,
                streams=args.streams,
                password=self._password.result,
                certificate_secret=certificate.secret_name,
                servers=servers,
            ),
            self._child,
        )

    def _users(self, name: str) -> pulumi.Output[str]:
        system = self._random_password(f"{name}-system-password")
        k8s.core.v1.Secret(
            f"{name}-system",
            metadata=self._app.meta("nats-system"),
            string_data={"username": config.SYSTEM_USER, "password": system.result},
            opts=self._child,
        )
        return pulumi.Output.all(self._password.bcrypt_hash, system.bcrypt_hash).apply(
            lambda hashes: config.render_users(application_hash=hashes[0], system_hash=hashes[1])
        )

    def _certificate(self, name: str, args: NatsArgs) -> Certificate:
        return Certificate(
            f"{name}-certificate",
            CertificateArgs(
                authority=args.authority,
                common_name=config.APP,
                app=config.APP,
                region=args.region,
                namespace=args.namespace,
                secret_name="nats-certificate",  # noqa: S106 - the name of a Secret
                usages=("server", "client"),
                dns_names=[pulumi.Output.format(pattern, args.namespace) for pattern in config.SERVER_NAMES],
                ip_addresses=["127.0.0.1"],
            ),
            opts=self._child,
        )

    def _connect(self, name: str, args: NatsArgs, servers: pulumi.Resource) -> None:
        host = pulumi.Output.concat(config.SERVICE, ".", args.namespace, ".svc")
        url = pulumi.Output.format(
            "tls://{0}:{1}@{2}:{3}", config.APPLICATION_USER, self._password.result, host, config.CLIENT_PORT
        )
        secret = connection_secret(
            f"{name}-connection",
            "messaging",
            region=args.region,
            namespace=args.client_namespace,
            settings={
                "url": url,
                "host": host,
                "port": str(config.CLIENT_PORT),
                "username": config.APPLICATION_USER,
                "password": self._password.result,
                "domain": args.region,
                "ca.crt": args.authority.root_pem,
            },
            opts=pulumi.ResourceOptions.merge(self._child, pulumi.ResourceOptions(depends_on=[servers])),
        )
        self.secret_name = secret.metadata.name
        self.host = self.secret_name.apply(lambda _: host)
        self.port = self.secret_name.apply(lambda _: config.CLIENT_PORT)
        self.url = pulumi.Output.secret(self.secret_name.apply(lambda _: url))


def _files(args: NatsArgs, namespace: str) -> dict[str, str]:
    settings = config.NatsSettings(
        region=args.region,
        servers=args.servers,
        storage=quantity_bytes("storage", args.storage),
        memory=quantity_bytes("memory", args.memory),
        gateway=config.gateway(args.region, namespace, args.seeds) if args.peers else None,
        mirrored=mirrored(args.region, args.streams),
    )
    return {"nats.conf": config.render(settings), "start.sh": config.START_SCRIPT}
