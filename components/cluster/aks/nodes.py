"""The machines of an AKS cluster: in each zone a small pool for AKS's own pods, one for all other pods, one of GPUs."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pulumi
from pulumi_azure_native import containerservice

from components.cluster import gpu
from components.cluster.aks.network import AksNetwork
from components.cluster.location import common_labels
from components.cluster.settings import CHOOSES_VERSIONS, AzureRegion, aks_system_nodes
from components.offers.gpus import RESOURCE
from components.versions import KUBERNETES_VERSION

NODE_DISK_GB: Final = 100
PODS_PER_NODE: Final = 110
SYSTEM_TAINT: Final = "CriticalAddonsOnly=true:NoSchedule"
"""Only Azure's own pods tolerate it."""
POOL_CHANGES_BY_ITSELF: Final = ("count",)
"""Inputs of a node pool that Azure changes: the autoscaler's number of nodes."""
POOL_VERSIONS: Final = ("orchestratorVersion",)
"""Inputs that Azure also changes when it chooses the minor version."""


class AksPools(pulumi.ComponentResource):
    """All node pools except the one that is created with the cluster.

    A change of the machine type creates a new pool before the old one goes. The cluster stays.
    """

    def __init__(
        self,
        name: str,
        cluster: containerservice.ManagedCluster,
        region: AzureRegion,
        network: AksNetwork,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:cluster:AksPools", name, None, opts)
        self._cluster, self._region, self._network = cluster, region, network
        zones = list(network.node_subnet_ids)
        for zone in sorted(zones)[1:]:
            self._pool(f"{name}-system-{zone}", zone, _system(region, zones, zone))
        for zone, bounds in region.nodes.per_zone(zones).items():
            self._pool(f"{name}-{zone}", zone, _user(region, zone, bounds))
        if region.nodes.gpu:
            for zone, bounds in region.nodes.gpu.per_zone(region.nodes.gpu.zones or zones).items():
                self._pool(f"{name}-gpu-{zone}", zone, _gpu(region.nodes.gpu.type, zone, bounds))
        self.register_outputs({})

    def _pool(self, name: str, zone: str, special: Mapping[str, Any]) -> None:
        versions = () if kubernetes_version(self._region) else POOL_VERSIONS
        containerservice.AgentPool(
            f"{name}-pool",
            resource_group_name=self._network.resource_group_name,
            resource_name_=self._cluster.name,
            **{**_common(self._region, self._network, zone), **special},
            opts=pulumi.ResourceOptions(
                parent=self,
                ignore_changes=[*POOL_CHANGES_BY_ITSELF, *versions],
                # Otherwise Azure would first drain the pools of a cluster that is being deleted.
                deleted_with=self._cluster,
            ),
        )


def first_pool(region: AzureRegion, network: AksNetwork) -> containerservice.ManagedClusterAgentPoolProfileArgs:
    """The pool that is created with the cluster, in the lowest zone. Azure can change little of it afterwards.

    Azure refuses a pool of another name here, so the lowest zone must stay. No pool could do without a zone: each
    zone has its own subnet and NAT gateway.
    """
    zones = list(network.node_subnet_ids)
    zone = min(zones)
    special = _system(region, zones, zone)
    return containerservice.ManagedClusterAgentPoolProfileArgs(
        name=special.pop("agent_pool_name"), **_common(region, network, zone), **special
    )


def _system(region: AzureRegion, zones: Sequence[str], zone: str) -> dict[str, Any]:
    return {
        "agent_pool_name": f"system{zone}",
        "mode": "System",
        "vm_size": region.system_machine,
        "node_taints": [SYSTEM_TAINT],
        **_bounds(*aks_system_nodes(len(zones))),
    }


def _user(region: AzureRegion, zone: str, bounds: tuple[int, int]) -> dict[str, Any]:
    return {
        "agent_pool_name": pool_name(zone, region.nodes.type),
        "mode": "User",
        "vm_size": region.nodes.type,
        **_bounds(*bounds),
    }


def _gpu(machine_type: str, zone: str, bounds: tuple[int, int]) -> dict[str, Any]:
    return {
        "agent_pool_name": pool_name(zone, machine_type, kind="g"),
        "mode": "User",
        "vm_size": machine_type,
        # Azure installs its driver there for every size with GPUs; Azure Linux lacks some.
        # https://learn.microsoft.com/azure/aks/use-nvidia-gpu
        "os_sku": "Ubuntu",
        "gpu_profile": containerservice.GPUProfileArgs(driver="Install"),
        # Its driver is not signed: https://learn.microsoft.com/azure/aks/use-trusted-launch#limitations
        "security_profile": _security(secure_boot=False),
        "node_labels": dict(gpu.LABELS),
        "node_taints": [f"{RESOURCE}={gpu.TAINT_VALUE}:NoSchedule"],
        **_bounds(*bounds),
    }


def _bounds(least: int, most: int) -> dict[str, Any]:
    # `count` is only the initial number of nodes. The autoscaler changes it.
    return {"enable_auto_scaling": True, "count": least, "min_count": least, "max_count": most}


def _common(region: AzureRegion, network: AksNetwork, zone: str) -> dict[str, Any]:
    """Common settings of all pools: private nodes in one zone, secure boot, no SSH."""
    return {
        "type": "VirtualMachineScaleSets",
        "orchestrator_version": kubernetes_version(region),
        "availability_zones": [zone],
        "max_pods": PODS_PER_NODE,
        "vnet_subnet_id": network.node_subnet_ids[zone],
        "enable_node_public_ip": False,
        "os_type": "Linux",
        "os_sku": "AzureLinux",
        "os_disk_type": "Managed",
        "os_disk_size_gb": NODE_DISK_GB,
        "security_profile": _security(secure_boot=True),
        # From Kubernetes 1.37 on, Azure would turn on a DNS cache in each node, which no network policy lets pods ask:
        # https://learn.microsoft.com/azure/aks/localdns-custom
        "local_dns_profile": containerservice.LocalDNSProfileArgs(mode="Disabled"),
        "upgrade_settings": containerservice.AgentPoolUpgradeSettingsArgs(max_surge="1"),
        "tags": common_labels(network.args),
    }


def _security(*, secure_boot: bool) -> containerservice.AgentPoolSecurityProfileArgs:
    return containerservice.AgentPoolSecurityProfileArgs(
        enable_secure_boot=secure_boot, enable_vtpm=True, ssh_access="Disabled"
    )


def kubernetes_version(region: AzureRegion) -> str | None:
    """Return the version for control plane and nodes. None: Azure chooses it. Pure.

    Without a version, nodes would keep the one they started with.
    """
    return None if region.upgrade_channel in CHOOSES_VERSIONS else region.kubernetes_version or KUBERNETES_VERSION


def pool_name(zone: str, machine_type: str, kind: str = "n") -> str:
    """Return the name of a zone's node pool. Azure allows 12 letters and digits. `kind` is its first letter. Pure.

    The name depends on the machine type, so that a new type's pool exists before the old one goes.
    """
    return f"{kind}{zone}" + hashlib.sha256(machine_type.encode()).hexdigest()[:8]
