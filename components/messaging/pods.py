"""What the pods of all NATS servers have in common."""

from collections.abc import Sequence
from typing import Final

import pulumi_kubernetes as k8s

from components.messaging import configuration
from components.pod_security import restricted_container
from components.versions import NATS_EXPORTER_IMAGE
from components.workload import SECRET_MODE, Resources

EXPORTER_RESOURCES: Final = Resources(cpu="50m", memory="64Mi", scratch="16Mi")


def exporter(reports: Sequence[str]) -> k8s.core.v1.ContainerArgs:
    """Return the container that publishes these `reports` of the server beside it, such as `-varz`."""
    # No readiness probe: a server without its exporter still serves.
    return k8s.core.v1.ContainerArgs(
        name="exporter",
        image=NATS_EXPORTER_IMAGE,
        image_pull_policy="Always",
        args=[
            f"-port={configuration.EXPORTER_PORT}",
            "-prefix=nats",
            "-use_internal_server_id",
            *reports,
            f"http://localhost:{configuration.MONITOR_PORT}/",
        ],
        ports=[k8s.core.v1.ContainerPortArgs(name="metrics", container_port=configuration.EXPORTER_PORT)],
        resources=EXPORTER_RESOURCES.requirements(),
        security_context=restricted_container(),
        liveness_probe=k8s.core.v1.ProbeArgs(
            tcp_socket=k8s.core.v1.TCPSocketActionArgs(port="metrics"), period_seconds=20
        ),
    )


def settings_volume(settings: k8s.core.v1.ConfigMap, secret: k8s.core.v1.Secret) -> k8s.core.v1.VolumeArgs:
    """Return the volume `settings` with the files of both."""
    # One directory holds both: nats.conf can include only files beside or below it.
    sources = [
        k8s.core.v1.VolumeProjectionArgs(config_map=k8s.core.v1.ConfigMapProjectionArgs(name=settings.metadata.name)),
        k8s.core.v1.VolumeProjectionArgs(secret=k8s.core.v1.SecretProjectionArgs(name=secret.metadata.name)),
    ]
    return k8s.core.v1.VolumeArgs(
        name="settings",
        projected=k8s.core.v1.ProjectedVolumeSourceArgs(default_mode=SECRET_MODE, sources=sources),
    )


def leave_gently() -> k8s.core.v1.LifecycleArgs:
    """Ask clients to move to other servers before the process ends."""
    command = ["nats-server", f"--signal=ldm={configuration.RUN}/nats.pid"]
    return k8s.core.v1.LifecycleArgs(
        pre_stop=k8s.core.v1.LifecycleHandlerArgs(exec_=k8s.core.v1.ExecActionArgs(command=command))
    )
