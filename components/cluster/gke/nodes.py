"""The machines of a GKE cluster, and who they are in Google Cloud."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_gcp import container, projects, serviceaccount

from components.cluster.access import unique_suffix
from components.cluster.arguments import NodePool

NODE_DISK_GB = 100
NODE_ROLE = "roles/container.defaultNodeServiceAccount"
"""What a node needs and no more: write logs and metrics. It may read nothing, and no registry: see getting-started."""


@dataclass(frozen=True, kw_only=True)
class GkeNodeIdentityArgs:
    """`project` is the id of the Google Cloud project."""

    project: str


class GkeNodeIdentity(pulumi.ComponentResource):
    """The service account of a cluster's nodes. Pods do not get it: they have workload identities.

    Outputs: `email`.
    """

    email: pulumi.Output[str]

    def __init__(self, name: str, args: GkeNodeIdentityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cluster:GkeNodeIdentity", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        account = serviceaccount.Account(
            f"{name}-account",
            project=args.project,
            account_id=pulumi.Output.concat("gke-nodes-", unique_suffix(f"{name}-suffix", child)),
            display_name=f"Nodes of {name}",
            opts=child,
        )
        projects.IAMMember(
            f"{name}-role",
            project=args.project,
            role=NODE_ROLE,
            member=pulumi.Output.concat("serviceAccount:", account.email),
            opts=child,
        )
        self.email = account.email
        self.register_outputs({})


@dataclass(frozen=True, kw_only=True)
class GkeNodesArgs:
    """`nodes` are added to `cluster` in `location`, as the service account `identity`."""

    cluster: pulumi.Input[str]
    location: str
    nodes: NodePool
    identity: pulumi.Input[str]
    labels: Mapping[str, str]


class GkeNodes(pulumi.ComponentResource):
    """An autoscaling node pool over the region's zones, on hardened machines, repaired and upgraded by GKE."""

    def __init__(self, name: str, args: GkeNodesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cluster:GkeNodes", name, None, opts)
        container.NodePool(
            f"{name}-pool",
            # GKE takes 40 characters, and some names of regions alone have 23.
            name_prefix="nodes-",
            cluster=args.cluster,
            location=args.location,
            initial_node_count=1,
            autoscaling=container.NodePoolAutoscalingArgs(
                total_min_node_count=args.nodes.min, total_max_node_count=args.nodes.max, location_policy="BALANCED"
            ),
            management=container.NodePoolManagementArgs(auto_repair=True, auto_upgrade=True),
            upgrade_settings=container.NodePoolUpgradeSettingsArgs(strategy="SURGE", max_surge=1, max_unavailable=0),
            node_config=_node_config(args),
            # The number to start with, in each zone; afterwards the autoscaler decides.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["initialNodeCount"]),
        )
        self.register_outputs({})


def _node_config(args: GkeNodesArgs) -> container.NodePoolNodeConfigArgs:
    return container.NodePoolNodeConfigArgs(
        machine_type=args.nodes.machine_type,
        image_type="COS_CONTAINERD",
        disk_type="pd-balanced",
        disk_size_gb=NODE_DISK_GB,
        service_account=args.identity,
        # What a node may do is decided by the roles of its service account alone.
        oauth_scopes=["https://www.googleapis.com/auth/cloud-platform"],
        shielded_instance_config=container.NodePoolNodeConfigShieldedInstanceConfigArgs(
            enable_secure_boot=True, enable_integrity_monitoring=True
        ),
        workload_metadata_config=container.NodePoolNodeConfigWorkloadMetadataConfigArgs(mode="GKE_METADATA"),
        kubelet_config=container.NodePoolNodeConfigKubeletConfigArgs(insecure_kubelet_readonly_port_enabled="FALSE"),
        metadata={"disable-legacy-endpoints": "true"},
        resource_labels=dict(args.labels),
    )
