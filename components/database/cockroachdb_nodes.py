"""The pods of CockroachDB's nodes."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.cluster import WorkloadIdentity
from components.database import cockroachdb_plan as plan
from components.metadata import CERTIFICATE_ANNOTATION, IDENTITY_ANNOTATION
from components.pod_security import restricted_container, restricted_pod
from components.trust import Certificate
from components.versions import COCKROACHDB_IMAGE
from components.workload import AppMetadata, Resources, anti_affinity, pod_field, zone_spread

USER = 10001
KEY_MODE = 0o440
"""CockroachDB refuses keys that more than root and the process's own group can read."""
GRACE_SECONDS = 300
STARTUP_CHECKS = 60


@dataclass(frozen=True, kw_only=True)
class NodePods:
    """The pods of a region's nodes, which start with the shell command `command`, as `identity` in the cloud."""

    app: AppMetadata
    command: str
    resources: Resources
    certificate: Certificate
    identity: WorkloadIdentity | None = None

    def template(self) -> k8s.core.v1.PodTemplateSpecArgs:
        """The template of the StatefulSet."""
        return k8s.core.v1.PodTemplateSpecArgs(
            metadata=k8s.meta.v1.ObjectMetaArgs(
                labels={**self.app.labels(), **(self.identity.pod_labels if self.identity else {})},
                annotations=self._annotations(),
            ),
            spec=k8s.core.v1.PodSpecArgs(
                service_account_name=plan.APP,
                automount_service_account_token=False,
                enable_service_links=False,
                security_context=restricted_pod(user=USER),
                termination_grace_period_seconds=GRACE_SECONDS,
                affinity=anti_affinity(self.app),
                topology_spread_constraints=zone_spread(self.app),
                containers=[self._container()],
                volumes=[
                    certificates("certificates", self.certificate, "node"),
                    k8s.core.v1.VolumeArgs(name="scratch", empty_dir=k8s.core.v1.EmptyDirVolumeSourceArgs()),
                ],
            ),
        )

    def _annotations(self) -> dict[str, pulumi.Input[str]]:
        """Pods get a new certificate, or an identity that they did not have, when they start and not before."""
        return {
            CERTIFICATE_ANNOTATION: self.certificate.fingerprint,
            **({IDENTITY_ANNOTATION: self.identity.principal} if self.identity else {}),
        }

    def _container(self) -> k8s.core.v1.ContainerArgs:
        return k8s.core.v1.ContainerArgs(
            name=plan.APP,
            image=COCKROACHDB_IMAGE,
            image_pull_policy="Always",
            command=["/bin/bash", "-c", self.command],
            env=[
                pod_field("POD_NAME", "metadata.name"),
                pod_field("POD_NAMESPACE", "metadata.namespace"),
                pod_field("ZONE", f"metadata.labels['{plan.ZONE_LABEL}']"),
                k8s.core.v1.EnvVarArgs(name="COCKROACH_CHANNEL", value="kubernetes-secure"),
            ],
            ports=[
                k8s.core.v1.ContainerPortArgs(name="sql", container_port=plan.SQL_PORT),
                k8s.core.v1.ContainerPortArgs(name="https", container_port=plan.HTTP_PORT),
            ],
            resources=self.resources.requirements(),
            security_context=restricted_container(),
            startup_probe=_probe("/health", period=5, failures=STARTUP_CHECKS),
            liveness_probe=_probe("/health", period=10, failures=6),
            readiness_probe=_probe("/health?ready=1", period=5, failures=2),
            volume_mounts=[
                k8s.core.v1.VolumeMountArgs(name="data", mount_path=plan.DATA),
                k8s.core.v1.VolumeMountArgs(name="certificates", mount_path=plan.CERTIFICATES, read_only=True),
                k8s.core.v1.VolumeMountArgs(name="scratch", mount_path=plan.SCRATCH),
            ],
        )


def certificates(volume: str, certificate: Certificate, holder: str) -> k8s.core.v1.VolumeArgs:
    """A volume with the file names that CockroachDB expects for `holder`: node, or client.<user>."""
    files = {"ca.crt": "ca.crt", "tls.crt": f"{holder}.crt", "tls.key": f"{holder}.key"}
    return k8s.core.v1.VolumeArgs(
        name=volume,
        secret=k8s.core.v1.SecretVolumeSourceArgs(
            secret_name=certificate.secret_name,
            default_mode=KEY_MODE,
            items=[k8s.core.v1.KeyToPathArgs(key=key, path=path) for key, path in files.items()],
        ),
    )


def _probe(path: str, *, period: int, failures: int) -> k8s.core.v1.ProbeArgs:
    return k8s.core.v1.ProbeArgs(
        http_get=k8s.core.v1.HTTPGetActionArgs(path=path, port="https", scheme="HTTPS"),
        period_seconds=period,
        timeout_seconds=3,
        failure_threshold=failures,
    )
