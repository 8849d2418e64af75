"""CockroachDB's nodes in one region: names and ports, start command, join addresses, and pods."""

from dataclasses import dataclass
from functools import partial
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
    http_probe,
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
"""DNS names in a node's certificate. {0} stands for the namespace."""


def join_list(region: str, primary_region: str) -> str:
    """Return the nodes that a node of `region` joins: its region's first three, then those of `primary_region`.

    Names of missing nodes do no harm. So no node restarts when its region grows, or when another region is added or
    removed.
    """
    own = [f"{APP}-{index}.{HEADLESS_SERVICE}" for index in range(SEEDS)]
    primaries = (
        [peer_name(primary_region, NAMESPACE_VARIABLE, index) for index in range(SEEDS)]
        if primary_region != region
        else []
    )
    return ",".join(f"{seed}:{SQL_PORT}" for seed in [*own, *primaries])


def advertised(region: str, *, alone: bool) -> tuple[str, ...]:
    """Return the flags for a node's addresses: the pod's name inside its region, the peer endpoint's for others."""
    pod = f"${{POD_NAME}}.{HEADLESS_SERVICE}.{NAMESPACE_VARIABLE}:{SQL_PORT}"
    if alone:
        return (f'--advertise-addr="{pod}"',)
    # The pod's number is also the peer endpoint's number.
    endpoint = peer_name(region, NAMESPACE_VARIABLE).replace(host(region), f"{region}-${{POD_NAME##*-}}")
    return (f'--advertise-addr="{endpoint}:{SQL_PORT}"', f'--locality-advertise-addr="region={region}@{pod}"')


def start_command(region: str, *, primary_region: str, alone: bool) -> str:
    """Return the shell command that starts a node of `region`. It reads POD_NAME, POD_NAMESPACE and ZONE.

    ZONE is the pod's zone label, which Kubernetes copies from the node since 1.35.
    Older clusters lack the label, so all their nodes use `zone=unknown`: every node needs the same locality tiers.
    Replicas are then not placed by zone, though the scheduler still spreads the pods.
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
    """Shell command that starts a node."""
    resources: Resources
    certificate: Certificate
    identity: WorkloadIdentity | None = None
    """The pods' identity in the cloud. None: they have none."""

    def template(self) -> k8s.core.v1.PodTemplateSpecArgs:
        """Return the template of the StatefulSet."""
        return pod_template(
            self.app,
            containers=[self._container()],
            volumes=[certificates(self.certificate, "node"), scratch_volume("scratch")],
            annotations=self._annotations(),
            extra_labels=self.identity.pod_labels if self.identity else None,
            grace_seconds=GRACE_SECONDS,
        )

    def _annotations(self) -> dict[str, pulumi.Input[str]]:
        """Return annotations that restart the pods for a new certificate or identity, which they load only at start."""
        return {
            CERTIFICATE_ANNOTATION: self.certificate.fingerprint,
            **({IDENTITY_ANNOTATION: self.identity.principal} if self.identity else {}),
        }

    def _container(self) -> k8s.core.v1.ContainerArgs:
        probe = partial(http_probe, port="https", scheme="HTTPS", timeout=3)
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
            startup_probe=probe("/health", period=5, failures=STARTUP_CHECKS),
            liveness_probe=probe("/health", period=10, failures=6),
            readiness_probe=probe("/health?ready=1", period=5, failures=2),
            volume_mounts=[
                k8s.core.v1.VolumeMountArgs(name="data", mount_path=DATA),
                *read_only({"certificates": CERTIFICATES}),
                k8s.core.v1.VolumeMountArgs(name="scratch", mount_path=SCRATCH),
            ],
        )


def certificates(certificate: Certificate, holder: str) -> k8s.core.v1.VolumeArgs:
    """Return the volume `certificates` with CockroachDB's file names for `holder`: node, or client.<user>."""
    files = {"ca.crt": "ca.crt", "tls.crt": f"{holder}.crt", "tls.key": f"{holder}.key"}
    return secret_volume("certificates", certificate.secret_name, files)
