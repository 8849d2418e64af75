"""The machines of an AKS cluster: in each zone a small pool for AKS's own pods, and one for all others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pulumi
from pulumi_azure_native import containerservice

from components.cluster.aks import features, plan
from components.cluster.aks.network import AksNetwork
from components.cluster.arguments import NodePool, common_labels

NODE_DISK_GB = 100
PODS_PER_NODE = 110
SYSTEM_TAINT: Final = "CriticalAddonsOnly=true:NoSchedule"
"""Azure's own pods tolerate it, and no others."""


@dataclass(frozen=True, kw_only=True)
class AksPoolsArgs:
    """`nodes` of the region are spread over the zones of `network`; `system_machine` runs AKS's own pods.

    `version` of Kubernetes is that of the control plane: without it nodes would stay on the one they started with. None
    leaves it to Azure.
    """

    network: AksNetwork
    nodes: NodePool
    system_machine: str
    version: str | None


class AksPools(pulumi.ComponentResource):
    """All node pools but the one that the cluster is born with.

    Another machine type is another pool, which is there before the old one goes. The cluster stays.
    """

    def __init__(
        self,
        name: str,
        args: AksPoolsArgs,
        cluster: containerservice.ManagedCluster,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:cluster:AksPools", name, None, opts)
        self._cluster = cluster
        zones = list(args.network.node_subnet_ids)
        for zone in sorted(zones)[1:]:
            self._pool(f"{name}-system-{zone}", args, zone, _system(args, zones, zone))
        for zone, bounds in plan.nodes_per_zone(args.nodes, zones).items():
            self._pool(f"{name}-{zone}", args, zone, _user(args, zone, bounds))
        self.register_outputs({})

    def _pool(self, name: str, args: AksPoolsArgs, zone: str, special: Mapping[str, Any]) -> None:
        versions = () if args.version else features.POOL_VERSIONS
        containerservice.AgentPool(
            f"{name}-pool",
            resource_group_name=args.network.resource_group_name,
            resource_name_=self._cluster.name,
            **_common(args, zone),
            **special,
            opts=pulumi.ResourceOptions(
                parent=self,
                ignore_changes=[*features.POOL_CHANGES_BY_ITSELF, *versions],
                # Else Azure would first drain pools of a cluster that goes.
                deleted_with=self._cluster,
            ),
        )


def first_pool(args: AksPoolsArgs) -> containerservice.ManagedClusterAgentPoolProfileArgs:
    """The pool that the cluster is born with: Azure takes it with the cluster, and changes little of it afterwards."""
    zones = list(args.network.node_subnet_ids)
    zone = min(zones)
    special = _system(args, zones, zone)
    return containerservice.ManagedClusterAgentPoolProfileArgs(
        name=special.pop("agent_pool_name"), **_common(args, zone), **special
    )


def _system(args: AksPoolsArgs, zones: Sequence[str], zone: str) -> dict[str, Any]:
    return {
        "agent_pool_name": f"system{zone}",
        "mode": "System",
        "vm_size": args.system_machine,
        "node_taints": [SYSTEM_TAINT],
        **_bounds(*plan.system_nodes(zones)),
    }


def _user(args: AksPoolsArgs, zone: str, bounds: tuple[int, int]) -> dict[str, Any]:
    return {
        "agent_pool_name": plan.pool_name(zone, args.nodes.machine_type),
        "mode": "User",
        "vm_size": args.nodes.machine_type,
        **_bounds(*bounds),
    }


def _bounds(least: int, most: int) -> dict[str, Any]:
    # The autoscaler decides how many nodes there are: `count` is the number to start with.
    return {"enable_auto_scaling": True, "count": least, "min_count": least, "max_count": most}


def _common(args: AksPoolsArgs, zone: str) -> dict[str, Any]:
    """What all pools have in common: private nodes of one zone, started only with signed code, no SSH."""
    return {
        "type": "VirtualMachineScaleSets",
        "orchestrator_version": args.version,
        "availability_zones": [zone],
        "max_pods": PODS_PER_NODE,
        "vnet_subnet_id": args.network.node_subnet_ids[zone],
        "enable_node_public_ip": False,
        "os_type": "Linux",
        "os_sku": "AzureLinux",
        "os_disk_type": "Managed",
        "os_disk_size_gb": NODE_DISK_GB,
        "security_profile": containerservice.AgentPoolSecurityProfileArgs(
            enable_secure_boot=True, enable_vtpm=True, ssh_access="Disabled"
        ),
        "upgrade_settings": containerservice.AgentPoolUpgradeSettingsArgs(max_surge="1"),
        "tags": common_labels(args.network.args),
    }
