"""The blocks of an AKS cluster's configuration, each with its reason."""

from collections.abc import Mapping, Sequence
from typing import Final

import pulumi
from pulumi_azure_native import containerservice

from components.cluster.aks.network import AksNetwork
from components.cluster.aks.plan import dns_address
from components.cluster.arguments import AddressRanges, NodePool

NODE_DISK_GB = 100
PODS_PER_NODE = 110

CHANGES_BY_ITSELF: Final = ("agentPoolProfiles[*].count",)
"""What of a cluster's inputs Azure changes: the autoscaler's number of nodes.

Only a refresh reads what Azure has. Without one the engine goes on sending what it knows.
"""
ONLY_AT_FIRST: Final = ("nodeResourceGroup",)
"""What is said to Azure when it makes a cluster, and never again: another value would replace the cluster."""
VERSIONS: Final = ("kubernetesVersion", "agentPoolProfiles[*].orchestratorVersion")
"""What Azure changes, too, where it decides about the minor version. It refuses to go back to an older one."""
CHOOSES_VERSIONS: Final = ("stable", "rapid")
"""Upgrade channels that raise the minor version."""


def nodes(
    pool: NodePool, zones: Sequence[str], network: AksNetwork, version: str | None, tags: Mapping[str, str]
) -> containerservice.ManagedClusterAgentPoolProfileArgs:
    """The cluster's machines: private, spread over zones, started only with signed code, no SSH.

    `version` of Kubernetes is that of the control plane: without it they would stay on the one they started with. None
    leaves it to Azure.
    """
    return containerservice.ManagedClusterAgentPoolProfileArgs(
        name="nodes",
        mode="System",
        type="VirtualMachineScaleSets",
        orchestrator_version=version,
        vm_size=pool.machine_type,
        availability_zones=sorted(zones),
        enable_auto_scaling=True,
        # The number to start with; afterwards the autoscaler decides, and the cluster ignores it (CHANGES_BY_ITSELF).
        count=pool.min,
        min_count=pool.min,
        max_count=pool.max,
        max_pods=PODS_PER_NODE,
        vnet_subnet_id=network.node_subnet_id,
        enable_node_public_ip=False,
        os_type="Linux",
        os_sku="AzureLinux",
        os_disk_type="Managed",
        os_disk_size_gb=NODE_DISK_GB,
        security_profile=containerservice.AgentPoolSecurityProfileArgs(
            enable_secure_boot=True, enable_vtpm=True, ssh_access="Disabled"
        ),
        upgrade_settings=containerservice.AgentPoolUpgradeSettingsArgs(max_surge="1"),
        tags=dict(tags),
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
    """Almost every pod here has an emptyDir, which is gone with its pod anyway: its node may go as well."""
    return containerservice.ManagedClusterPropertiesAutoScalerProfileArgs(skip_nodes_with_local_storage="false")


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
