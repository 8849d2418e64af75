"""The pods of NATS."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.messaging import config
from components.metadata import CERTIFICATE_ANNOTATION
from components.pod_security import restricted_container, restricted_pod
from components.quantities import quantity_bytes
from components.trust import Certificate
from components.versions import NATS_EXPORTER_IMAGE, NATS_IMAGE
from components.workload import CHECKSUM_ANNOTATION, AppMetadata, Resources, anti_affinity, pod_field, zone_spread

USER = 10001
SECRET_MODE = 0o440
GRACE_SECONDS = config.LAME_DUCK_SECONDS * 2
STARTUP_CHECKS = 90
EXPORTER_RESOURCES = Resources(cpu="50m", memory="64Mi", scratch="16Mi")


@dataclass(frozen=True, kw_only=True)
class ServerPods:
    """The pods of a region's servers: what they read, what they may use, and who they are."""

    app: AppMetadata
    resources: Resources
    certificate: Certificate
    settings: k8s.core.v1.ConfigMap
    users: k8s.core.v1.Secret
    checksum: pulumi.Input[str]
    gateway: bool

    def template(self) -> k8s.core.v1.PodTemplateSpecArgs:
        """The template of the StatefulSet."""
        return k8s.core.v1.PodTemplateSpecArgs(
            metadata=k8s.meta.v1.ObjectMetaArgs(
                labels=self.app.labels(),
                annotations={
                    CERTIFICATE_ANNOTATION: self.certificate.fingerprint,
                    CHECKSUM_ANNOTATION: self.checksum,
                },
            ),
            spec=k8s.core.v1.PodSpecArgs(
                service_account_name=config.APP,
                automount_service_account_token=False,
                enable_service_links=False,
                security_context=restricted_pod(user=USER),
                termination_grace_period_seconds=GRACE_SECONDS,
                affinity=anti_affinity(self.app),
                topology_spread_constraints=zone_spread(self.app),
                containers=[self._server(), self._exporter()],
                volumes=self._volumes(),
            ),
        )

    def _server(self) -> k8s.core.v1.ContainerArgs:
        region = self.app.region
        return k8s.core.v1.ContainerArgs(
            name="nats",
            image=NATS_IMAGE,
            image_pull_policy="Always",
            command=["/bin/sh", f"{config.SETTINGS}/start.sh"],
            env=[
                pod_field("POD_NAME", "metadata.name"),
                k8s.core.v1.EnvVarArgs(name="SERVER_NAME", value=f"{region}-$(POD_NAME)"),
                k8s.core.v1.EnvVarArgs(name="SYSTEM_ACCOUNT", value=config.system_account(region)),
                k8s.core.v1.EnvVarArgs(
                    name="GOMEMLIMIT", value=config.memory_limit(quantity_bytes("memory", self.resources.memory))
                ),
            ],
            ports=[
                k8s.core.v1.ContainerPortArgs(name="client", container_port=config.CLIENT_PORT),
                k8s.core.v1.ContainerPortArgs(name="cluster", container_port=config.CLUSTER_PORT),
                k8s.core.v1.ContainerPortArgs(name="monitor", container_port=config.MONITOR_PORT),
                *self._gateway_ports(),
            ],
            lifecycle=_leave_gently(),
            resources=self.resources.requirements(),
            security_context=restricted_container(),
            startup_probe=_probe("/healthz", period=10, failures=STARTUP_CHECKS),
            liveness_probe=_probe("/healthz?js-enabled-only=true", period=30, failures=3),
            readiness_probe=_probe("/healthz?js-server-only=true", period=10, failures=3),
            volume_mounts=[
                k8s.core.v1.VolumeMountArgs(name="data", mount_path=config.DATA),
                k8s.core.v1.VolumeMountArgs(name="settings", mount_path=config.SETTINGS, read_only=True),
                k8s.core.v1.VolumeMountArgs(name="certificates", mount_path=config.CERTIFICATES, read_only=True),
                k8s.core.v1.VolumeMountArgs(name="run", mount_path=config.RUN),
            ],
        )

    def _gateway_ports(self) -> list[k8s.core.v1.ContainerPortArgs]:
        port = k8s.core.v1.ContainerPortArgs(name="gateway", container_port=config.GATEWAY_PORT)
        return [port] if self.gateway else []

    def _exporter(self) -> k8s.core.v1.ContainerArgs:
        # No readiness probe: a server without its exporter still serves.
        reports = ["-varz", "-connz", "-routez", "-subz", "-jsz=all", *(["-gatewayz"] if self.gateway else [])]
        return k8s.core.v1.ContainerArgs(
            name="exporter",
            image=NATS_EXPORTER_IMAGE,
            image_pull_policy="Always",
            args=[
                f"-port={config.EXPORTER_PORT}",
                "-prefix=nats",
                "-use_internal_server_id",
                *reports,
                f"http://localhost:{config.MONITOR_PORT}/",
            ],
            ports=[k8s.core.v1.ContainerPortArgs(name="metrics", container_port=config.EXPORTER_PORT)],
            resources=EXPORTER_RESOURCES.requirements(),
            security_context=restricted_container(),
            liveness_probe=k8s.core.v1.ProbeArgs(
                tcp_socket=k8s.core.v1.TCPSocketActionArgs(port="metrics"), period_seconds=20
            ),
        )

    def _volumes(self) -> list[k8s.core.v1.VolumeArgs]:
        # One directory holds both: nats.conf can include only files beside or below it.
        settings = [
            k8s.core.v1.VolumeProjectionArgs(
                config_map=k8s.core.v1.ConfigMapProjectionArgs(name=self.settings.metadata.name)
            ),
            k8s.core.v1.VolumeProjectionArgs(secret=k8s.core.v1.SecretProjectionArgs(name=self.users.metadata.name)),
        ]
        return [
            k8s.core.v1.VolumeArgs(
                name="settings",
                projected=k8s.core.v1.ProjectedVolumeSourceArgs(default_mode=SECRET_MODE, sources=settings),
            ),
            k8s.core.v1.VolumeArgs(
                name="certificates",
                secret=k8s.core.v1.SecretVolumeSourceArgs(
                    secret_name=self.certificate.secret_name, default_mode=SECRET_MODE
                ),
            ),
            k8s.core.v1.VolumeArgs(name="run", empty_dir=k8s.core.v1.EmptyDirVolumeSourceArgs()),
        ]


def _leave_gently() -> k8s.core.v1.LifecycleArgs:
    """Clients are asked to move to other servers before the process ends."""
    command = ["nats-server", f"--signal=ldm={config.RUN}/nats.pid"]
    return k8s.core.v1.LifecycleArgs(
        pre_stop=k8s.core.v1.LifecycleHandlerArgs(exec_=k8s.core.v1.ExecActionArgs(command=command))
    )


def _probe(path: str, *, period: int, failures: int) -> k8s.core.v1.ProbeArgs:
    return k8s.core.v1.ProbeArgs(
        http_get=k8s.core.v1.HTTPGetActionArgs(path=path, port="monitor"),
        period_seconds=period,
        timeout_seconds=5,
        failure_threshold=failures,
    )
