"""Redis in the cluster, with failover when it has replicas."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_kubernetes as k8s

from components import network
from components.cache import proxy
from components.cache import redis_configuration as configuration
from components.cache.settings import CacheSettings
from components.connection import Connection, DataServiceComponent
from components.context import RegionContext
from components.metadata import CERTIFICATE_ANNOTATION, DONE_AT_ONCE, selector
from components.namespaces import MONITORING, REDIS, SERVICES
from components.passwords import random_password
from components.pod_security import restricted_container
from components.settings.values import bytes_of
from components.trust import Certificate
from components.versions import REDIS_EXPORTER_IMAGE, REDIS_IMAGE
from components.workload import (
    CHECKSUM_ANNOTATION,
    AppMetadata,
    Resources,
    config_volume,
    digest,
    disruption_budget,
    headless_service,
    http_probe,
    pod_field,
    pod_template,
    read_only,
    secret_value,
    secret_volume,
    server_certificate,
    server_names,
    service_account,
    service_monitor,
    service_port,
    stateful_set,
)

GRACE_SECONDS: Final = 60
STARTUP_CHECKS: Final = 60
SENTINEL_RESOURCES: Final = Resources(cpu="50m", memory="64Mi", scratch="16Mi")
EXPORTER_RESOURCES: Final = Resources(cpu="50m", memory="64Mi", scratch="16Mi")


class Redis(DataServiceComponent):
    """Redis with TLS, a password and files on disk. With replicas, also Sentinels and a proxy to the primary.

    Outputs: those of `components.cache.Cache`, known once the nodes are ready.
    `host` is the same Service for any number of nodes, and leads to the node that takes writes.
    With replicas the Secret has two more keys, for clients that use Sentinel with the same password: `sentinels`
    (host:port, comma separated) and `primary` (the name to ask the Sentinels for).
    """

    def __init__(
        self,
        name: str,
        context: RegionContext,
        settings: CacheSettings,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:cache:Redis", name, None, context.child(opts))
        self._child = pulumi.ResourceOptions(parent=self)
        self._context = context
        self._replicas = settings.replicas
        self._app = AppMetadata(app=configuration.APP, region=context.region, namespace=context.namespaces[REDIS])
        self._password = random_password(f"{name}-password", self._child).result
        files = self._password.apply(configuration.render_credentials)
        self._credentials = k8s.core.v1.Secret(
            f"{name}-credentials",
            metadata=self._app.meta("redis-credentials"),
            string_data=files,
            opts=self._child,
        )
        self._certificate = server_certificate(
            f"{name}-certificate",
            self._app,
            context.authority,
            secret="redis-certificate",  # noqa: S106 - the name of a Secret
            dns_names=server_names(configuration.SERVICE, configuration.HEADLESS_SERVICE),
            opts=self._child,
        )
        service_account(name, self._app, self._child)
        disruption_budget(name, self._app, self._child)
        self._network_policy(name)
        self._services(name)
        ready: list[pulumi.Resource] = [self._nodes(name, settings, files)]
        if self._replicas > 1:
            ready.append(self._proxy(name))
        self._connect(name, ready)

    def _network_policy(self, name: str) -> None:
        ports = [configuration.PORT, configuration.SENTINEL_PORT] if self._replicas > 1 else [configuration.PORT]
        nodes, proxies = (network.peer(pods=selector(app)) for app in (configuration.APP, proxy.APP))
        self._app.network_policy(
            f"{name}-network-policy",
            ingress=[
                network.ingress(ports, nodes, network.peer(namespace=self._context.namespaces[SERVICES])),
                network.ingress([configuration.PORT], proxies),
                network.ingress([configuration.EXPORTER_PORT], network.peer(namespace=MONITORING)),
            ],
            egress=[network.egress(ports, nodes)],
            opts=self._child,
        )

    def _services(self, name: str) -> None:
        headless_service(
            name,
            self._app,
            service=configuration.HEADLESS_SERVICE,
            ports=[
                service_port("redis", configuration.PORT),
                service_port("metrics", configuration.EXPORTER_PORT, protocol="http"),
            ],
            opts=self._child,
        )
        # The same Service for one node and for many, so that clients keep their address when replicas are added.
        k8s.core.v1.Service(
            f"{name}-service",
            metadata=self._app.meta(configuration.SERVICE, annotations=DONE_AT_ONCE),
            spec=k8s.core.v1.ServiceSpecArgs(
                selector=taking_connections(self._replicas),
                ports=[service_port("redis", configuration.PORT)],
            ),
            opts=self._child,
        )
        service_monitor(
            name,
            self._app,
            endpoint={"port": "metrics"},
            monitored_by=self._context.monitored_by,
            opts=self._child,
        )

    def _nodes(
        self, name: str, settings: CacheSettings, credentials: pulumi.Output[dict[str, str]]
    ) -> k8s.apps.v1.StatefulSet:
        files = configuration.files(replicas=self._replicas, max_memory=bytes_of(settings.max_memory))
        checksum = credentials.apply(lambda secrets: digest(*files.values(), *secrets.values()))
        pods = RedisPods(
            app=self._app,
            replicas=self._replicas,
            resources=Resources(cpu=settings.cpu, memory=settings.memory),
            certificate=self._certificate,
            settings=k8s.core.v1.ConfigMap(
                f"{name}-settings", metadata=self._app.meta("redis-settings"), data=files, opts=self._child
            ),
            credentials=self._credentials,
            checksum=pulumi.Output.unsecret(checksum),
        )
        return stateful_set(
            name,
            self._app,
            replicas=self._replicas,
            headless=configuration.HEADLESS_SERVICE,
            pods=pods.template(),
            storage=settings.storage,
            storage_class=self._context.storage_class,
            opts=self._child,
        )

    def _proxy(self, name: str) -> pulumi.Resource:
        return proxy.PrimaryProxy(
            f"{name}-proxy",
            self._context,
            replicas=self._replicas,
            certificate=self._certificate,
            credentials=self._credentials,
            opts=self._child,
        ).deployment

    def _connect(self, name: str, ready: Sequence[pulumi.Resource]) -> None:
        host = self._app.host_of(configuration.SERVICE)
        settings: dict[str, pulumi.Input[str]] = {
            "username": "default",
            "password": self._password,
            "ca.crt": self._context.authority.root_pem,
        }
        if self._replicas > 1:
            settings["primary"] = configuration.PRIMARY
            settings["sentinels"] = self._context.namespaces[REDIS].apply(
                lambda namespace: configuration.sentinels(self._replicas, namespace)
            )
        self.offer(
            Connection.publish(
                name,
                "cache",
                region=self._app.region,
                namespace=self._context.namespaces[SERVICES],
                url=pulumi.Output.format("rediss://default:{0}@{1}:{2}/0", self._password, host, configuration.PORT),
                host=host,
                port=configuration.PORT,
                settings=settings,
                after=ready,
                opts=self._child,
            )
        )


@dataclass(frozen=True, kw_only=True)
class RedisPods:
    """The pods of all nodes, each with a metrics exporter and, with replicas, a Sentinel."""

    app: AppMetadata
    replicas: int
    resources: Resources
    certificate: Certificate
    settings: k8s.core.v1.ConfigMap
    credentials: k8s.core.v1.Secret
    checksum: pulumi.Input[str]

    def template(self) -> k8s.core.v1.PodTemplateSpecArgs:
        """Return the template of the StatefulSet."""
        sentinels = [self._sentinel()] if self.replicas > 1 else []
        return pod_template(
            self.app,
            containers=[self._redis(), self._exporter(), *sentinels],
            volumes=[
                secret_volume("certificates", self.certificate.secret_name),
                config_volume("settings", self.settings),
                secret_volume("credentials", self.credentials.metadata.name),
            ],
            annotations={
                CERTIFICATE_ANNOTATION: self.certificate.fingerprint,
                CHECKSUM_ANNOTATION: self.checksum,
            },
            grace_seconds=GRACE_SECONDS,
        )

    def _redis(self) -> k8s.core.v1.ContainerArgs:
        return k8s.core.v1.ContainerArgs(
            name="redis",
            image=REDIS_IMAGE,
            image_pull_policy="Always",
            command=["/bin/sh", f"{configuration.SETTINGS}/redis.sh"],
            env=self._identity(),
            ports=[k8s.core.v1.ContainerPortArgs(name="redis", container_port=configuration.PORT)],
            lifecycle=k8s.core.v1.LifecycleArgs(
                pre_stop=k8s.core.v1.LifecycleHandlerArgs(
                    exec_=k8s.core.v1.ExecActionArgs(command=["/bin/sh", f"{configuration.SETTINGS}/leave.sh"])
                )
            ),
            resources=self.resources.requirements(),
            security_context=restricted_container(),
            startup_probe=_check("live", failures=STARTUP_CHECKS),
            liveness_probe=_check("live", failures=6),
            readiness_probe=_check("ready", failures=3),
            volume_mounts=_mounts(),
        )

    def _sentinel(self) -> k8s.core.v1.ContainerArgs:
        return k8s.core.v1.ContainerArgs(
            name="sentinel",
            image=REDIS_IMAGE,
            image_pull_policy="Always",
            command=["/bin/sh", f"{configuration.SETTINGS}/sentinel.sh"],
            env=self._identity(),
            ports=[k8s.core.v1.ContainerPortArgs(name="sentinel", container_port=configuration.SENTINEL_PORT)],
            resources=SENTINEL_RESOURCES.requirements(),
            security_context=restricted_container(),
            startup_probe=_check("sentinel", failures=STARTUP_CHECKS),
            liveness_probe=_check("sentinel", failures=6),
            volume_mounts=_mounts(),
        )

    def _exporter(self) -> k8s.core.v1.ContainerArgs:
        # No readiness probe: a node without its exporter still serves.
        arguments = {
            "redis.addr": f"rediss://localhost:{configuration.PORT}",
            "tls-ca-cert-file": f"{configuration.CERTIFICATES}/ca.crt",
            "web.listen-address": f":{configuration.EXPORTER_PORT}",
        }
        return k8s.core.v1.ContainerArgs(
            name="exporter",
            image=REDIS_EXPORTER_IMAGE,
            image_pull_policy="Always",
            args=[f"--{name}={value}" for name, value in arguments.items()],
            env=[secret_value("REDIS_PASSWORD", self.credentials.metadata.name, "password")],
            ports=[k8s.core.v1.ContainerPortArgs(name="metrics", container_port=configuration.EXPORTER_PORT)],
            resources=EXPORTER_RESOURCES.requirements(),
            security_context=restricted_container(),
            liveness_probe=http_probe("/health", port="metrics", period=20),
            volume_mounts=read_only({"certificates": configuration.CERTIFICATES}),
        )

    def _identity(self) -> list[k8s.core.v1.EnvVarArgs]:
        # Kubernetes expands $(...) from the variables before.
        names = configuration.nodes(self.replicas, "$(POD_NAMESPACE)")
        itself = f"$(POD_NAME).{configuration.HEADLESS_SERVICE}.$(POD_NAMESPACE).svc"
        return [
            pod_field("POD_NAME", "metadata.name"),
            pod_field("POD_NAMESPACE", "metadata.namespace"),
            k8s.core.v1.EnvVarArgs(name="SELF", value=itself),
            k8s.core.v1.EnvVarArgs(name="NODES", value=" ".join(names)),
        ]


def taking_connections(replicas: int) -> dict[str, str]:
    """Return the labels of the pods that clients of a Redis with so many replicas connect to."""
    return selector(proxy.APP if replicas > 1 else configuration.APP)


def _mounts() -> list[k8s.core.v1.VolumeMountArgs]:
    return [
        k8s.core.v1.VolumeMountArgs(name="data", mount_path=configuration.DATA),
        *read_only(
            {
                "certificates": configuration.CERTIFICATES,
                "settings": configuration.SETTINGS,
                "credentials": configuration.CREDENTIALS,
            }
        ),
    ]


def _check(what: str, *, failures: int) -> k8s.core.v1.ProbeArgs:
    command = ["/bin/sh", f"{configuration.SETTINGS}/check.sh", what]
    return k8s.core.v1.ProbeArgs(
        exec_=k8s.core.v1.ExecActionArgs(command=command),
        period_seconds=10,
        timeout_seconds=5,
        failure_threshold=failures,
    )
