"""The machines of a GKE cluster, and their service account in Google Cloud."""

from collections.abc import Mapping
from typing import Final

import pulumi
from pulumi_gcp import container, projects, serviceaccount

from components.cluster.access import unique_suffix
from components.cluster.settings import Nodes

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
    """

    def __init__(
        self,
        name: str,
        cluster: pulumi.Input[str],
        nodes: Nodes,
        *,
        location: str,
        identity: pulumi.Input[str],
        labels: Mapping[str, str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:cluster:GkeNodes", name, None, opts)
        container.NodePool(
            f"{name}-pool",
            # GKE allows 40 characters, and some region names have 23.
            name_prefix="nodes-",
            cluster=cluster,
            location=location,
            initial_node_count=1,
            autoscaling=container.NodePoolAutoscalingArgs(
                total_min_node_count=nodes.min, total_max_node_count=nodes.max, location_policy="BALANCED"
            ),
            management=container.NodePoolManagementArgs(auto_repair=True, auto_upgrade=True),
            upgrade_settings=container.NodePoolUpgradeSettingsArgs(strategy="SURGE", max_surge=1, max_unavailable=0),
            node_config=_node_config(nodes.type, identity, labels),
            # The initial number per zone. The autoscaler changes it.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["initialNodeCount"]),
        )
        self.register_outputs({})


def _node_config(
    machine_type: str, identity: pulumi.Input[str], labels: Mapping[str, str]
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
    )
