"""Redis in the cluster, with failover when it has replicas."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
import pulumi_random as random

from components import network
from components.cache import config
from components.cache.proxy import PrimaryProxy, PrimaryProxyArgs
from components.cache.redis_pods import NodePods
from components.cache.scripts import SCRIPTS
from components.connection import connection_secret
from components.metadata import selector
from components.namespaces import MONITORING
from components.quantities import quantity_bytes
from components.trust import Certificate, CertificateArgs, RegionAuthority
from components.workload import (
    AppMetadata,
    Resources,
    data_claim,
    digest,
    disruption_budget,
    headless_service,
    service_account,
    service_monitor,
)

MINIMUM_REPLICATED = 3
PASSWORD_LENGTH = 32
POLICIES = (
    "noeviction",
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-random",
    "volatile-lru",
    "volatile-lfu",
    "volatile-random",
    "volatile-ttl",
)


@dataclass(frozen=True, kw_only=True)
class RedisArgs:
    """`replicas` counts all nodes, the primary included: 1, or at least 3 for failover.

    `storage`, `cpu` and `memory` are per node; `storage_class` None is the cluster's default. Beyond `max_memory`
    keys are dropped by `policy` (a Redis maxmemory-policy). `monitored_by` brings the ServiceMonitor kind; None goes
    without.
    """

    region: str
    authority: RegionAuthority
    namespace: pulumi.Input[str]
    client_namespace: pulumi.Input[str]
    monitored_by: pulumi.Resource | None = None
    replicas: int = 1
    storage: str = "1Gi"
    storage_class: pulumi.Input[str] | None = None
    cpu: str = "100m"
    memory: str = "256Mi"
    max_memory: str = "128Mi"
    policy: str = "allkeys-lru"

    def __post_init__(self) -> None:
        if self.replicas != 1 and self.replicas < MINIMUM_REPLICATED:
            raise ValueError(
                f"replicas: expected 1 or at least {MINIMUM_REPLICATED}, got {self.replicas}; a failover needs a"
                " majority of Sentinels"
            )
        if self.policy not in POLICIES:
            raise ValueError(f"policy: expected one of {', '.join(POLICIES)}, got {self.policy!r}")
        quantity_bytes("storage", self.storage)
        if quantity_bytes("max_memory", self.max_memory) >= quantity_bytes("memory", self.memory):
            raise ValueError(
                f"max_memory: expected less than memory, {self.memory}, got {self.max_memory}; Redis needs room for"
                " its buffers too"
            )


class Redis(pulumi.ComponentResource):
    """Redis with TLS, a password and files on disk; with replicas also Sentinels and a proxy to the primary.

    It offers what `components.cache.Cache` promises: `url` (secret), `host`, `port`, `secret_name`. They are known
    once the nodes are ready. `host` is the same Service however many nodes there are and leads to the one that takes
    writes. With replicas the Secret also has the keys `sentinels` (host:port, comma separated) and `primary` (the
    name to ask them for) for clients that speak to Sentinel themselves, with the same password.
    """

    url: pulumi.Output[str]
    host: pulumi.Output[str]
    port: pulumi.Output[int]
    secret_name: pulumi.Output[str]

    def __init__(self, name: str, args: RedisArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cache:Redis", name, None, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        self._app = AppMetadata(app=config.APP, region=args.region, namespace=args.namespace)
        self._password = random.RandomPassword(
            f"{name}-password", length=PASSWORD_LENGTH, special=False, opts=self._child
        ).result
        files = self._password.apply(config.render_credentials)
        self._credentials = k8s.core.v1.Secret(
            f"{name}-credentials",
            metadata=self._app.meta("redis-credentials"),
            string_data=files,
            opts=self._child,
        )
        self._certificate = self._node_certificate(name, args)
        service_account(name, self._app, self._child)
        disruption_budget(name, self._app, self._child)
        self._network_policy(name, args)
        self._services(name, args)
        ready: list[pulumi.Resource] = [self._nodes(name, args, files)]
        if args.replicas > 1:
            ready.append(self._proxy(name, args))
        self._connect(name, args, ready)
        self.register_outputs({"host": self.host, "port": self.port, "secret_name": self.secret_name})

    def _node_certificate(self, name: str, args: RedisArgs) -> Certificate:
        return Certificate(
            f"{name}-certificate",
            CertificateArgs(
                authority=args.authority,
                common_name=config.APP,
                app=config.APP,
                region=args.region,
                namespace=args.namespace,
                secret_name="redis-certificate",  # noqa: S106 - the name of a Secret
                usages=("server", "client"),
                dns_names=[pulumi.Output.format(pattern, args.namespace) for pattern in config.NODE_NAMES],
                ip_addresses=["127.0.0.1"],
            ),
            opts=self._child,
        )

    def _network_policy(self, name: str, args: RedisArgs) -> None:
        ports = [config.PORT, config.SENTINEL_PORT] if args.replicas > 1 else [config.PORT]
        nodes, proxy = network.peer(pods=selector(config.APP)), network.peer(pods=selector(config.PROXY_APP))
        network.policy(
            f"{name}-network-policy",
            name=config.APP,
            app=config.APP,
            region=args.region,
            namespace=args.namespace,
            pods=selector(config.APP),
            ingress=[
                network.ingress(ports, nodes, network.peer(namespace=args.client_namespace)),
                network.ingress([config.PORT], proxy),
                network.ingress([config.EXPORTER_PORT], network.peer(namespace=MONITORING)),
            ],
            egress=[network.egress(ports, nodes)],
            opts=self._child,
        )

    def _services(self, name: str, args: RedisArgs) -> None:
        headless_service(
            name,
            self._app,
            service=config.HEADLESS_SERVICE,
            ports=[_port("redis", config.PORT), _port("metrics", config.EXPORTER_PORT, protocol="http")],
            opts=self._child,
        )
        # The same Service for one node and for many, so that clients keep their address when replicas come.
        k8s.core.v1.Service(
            f"{name}-service",
            metadata=self._app.meta(config.SERVICE),
            spec=k8s.core.v1.ServiceSpecArgs(
                selector=selector(config.PROXY_APP if args.replicas > 1 else config.APP),
                ports=[_port("redis", config.PORT)],
            ),
            opts=self._child,
        )
        service_monitor(name, self._app, endpoint={"port": "metrics"}, monitored_by=args.monitored_by, opts=self._child)

    def _nodes(self, name: str, args: RedisArgs, credentials: pulumi.Output[dict[str, str]]) -> k8s.apps.v1.StatefulSet:
        files = {
            **SCRIPTS,
            "redis.conf": config.render_redis(
                replicas=args.replicas,
                max_memory=quantity_bytes("max_memory", args.max_memory),
                policy=args.policy,
            ),
            "sentinel.conf": config.render_sentinel(replicas=args.replicas),
        }
        pods = NodePods(
            app=self._app,
            replicas=args.replicas,
            resources=Resources(cpu=args.cpu, memory=args.memory),
            certificate=self._certificate,
            settings=k8s.core.v1.ConfigMap(
                f"{name}-settings", metadata=self._app.meta("redis-settings"), data=files, opts=self._child
            ),
            credentials=self._credentials,
            checksum=pulumi.Output.unsecret(
                credentials.apply(lambda secrets: digest(*files.values(), *secrets.values()))
            ),
        )
        return k8s.apps.v1.StatefulSet(
            f"{name}-statefulset",
            metadata=self._app.meta(config.APP),
            spec=k8s.apps.v1.StatefulSetSpecArgs(
                replicas=args.replicas,
                service_name=config.HEADLESS_SERVICE,
                pod_management_policy="Parallel",
                selector=self._app.selecting(),
                template=pods.template(),
                volume_claim_templates=[data_claim(self._app, args.storage, args.storage_class)],
            ),
            opts=self._child,
        )

    def _proxy(self, name: str, args: RedisArgs) -> pulumi.Resource:
        return PrimaryProxy(
            f"{name}-proxy",
            PrimaryProxyArgs(
                region=args.region,
                namespace=args.namespace,
                client_namespace=args.client_namespace,
                replicas=args.replicas,
                certificate=self._certificate,
                credentials=self._credentials,
                monitored_by=args.monitored_by,
            ),
            opts=self._child,
        ).deployment

    def _connect(self, name: str, args: RedisArgs, ready: list[pulumi.Resource]) -> None:
        host = pulumi.Output.concat(config.SERVICE, ".", args.namespace, ".svc")
        url = pulumi.Output.format("rediss://default:{0}@{1}:{2}/0", self._password, host, config.PORT)
        settings: dict[str, pulumi.Input[str]] = {
            "url": url,
            "host": host,
            "port": str(config.PORT),
            "username": "default",
            "password": self._password,
            "ca.crt": args.authority.root_pem,
        }
        if args.replicas > 1:
            settings["primary"] = config.PRIMARY
            settings["sentinels"] = pulumi.Output.from_input(args.namespace).apply(
                lambda namespace: config.sentinels(args.replicas, namespace)
            )
        secret = connection_secret(
            f"{name}-connection",
            "cache",
            region=args.region,
            namespace=args.client_namespace,
            settings=settings,
            opts=pulumi.ResourceOptions.merge(self._child, pulumi.ResourceOptions(depends_on=ready)),
        )
        self.secret_name = secret.metadata.name
        self.host = self.secret_name.apply(lambda _: host)
        self.port = self.secret_name.apply(lambda _: config.PORT)
        self.url = pulumi.Output.secret(self.secret_name.apply(lambda _: url))


def _port(name: str, number: int, protocol: str = "tcp") -> k8s.core.v1.ServicePortArgs:
    return k8s.core.v1.ServicePortArgs(name=name, port=number, target_port=name, protocol="TCP", app_protocol=protocol)
