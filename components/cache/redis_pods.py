"""The pods of Redis: the node itself, its metrics and, with replicas, its Sentinel."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.cache import config
from components.metadata import CERTIFICATE_ANNOTATION
from components.pod_security import restricted_container, restricted_pod
from components.trust import Certificate
from components.versions import REDIS_EXPORTER_IMAGE, REDIS_IMAGE
from components.workload import (
    CHECKSUM_ANNOTATION,
    AppMetadata,
    Resources,
    anti_affinity,
    pod_field,
    secret_value,
    zone_spread,
)

USER = 10001
SECRET_MODE = 0o440
GRACE_SECONDS = 60
STARTUP_CHECKS = 60
SENTINEL_RESOURCES = Resources(cpu="50m", memory="64Mi", scratch="16Mi")
EXPORTER_RESOURCES = Resources(cpu="50m", memory="64Mi", scratch="16Mi")


@dataclass(frozen=True, kw_only=True)
class NodePods:
    """The pods of all nodes: what they read and what they may use."""

    app: AppMetadata
    replicas: int
    resources: Resources
    certificate: Certificate
    settings: k8s.core.v1.ConfigMap
    credentials: k8s.core.v1.Secret
    checksum: pulumi.Input[str]

    def template(self) -> k8s.core.v1.PodTemplateSpecArgs:
        """The template of the StatefulSet."""
        sentinels = [self._sentinel()] if self.replicas > 1 else []
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
                containers=[self._redis(), self._exporter(), *sentinels],
                volumes=[
                    certificate_volume(self.certificate),
                    settings_volume(self.settings),
                    self._credentials_volume(),
                ],
            ),
        )

    def _redis(self) -> k8s.core.v1.ContainerArgs:
        return k8s.core.v1.ContainerArgs(
            name="redis",
            image=REDIS_IMAGE,
            image_pull_policy="Always",
            command=["/bin/sh", f"{config.SETTINGS}/redis.sh"],
            env=self._identity(),
            ports=[k8s.core.v1.ContainerPortArgs(name="redis", container_port=config.PORT)],
            lifecycle=k8s.core.v1.LifecycleArgs(
                pre_stop=k8s.core.v1.LifecycleHandlerArgs(
                    exec_=k8s.core.v1.ExecActionArgs(command=["/bin/sh", f"{config.SETTINGS}/leave.sh"])
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
            command=["/bin/sh", f"{config.SETTINGS}/sentinel.sh"],
            env=self._identity(),
            ports=[k8s.core.v1.ContainerPortArgs(name="sentinel", container_port=config.SENTINEL_PORT)],
            resources=SENTINEL_RESOURCES.requirements(),
            security_context=restricted_container(),
            startup_probe=_check("sentinel", failures=STARTUP_CHECKS),
            liveness_probe=_check("sentinel", failures=6),
            volume_mounts=_mounts(),
        )

    def _exporter(self) -> k8s.core.v1.ContainerArgs:
        # No readiness probe: a node without its exporter still serves.
        arguments = {
            "redis.addr": f"rediss://localhost:{config.PORT}",
            "tls-ca-cert-file": f"{config.CERTIFICATES}/ca.crt",
            "web.listen-address": f":{config.EXPORTER_PORT}",
        }
        return k8s.core.v1.ContainerArgs(
            name="exporter",
            image=REDIS_EXPORTER_IMAGE,
            image_pull_policy="Always",
            args=[f"--{name}={value}" for name, value in arguments.items()],
            env=[secret_value("REDIS_PASSWORD", self.credentials.metadata.name, "password")],
            ports=[k8s.core.v1.ContainerPortArgs(name="metrics", container_port=config.EXPORTER_PORT)],
            resources=EXPORTER_RESOURCES.requirements(),
            security_context=restricted_container(),
            liveness_probe=k8s.core.v1.ProbeArgs(
                http_get=k8s.core.v1.HTTPGetActionArgs(path="/health", port="metrics"), period_seconds=20
            ),
            volume_mounts=[
                k8s.core.v1.VolumeMountArgs(name="certificates", mount_path=config.CERTIFICATES, read_only=True)
            ],
        )

    def _credentials_volume(self) -> k8s.core.v1.VolumeArgs:
        source = k8s.core.v1.SecretVolumeSourceArgs(
            secret_name=self.credentials.metadata.name, default_mode=SECRET_MODE
        )
        return k8s.core.v1.VolumeArgs(name="credentials", secret=source)

    def _identity(self) -> list[k8s.core.v1.EnvVarArgs]:
        # Kubernetes fills in $(...) from the variables before.
        names = config.nodes(self.replicas, "$(POD_NAMESPACE)")
        itself = f"$(POD_NAME).{config.HEADLESS_SERVICE}.$(POD_NAMESPACE).svc"
        return [
            pod_field("POD_NAME", "metadata.name"),
            pod_field("POD_NAMESPACE", "metadata.namespace"),
            k8s.core.v1.EnvVarArgs(name="SELF", value=itself),
            k8s.core.v1.EnvVarArgs(name="NODES", value=" ".join(names)),
        ]


def certificate_volume(certificate: Certificate) -> k8s.core.v1.VolumeArgs:
    """The nodes' certificate, its key and the authority's certificate."""
    return k8s.core.v1.VolumeArgs(
        name="certificates",
        secret=k8s.core.v1.SecretVolumeSourceArgs(secret_name=certificate.secret_name, default_mode=SECRET_MODE),
    )


def settings_volume(settings: k8s.core.v1.ConfigMap) -> k8s.core.v1.VolumeArgs:
    """Configuration files and scripts."""
    source = k8s.core.v1.ConfigMapVolumeSourceArgs(name=settings.metadata.name)
    return k8s.core.v1.VolumeArgs(name="settings", config_map=source)


def _mounts() -> list[k8s.core.v1.VolumeMountArgs]:
    return [
        k8s.core.v1.VolumeMountArgs(name="data", mount_path=config.DATA),
        k8s.core.v1.VolumeMountArgs(name="certificates", mount_path=config.CERTIFICATES, read_only=True),
        k8s.core.v1.VolumeMountArgs(name="settings", mount_path=config.SETTINGS, read_only=True),
        k8s.core.v1.VolumeMountArgs(name="credentials", mount_path=config.CREDENTIALS, read_only=True),
    ]


def _check(what: str, *, failures: int) -> k8s.core.v1.ProbeArgs:
    command = ["/bin/sh", f"{config.SETTINGS}/check.sh", what]
    return k8s.core.v1.ProbeArgs(
        exec_=k8s.core.v1.ExecActionArgs(command=command),
        period_seconds=10,
        timeout_seconds=5,
        failure_threshold=failures,
    )
