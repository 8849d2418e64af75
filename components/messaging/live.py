"""NATS servers for browsers, apart from the region's own servers."""

from collections.abc import Mapping
from typing import Final

import pulumi
import pulumi_kubernetes as k8s

from components import network
from components.context import RegionContext
from components.messaging import configuration, live_configuration
from components.messaging.live_configuration import APP, WEBSOCKET_PORT, LiveServersFile
from components.messaging.live_keys import LiveKeys
from components.messaging.live_rights import BUCKET, DOMAIN
from components.messaging.pods import exporter, leave_gently, settings_volume
from components.messaging.settings import WebSocketSettings
from components.metadata import CERTIFICATE_ANNOTATION, DONE_AT_ONCE, selector
from components.namespaces import INGRESS, LIVE, MONITORING, NATS
from components.pod_security import restricted_container
from components.public_gateway import INGRESS_PODS
from components.settings.values import bytes_of
from components.trust import Certificate
from components.versions import NATS_IMAGE
from components.workload import (
    CHECKSUM_ANNOTATION,
    AppMetadata,
    Resources,
    digest,
    disruption_budget,
    http_probe,
    metrics_service,
    pod_field,
    pod_template,
    read_only,
    scratch_volume,
    secret_volume,
    server_certificate,
    service_account,
    service_monitor,
    service_port,
)

REPORTS: Final = ("-varz",)


def live_connection(keys: LiveKeys, domain: str) -> dict[str, pulumi.Input[str]]:
    """Return what services need to let browsers and agents in, for the connection's Secret.

    `domain` is the host of the public gateway.
    """
    agents = keys.agents_seed
    return {
        "live.url": live_configuration.live_url(domain),
        "live.account": keys.tokens.apply(lambda tokens: tokens.account_key),
        "live.seed": keys.services_seed,
        **({} if agents is None else {"live.agentSeed": agents}),
        "live.bucket": BUCKET,
        "live.domain": DOMAIN,
    }


class LiveServers(pulumi.ComponentResource):
    """NATS servers that take WebSockets from the public gateway, and pass messages on to the region's own servers.

    They keep nothing, so any of them may go at any time: browsers come back to another one.
    `passwords` are those of the links to the region's servers, by user.

    No outputs.
    """

    def __init__(
        self,
        name: str,
        context: RegionContext,
        settings: WebSocketSettings,
        *,
        keys: LiveKeys,
        passwords: Mapping[str, pulumi.Output[str]],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:messaging:LiveServers", name, None, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        self._context = context
        self._app = AppMetadata(app=APP, region=context.region, namespace=context.namespaces[LIVE])
        self._network_policy(name)
        service_account(name, self._app, self._child)
        disruption_budget(name, self._app, self._child)
        self._services(name)
        certificate = server_certificate(
            f"{name}-certificate",
            self._app,
            context.authority,
            secret="nats-live-certificate",  # noqa: S106 - the name of a Secret
            dns_names=("localhost", f"{APP}.{{0}}.svc", f"{APP}.{{0}}.svc.cluster.local"),
            opts=self._child,
        )
        k8s.apps.v1.Deployment(
            f"{name}-deployment",
            metadata=self._app.meta(APP),
            spec=k8s.apps.v1.DeploymentSpecArgs(
                replicas=settings.servers,
                selector=self._app.selecting(),
                template=self._template(name, settings, keys, passwords, certificate),
            ),
            opts=self._child,
        )
        self.register_outputs({})

    def _network_policy(self, name: str) -> None:
        """Let the public gateway and Prometheus reach the servers, and the servers reach the region's own."""
        gateway = network.peer(namespace=self._context.namespaces[INGRESS], pods=INGRESS_PODS)
        servers = network.peer(namespace=self._context.namespaces[NATS], pods=selector(configuration.APP))
        self._app.network_policy(
            f"{name}-network-policy",
            ingress=[
                network.ingress([WEBSOCKET_PORT], gateway),
                network.ingress([configuration.EXPORTER_PORT], network.peer(namespace=MONITORING)),
            ],
            egress=[network.egress([configuration.LEAF_PORT], servers)],
            opts=self._child,
        )

    def _services(self, name: str) -> None:
        k8s.core.v1.Service(
            f"{name}-service",
            metadata=self._app.meta(APP, annotations=DONE_AT_ONCE),
            spec=k8s.core.v1.ServiceSpecArgs(
                selector=selector(APP), ports=[service_port("websocket", WEBSOCKET_PORT, protocol="https")]
            ),
            opts=self._child,
        )
        port = configuration.EXPORTER_PORT
        metrics_service(name, self._app, service=f"{APP}-metrics", port=port, opts=self._child)
        service_monitor(
            name,
            self._app,
            endpoint={"port": "metrics"},
            monitored_by=self._context.monitored_by,
            opts=self._child,
        )

    def _template(
        self,
        name: str,
        settings: WebSocketSettings,
        keys: LiveKeys,
        passwords: Mapping[str, pulumi.Output[str]],
        certificate: Certificate,
    ) -> k8s.core.v1.PodTemplateSpecArgs:
        # The pages of the public gateway, unless others are named.
        origins = settings.origins or (f"https://{self._context.domain}",)
        text = keys.tokens.apply(
            lambda tokens: live_configuration.render(LiveServersFile(settings=settings, tokens=tokens, origins=origins))
        )
        links = pulumi.Output.all(
            namespace=self._context.namespaces[NATS], tokens=keys.tokens, passwords=dict(passwords)
        ).apply(
            lambda known: live_configuration.render_links(
                host=f"{configuration.SERVICE}.{known['namespace']}.svc",
                account_key=known["tokens"].account_key,
                passwords=known["passwords"],
            )
        )
        files = k8s.core.v1.ConfigMap(
            f"{name}-settings", metadata=self._app.meta(APP), data={"nats.conf": text}, opts=self._child
        )
        secret = k8s.core.v1.Secret(
            f"{name}-links",
            metadata=self._app.meta(f"{APP}-links"),
            string_data={"links.conf": links},
            opts=self._child,
        )
        checksum = pulumi.Output.all(text, links).apply(lambda texts: digest(*texts))
        return pod_template(
            self._app,
            containers=[_server(self._app.region, settings), exporter(REPORTS)],
            volumes=[
                settings_volume(files, secret),
                secret_volume("certificates", certificate.secret_name),
                scratch_volume("run"),
            ],
            annotations={
                CERTIFICATE_ANNOTATION: certificate.fingerprint,
                CHECKSUM_ANNOTATION: pulumi.Output.unsecret(checksum),
            },
            grace_seconds=configuration.GRACE_SECONDS,
        )


def _server(region: str, settings: WebSocketSettings) -> k8s.core.v1.ContainerArgs:
    memory = configuration.memory_limit(bytes_of(settings.memory))
    return k8s.core.v1.ContainerArgs(
        name="nats",
        image=NATS_IMAGE,
        image_pull_policy="Always",
        command=["nats-server", "--config", f"{configuration.SETTINGS}/nats.conf"],
        env=[
            pod_field("POD_NAME", "metadata.name"),
            k8s.core.v1.EnvVarArgs(name="SERVER_NAME", value=f"{region}-$(POD_NAME)"),
            k8s.core.v1.EnvVarArgs(name="GOMEMLIMIT", value=memory),
        ],
        ports=[
            k8s.core.v1.ContainerPortArgs(name="websocket", container_port=WEBSOCKET_PORT),
            k8s.core.v1.ContainerPortArgs(name="monitor", container_port=configuration.MONITOR_PORT),
        ],
        lifecycle=leave_gently(),
        resources=Resources(cpu=settings.cpu, memory=settings.memory).requirements(),
        security_context=restricted_container(),
        liveness_probe=http_probe("/healthz", port="monitor", period=30, failures=3, timeout=5),
        readiness_probe=http_probe("/healthz?js-server-only=true", port="monitor", period=5, failures=2, timeout=5),
        volume_mounts=[
            *read_only({"settings": configuration.SETTINGS, "certificates": configuration.CERTIFICATES}),
            k8s.core.v1.VolumeMountArgs(name="run", mount_path=configuration.RUN),
        ],
    )
