"""The blocks of an AKS cluster's configuration, each with its reason."""

from collections.abc import Sequence
from typing import Final

import pulumi
from pulumi_azure_native import containerservice

from components.cluster.aks.network import AksNetwork
from components.cluster.aks.plan import dns_address
from components.cluster.arguments import AddressRanges, MaintenanceWindow

CHANGES_BY_ITSELF: Final = ("agentPoolProfiles[*].count",)
"""What of a cluster's inputs Azure changes: the autoscaler's number of nodes.

Only a refresh reads what Azure has. Without one the engine goes on sending what it knows.
"""
POOL_CHANGES_BY_ITSELF: Final = ("count",)
"""The same of a node pool."""
ONLY_AT_FIRST: Final = ("nodeResourceGroup",)
"""What is said to Azure when it makes a cluster, and never again: another value would replace the cluster."""
VERSIONS: Final = ("kubernetesVersion", "agentPoolProfiles[*].orchestratorVersion")
"""What Azure changes, too, where it decides about the minor version. It refuses to go back to an older one."""
POOL_VERSIONS: Final = ("orchestratorVersion",)
"""The same of a node pool."""
CHOOSES_VERSIONS: Final = ("stable", "rapid")
"""Upgrade channels that raise the minor version."""
AUTO_UPGRADE: Final = "aksManagedAutoUpgradeSchedule"
NODE_UPGRADE: Final = "aksManagedNodeOSUpgradeSchedule"
"""Names that Azure gives to the schedules of its upgrades: of Kubernetes, and of the nodes' system."""


def maintenance(window: MaintenanceWindow) -> containerservice.MaintenanceWindowArgs:
    """When Azure may restart nodes."""
    return containerservice.MaintenanceWindowArgs(
        schedule=containerservice.ScheduleArgs(
            weekly=containerservice.WeeklyScheduleArgs(day_of_week=window.day, interval_weeks=1)
        ),
        start_time=f"{window.start_hour:02}:00",
        duration_hours=window.hours,
        utc_offset="+00:00",
    )


def api_access(
    networks: Sequence[pulumi.Input[str]], network: AksNetwork
) -> containerservice.ManagedClusterAPIServerAccessProfileArgs:
    """Nodes reach the API inside the network; from outside only `networks` do. Without any it has no public address."""
    return containerservice.ManagedClusterAPIServerAccessProfileArgs(
        enable_vnet_integration=True,
        subnet_id=network.control_plane_subnet_id,
        enable_private_cluster=not networks,
        authorized_ip_ranges=list(networks) or None,
        # Else whoever may manage the cluster in Azure could run commands in it, past the API's authorization.
        disable_run_command=True,
    )


def pod_network(addresses: AddressRanges) -> containerservice.ContainerServiceNetworkProfileArgs:
    """Pods in an overlay with network policies enforced by Cilium; out through the network's NAT."""
    return containerservice.ContainerServiceNetworkProfileArgs(
        network_plugin="azure",
        network_plugin_mode="overlay",
        network_dataplane="cilium",
        network_policy="cilium",
        pod_cidr=addresses.pods,
        service_cidr=addresses.services,
        dns_service_ip=dns_address(addresses.services),
        outbound_type="userAssignedNATGateway",
        load_balancer_sku="standard",
    )


def autoscaler() -> containerservice.ManagedClusterPropertiesAutoScalerProfileArgs:
    """Zones, which are node pools of their own, grow evenly; nodes that are not needed go.

    Almost every pod here has an emptyDir, which is gone with its pod anyway: its node may go as well.
    """
    return containerservice.ManagedClusterPropertiesAutoScalerProfileArgs(
        balance_similar_node_groups="true", skip_nodes_with_local_storage="false"
    )


def security(key_id: pulumi.Input[str]) -> containerservice.ManagedClusterSecurityProfileArgs:
    """Kubernetes Secrets are encrypted with the key; ServiceAccounts can be identities; old images are removed."""
    return containerservice.ManagedClusterSecurityProfileArgs(
        azure_key_vault_kms=containerservice.AzureKeyVaultKmsArgs(
            enabled=True, key_id=key_id, key_vault_network_access="Public"
        ),
        workload_identity=containerservice.ManagedClusterSecurityProfileWorkloadIdentityArgs(enabled=True),
        image_cleaner=containerservice.ManagedClusterSecurityProfileImageCleanerArgs(enabled=True, interval_hours=168),
    )


def logins(admin_groups: Sequence[str]) -> containerservice.ManagedClusterAADProfileArgs:
    """People and machines log in with Entra; Azure's roles decide what they may do, and `admin_groups` may all."""
    return containerservice.ManagedClusterAADProfileArgs(
        managed=True, enable_azure_rbac=True, admin_group_object_ids=sorted(set(admin_groups))
    )
