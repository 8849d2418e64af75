"""CockroachDB's nodes in one region: their names and ports, how they start and find each other, and their pods."""

from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_kubernetes as k8s

from components.cluster import WorkloadIdentity
from components.metadata import CERTIFICATE_ANNOTATION, IDENTITY_ANNOTATION
from components.peering.names import PEER_NAMES, host, peer_name
from components.pod_security import restricted_container
from components.trust import Certificate
from components.versions import COCKROACHDB_IMAGE
from components.workload import (
    AppMetadata,
    Resources,
    pod_field,
    pod_template,
    read_only,
    scratch_volume,
    secret_volume,
    server_names,
)

APP: Final = "cockroachdb"
HEADLESS_SERVICE: Final = "cockroachdb"
PUBLIC_SERVICE: Final = "cockroachdb-public"
SQL_PORT: Final = 26257
HTTP_PORT: Final = 8080
CERTIFICATES: Final = "/cockroach/certs"
DATA: Final = "/cockroach/data"
SETTINGS: Final = "/cockroach/settings"
CREDENTIALS: Final = "/cockroach/credentials"
SCRATCH: Final = "/tmp"  # noqa: S108 - an empty volume of the pod's own
SEEDS: Final = 3
GRACE_SECONDS: Final = 300
STARTUP_CHECKS: Final = 60
NAMESPACE_VARIABLE: Final = "${POD_NAMESPACE}"
ZONE_LABEL: Final = "topology.kubernetes.io/zone"

NODE_NAMES: Final = (*server_names(PUBLIC_SERVICE, HEADLESS_SERVICE), *PEER_NAMES)
"""DNS names of a node's certificate; {0} is the namespace."""


def join_list(region: str, primary_region: str) -> str:
    """Where a node of `region` asks to join: its own region's first three nodes, then those of the `primary_region`.

    Names of nodes that are not there do no harm, so a node restarts neither when its region grows nor when another
    region comes or goes.
    """
    own = [f"{APP}-{index}.{HEADLESS_SERVICE}" for index in range(SEEDS)]
    primaries = (
        [peer_name(primary_region, NAMESPACE_VARIABLE, index) for index in range(SEEDS)]
        if primary_region != region
        else []
    )
    return ",".join(f"{seed}:{SQL_PORT}" for seed in [*own, *primaries])


def advertised(region: str, *, alone: bool) -> tuple[str, ...]:
    """Flags that say where a node is reached: in its region at its pod's name, from others at its peer endpoint's."""
    pod = f"${{POD_NAME}}.{HEADLESS_SERVICE}.{NAMESPACE_VARIABLE}:{SQL_PORT}"
    if alone:
        return (f'--advertise-addr="{pod}"',)
    # The number at the end of the pod's name is also the peer endpoint's.
    endpoint = peer_name(region, NAMESPACE_VARIABLE).replace(host(region), f"{region}-${{POD_NAME##*-}}")
    return (f'--advertise-addr="{endpoint}:{SQL_PORT}"', f'--locality-advertise-addr="region={region}@{pod}"')


def start_command(region: str, *, primary_region: str, alone: bool) -> str:
    """The shell command that starts a node of `region`. It reads POD_NAME, POD_NAMESPACE and ZONE.

    ZONE is the pod's zone label, which Kubernetes copies from the node since 1.35. Older clusters have no such label:
    their nodes all say `zone=unknown`, so that every node of every region has the same tiers. Replicas are then not
    placed by zone, though the scheduler still spreads the pods.
    """
    flags = (
        f"--certs-dir={CERTIFICATES}",
        f"--store={DATA}",
        f"--listen-addr=:{SQL_PORT}",
        f"--http-addr=:{HTTP_PORT}",
        *advertised(region, alone=alone),
        f'--locality="region={region},zone=${{ZONE:-unknown}}"',
        f'--join="{join_list(region, primary_region)}"',
        "--cache=25%",
        "--max-sql-memory=25%",
        "--logtostderr=INFO",
    )
    return " ".join(("exec /cockroach/cockroach start", *flags))


@dataclass(frozen=True, kw_only=True)
class NodePods:
    """The pods of a region's nodes."""

    app: AppMetadata
    command: str
    """The shell command that starts a node."""
    resources: Resources
    certificate: Certificate
    identity: WorkloadIdentity | None = None
    """Who they are in the cloud."""

    def template(self) -> k8s.core.v1.PodTemplateSpecArgs:
        """The template of the StatefulSet."""
        return pod_template(
            self.app,
            containers=[self._container()],
            volumes=[certificates(self.certificate, "node"), scratch_volume("scratch")],
            annotations=self._annotations(),
            extra_labels=self.identity.pod_labels if self.identity else None,
            grace_seconds=GRACE_SECONDS,
        )

    def _annotations(self) -> dict[str, pulumi.Input[str]]:
        """Pods get a new certificate, or an identity that they did not have, when they start and not before."""
        return {
            CERTIFICATE_ANNOTATION: self.certificate.fingerprint,
            **({IDENTITY_ANNOTATION: self.identity.principal} if self.identity else {}),
        }

    def _container(self) -> k8s.core.v1.ContainerArgs:
        return k8s.core.v1.ContainerArgs(
            name=APP,
            image=COCKROACHDB_IMAGE,
            image_pull_policy="Always",
            command=["/bin/bash", "-c", self.command],
            env=[
                pod_field("POD_NAME", "metadata.name"),
                pod_field("POD_NAMESPACE", "metadata.namespace"),
                pod_field("ZONE", f"metadata.labels['{ZONE_LABEL}']"),
                k8s.core.v1.EnvVarArgs(name="COCKROACH_CHANNEL", value="kubernetes-secure"),
            ],
            ports=[
                k8s.core.v1.ContainerPortArgs(name="sql", container_port=SQL_PORT),
                k8s.core.v1.ContainerPortArgs(name="https", container_port=HTTP_PORT),
            ],
            resources=self.resources.requirements(),
            security_context=restricted_container(),
            startup_probe=_probe("/health", period=5, failures=STARTUP_CHECKS),
            liveness_probe=_probe("/health", period=10, failures=6),
            readiness_probe=_probe("/health?ready=1", period=5, failures=2),
            volume_mounts=[
                k8s.core.v1.VolumeMountArgs(name="data", mount_path=DATA),
                *read_only({"certificates": CERTIFICATES}),
                k8s.core.v1.VolumeMountArgs(name="scratch", mount_path=SCRATCH),
            ],
        )


def certificates(certificate: Certificate, holder: str) -> k8s.core.v1.VolumeArgs:
    """The volume `certificates`, with the file names that CockroachDB expects for `holder`: node, or client.<user>."""
    files = {"ca.crt": "ca.crt", "tls.crt": f"{holder}.crt", "tls.key": f"{holder}.key"}
    return secret_volume("certificates", certificate.secret_name, files)


def _probe(path: str, *, period: int, failures: int) -> k8s.core.v1.ProbeArgs:
    return k8s.core.v1.ProbeArgs(
        http_get=k8s.core.v1.HTTPGetActionArgs(path=path, port="https", scheme="HTTPS"),
        period_seconds=period,
        timeout_seconds=3,
        failure_threshold=failures,
    )
