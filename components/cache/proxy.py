"""A proxy that always leads to the primary of a replicated Redis."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components import network
from components.cache import config
from components.cache.redis_pods import USER, certificate_volume, settings_volume
from components.cache.scripts import PROXY_START
from components.metadata import CERTIFICATE_ANNOTATION, selector
from components.namespaces import MONITORING
from components.pod_security import restricted_container, restricted_pod
from components.trust import Certificate
from components.versions import HAPROXY_IMAGE
from components.workload import (
    CHECKSUM_ANNOTATION,
    AppMetadata,
    Resources,
    anti_affinity,
    digest,
    disruption_budget,
    metrics_service,
    pod_field,
    secret_value,
    service_account,
    service_monitor,
    zone_spread,
)

REPLICAS = 2
RESOURCES = Resources(cpu="100m", memory="64Mi", scratch="16Mi")


@dataclass(frozen=True, kw_only=True)
class PrimaryProxyArgs:
    """Which Redis: its `replicas`, the `certificate` of its nodes and the Secret with its password."""

    region: str
    namespace: pulumi.Input[str]
    client_namespace: pulumi.Input[str]
    replicas: int
    certificate: Certificate
    credentials: k8s.core.v1.Secret
    monitored_by: pulumi.Resource | None


class PrimaryProxy(pulumi.ComponentResource):
    """Clients that know nothing of Sentinel connect here and reach the node that takes writes, also after a failover.

    The proxy passes the encrypted connection on as it is. Outputs: `deployment`.
    """

    deployment: k8s.apps.v1.Deployment

    def __init__(self, name: str, args: PrimaryProxyArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cache:PrimaryProxy", name, None, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        self._app = AppMetadata(app=config.PROXY_APP, region=args.region, namespace=args.namespace)
        service_account(name, self._app, self._child)
        disruption_budget(name, self._app, self._child)
        self._network_policy(name, args.client_namespace)
        self._metrics(name, args.monitored_by)
        self.deployment = k8s.apps.v1.Deployment(
            f"{name}-deployment",
            metadata=self._app.meta(config.PROXY_APP),
            spec=k8s.apps.v1.DeploymentSpecArgs(
                replicas=REPLICAS, selector=self._app.selecting(), template=self._template(name, args)
            ),
            opts=self._child,
        )
        self.register_outputs({})

    def _network_policy(self, name: str, client_namespace: pulumi.Input[str]) -> None:
        network.policy(
            f"{name}-network-policy",
            name=config.PROXY_APP,
            app=config.PROXY_APP,
            region=self._app.region,
            namespace=self._app.namespace,
            pods=selector(config.PROXY_APP),
            ingress=[
                network.ingress([config.PORT], network.peer(namespace=client_namespace)),
                network.ingress([config.PROXY_METRICS_PORT], network.peer(namespace=MONITORING)),
            ],
            egress=[network.egress([config.PORT], network.peer(pods=selector(config.APP)))],
            opts=self._child,
        )

    def _metrics(self, name: str, monitored_by: pulumi.Resource | None) -> None:
        metrics_service(
            name, self._app, service="redis-proxy-metrics", port=config.PROXY_METRICS_PORT, opts=self._child
        )
        service_monitor(name, self._app, endpoint={"port": "metrics"}, monitored_by=monitored_by, opts=self._child)

    def _template(self, name: str, args: PrimaryProxyArgs) -> k8s.core.v1.PodTemplateSpecArgs:
        files = {"haproxy.cfg": config.render_proxy(replicas=args.replicas), "start.sh": PROXY_START}
        settings = k8s.core.v1.ConfigMap(
            f"{name}-settings", metadata=self._app.meta(config.PROXY_APP), data=files, opts=self._child
        )
        return k8s.core.v1.PodTemplateSpecArgs(
            metadata=k8s.meta.v1.ObjectMetaArgs(
                labels=self._app.labels(),
                annotations={
                    CERTIFICATE_ANNOTATION: args.certificate.fingerprint,
                    CHECKSUM_ANNOTATION: digest(*files.values()),
                },
            ),
            spec=k8s.core.v1.PodSpecArgs(
                service_account_name=config.PROXY_APP,
                automount_service_account_token=False,
                enable_service_links=False,
                security_context=restricted_pod(user=USER),
                affinity=anti_affinity(self._app),
                topology_spread_constraints=zone_spread(self._app),
                containers=[_container(args.credentials)],
                volumes=[certificate_volume(args.certificate), settings_volume(settings)],
            ),
        )


def _container(credentials: k8s.core.v1.Secret) -> k8s.core.v1.ContainerArgs:
    return k8s.core.v1.ContainerArgs(
        name="haproxy",
        image=HAPROXY_IMAGE,
        image_pull_policy="Always",
        command=["/bin/sh", f"{config.SETTINGS}/start.sh"],
        env=[
            pod_field("POD_NAMESPACE", "metadata.namespace"),
            secret_value("REDIS_PASSWORD", credentials.metadata.name, "password"),
        ],
        ports=[
            k8s.core.v1.ContainerPortArgs(name="redis", container_port=config.PORT),
            k8s.core.v1.ContainerPortArgs(name="metrics", container_port=config.PROXY_METRICS_PORT),
        ],
        resources=RESOURCES.requirements(),
        security_context=restricted_container(),
        readiness_probe=k8s.core.v1.ProbeArgs(
            tcp_socket=k8s.core.v1.TCPSocketActionArgs(port="redis"), period_seconds=5
        ),
        liveness_probe=k8s.core.v1.ProbeArgs(
            http_get=k8s.core.v1.HTTPGetActionArgs(path="/healthz", port="metrics"), period_seconds=10
        ),
        volume_mounts=[
            k8s.core.v1.VolumeMountArgs(name="certificates", mount_path=config.CERTIFICATES, read_only=True),
            k8s.core.v1.VolumeMountArgs(name="settings", mount_path=config.SETTINGS, read_only=True),
        ],
    )
