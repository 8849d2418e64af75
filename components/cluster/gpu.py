"""What nodes with GPUs have in common on every cloud, and the plugin that offers their GPUs to Kubernetes."""

from collections.abc import Mapping
from typing import Final

import pulumi
import pulumi_kubernetes as k8s

from components.metadata import labels, object_meta, selector
from components.namespaces import SYSTEM
from components.offers.gpus import RESOURCE
from components.versions import NVIDIA_DEVICE_PLUGIN_IMAGE

LABELS: Final[Mapping[str, str]] = {f"{RESOURCE}.present": "true"}
"""Labels of nodes with GPUs: NVIDIA's own, so that other charts of NVIDIA find the nodes, too."""
TAINT_VALUE: Final = "present"
"""Value of the taint `nvidia.com/gpu`, as GKE writes it. Pods without a toleration stay off these expensive nodes."""
DEVICE_PLUGIN: Final = "nvidia-device-plugin"
_SOCKETS: Final = "/var/lib/kubelet/device-plugins"
"""Folder in which the kubelet looks for device plugins."""


class GpuDevicePlugin(pulumi.ComponentResource):
    """NVIDIA's device plugin, on clouds that install the driver only: EKS and AKS. GKE brings its own.

    It talks to the kubelet through a folder of the node, as root but without privileges, so it runs in kube-system.
    Source: deployments/static/nvidia-device-plugin.yml of https://github.com/NVIDIA/k8s-device-plugin.
    """

    def __init__(self, name: str, region: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cluster:GpuDevicePlugin", name, None, opts)
        k8s.apps.v1.DaemonSet(
            f"{name}-daemon-set",
            metadata=object_meta(
                DEVICE_PLUGIN,
                app=DEVICE_PLUGIN,
                region=region,
                namespace=SYSTEM,
                # A node that the autoscaler is still starting must not hold up the deployment.
                annotations={"pulumi.com/skipAwait": "true"},
            ),
            spec=k8s.apps.v1.DaemonSetSpecArgs(
                selector=k8s.meta.v1.LabelSelectorArgs(match_labels=selector(DEVICE_PLUGIN)),
                template=k8s.core.v1.PodTemplateSpecArgs(
                    metadata=k8s.meta.v1.ObjectMetaArgs(labels=labels(DEVICE_PLUGIN, region=region)),
                    spec=_pod(),
                ),
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})


def toleration() -> k8s.core.v1.TolerationArgs:
    """Let a pod run on nodes with GPUs."""
    return k8s.core.v1.TolerationArgs(key=RESOURCE, operator="Exists", effect="NoSchedule")


def _pod() -> k8s.core.v1.PodSpecArgs:
    amounts = {"cpu": "50m", "memory": "64Mi", "ephemeral-storage": "64Mi"}
    return k8s.core.v1.PodSpecArgs(
        automount_service_account_token=False,
        enable_service_links=False,
        priority_class_name="system-node-critical",
        node_selector=dict(LABELS),
        tolerations=[toleration()],
        security_context=k8s.core.v1.PodSecurityContextArgs(
            seccomp_profile=k8s.core.v1.SeccompProfileArgs(type="RuntimeDefault")
        ),
        containers=[
            k8s.core.v1.ContainerArgs(
                name=DEVICE_PLUGIN,
                image=NVIDIA_DEVICE_PLUGIN_IMAGE,
                image_pull_policy="IfNotPresent",
                resources=k8s.core.v1.ResourceRequirementsArgs(requests=amounts, limits=amounts),
                security_context=k8s.core.v1.SecurityContextArgs(
                    allow_privilege_escalation=False, capabilities=k8s.core.v1.CapabilitiesArgs(drop=["ALL"])
                ),
                volume_mounts=[k8s.core.v1.VolumeMountArgs(name="sockets", mount_path=_SOCKETS)],
            )
        ],
        volumes=[
            k8s.core.v1.VolumeArgs(
                name="sockets", host_path=k8s.core.v1.HostPathVolumeSourceArgs(path=_SOCKETS, type="Directory")
            )
        ],
    )
