"""The machines of a GKE cluster, and their service account in Google Cloud."""

from collections.abc import Mapping, Sequence
from typing import Final

import pulumi
from pulumi_gcp import container, projects, serviceaccount

from components.cluster import gpu
from components.cluster.access import unique_suffix
from components.cluster.settings import Machines
from components.offers import Gpus
from components.offers.gpus import RESOURCE

NODE_DISK_GB: Final = 100
NODE_ROLE: Final = "roles/container.defaultNodeServiceAccount"
"""The minimum for a node: write logs and metrics. It grants no reads, not even of registries: see getting-started."""


class GkeNodeIdentity(pulumi.ComponentResource):
    """The service account of a cluster's nodes. Pods do not get it, because they have workload identities.

    Outputs: `email`.
    """

    email: pulumi.Output[str]

    def __init__(self, name: str, project: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cluster:GkeNodeIdentity", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        account = serviceaccount.Account(
            f"{name}-account",
            project=project,
            account_id=pulumi.Output.concat("gke-nodes-", unique_suffix(f"{name}-suffix", child)),
            display_name=f"Nodes of {name}",
            opts=child,
        )
        projects.IAMMember(
            f"{name}-role",
            project=project,
            role=NODE_ROLE,
            member=pulumi.Output.concat("serviceAccount:", account.email),
            opts=child,
        )
        self.email = account.email
        self.register_outputs({})


class GkeNodes(pulumi.ComponentResource):
    """An autoscaling node pool over the region's zones, on hardened machines that GKE repairs and upgrades.

    The machines act as the service account `identity`.
    `gpus` are those of the machines (None: they have none), and `zones` the zones that have such machines (full names).
    Without `zones` the pool is in the zones of the cluster.
    """

    def __init__(
        self,
        name: str,
        cluster: pulumi.Input[str],
        nodes: Machines,
        *,
        location: str,
        identity: pulumi.Input[str],
        labels: Mapping[str, str],
        gpus: Gpus | None = None,
        zones: Sequence[str] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:cluster:GkeNodes", name, None, opts)
        container.NodePool(
            f"{name}-pool",
            # GKE allows 40 characters, and some region names have 23.
            name_prefix="gpus-" if gpus else "nodes-",
            cluster=cluster,
            location=location,
            node_locations=list(zones) or None,
            initial_node_count=1,
            autoscaling=container.NodePoolAutoscalingArgs(
                total_min_node_count=nodes.min, total_max_node_count=nodes.max, location_policy="BALANCED"
            ),
            management=container.NodePoolManagementArgs(auto_repair=True, auto_upgrade=True),
            upgrade_settings=container.NodePoolUpgradeSettingsArgs(strategy="SURGE", max_surge=1, max_unavailable=0),
            node_config=_node_config(nodes.type, identity, labels, gpus),
            # The initial number per zone. The autoscaler changes it.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["initialNodeCount"]),
        )
        self.register_outputs({})


def _node_config(
    machine_type: str, identity: pulumi.Input[str], labels: Mapping[str, str], gpus: Gpus | None
) -> container.NodePoolNodeConfigArgs:
    return container.NodePoolNodeConfigArgs(
        machine_type=machine_type,
        image_type="COS_CONTAINERD",
        disk_type="pd-balanced",
        disk_size_gb=NODE_DISK_GB,
        service_account=identity,
        # The full scope, because only the roles of the service account limit a node.
        oauth_scopes=["https://www.googleapis.com/auth/cloud-platform"],
        shielded_instance_config=container.NodePoolNodeConfigShieldedInstanceConfigArgs(
            enable_secure_boot=True, enable_integrity_monitoring=True
        ),
        workload_metadata_config=container.NodePoolNodeConfigWorkloadMetadataConfigArgs(mode="GKE_METADATA"),
        kubelet_config=container.NodePoolNodeConfigKubeletConfigArgs(insecure_kubelet_readonly_port_enabled="FALSE"),
        metadata={"disable-legacy-endpoints": "true"},
        resource_labels=dict(labels),
        labels=dict(gpu.LABELS) if gpus else None,
        taints=[_taint()] if gpus else None,
        guest_accelerators=[_accelerator(gpus)] if gpus else None,
    )


def _taint() -> container.NodePoolNodeConfigTaintArgs:
    """The taint that GKE would add by itself. Unnamed, it would look like a change at each refresh."""
    return container.NodePoolNodeConfigTaintArgs(key=RESOURCE, value=gpu.TAINT_VALUE, effect="NO_SCHEDULE")


def _accelerator(gpus: Gpus) -> container.NodePoolNodeConfigGuestAcceleratorArgs:
    """The GPUs of a machine, with the driver that GKE installs. Its device plugin is there by itself."""
    return container.NodePoolNodeConfigGuestAcceleratorArgs(
        type=gpus.name,
        count=gpus.count,
        gpu_driver_installation_config=container.NodePoolNodeConfigGuestAcceleratorGpuDriverInstallationConfigArgs(
            gpu_driver_version="DEFAULT"
        ),
    )
