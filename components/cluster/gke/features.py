"""The blocks of a GKE cluster's configuration, each with its reason."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import pulumi
from pulumi_gcp import container

from components.cluster.arguments import DAYS, MaintenanceWindow
from components.cluster.gke.network import PODS_RANGE, SERVICES_RANGE
from components.cluster.gke.plan import workload_pool

_FIRST_MONDAY: Final = datetime(2026, 1, 5, tzinfo=UTC)
"""Windows repeat from a day that has passed, and is always the same one: it is part of what Google compares."""
LOGGED: Final = ("SYSTEM_COMPONENTS", "WORKLOADS", "APISERVER", "CONTROLLER_MANAGER", "SCHEDULER")


def addresses() -> container.ClusterIpAllocationPolicyArgs:
    """Pods and Services have their own ranges of the nodes' subnet."""
    return container.ClusterIpAllocationPolicyArgs(
        cluster_secondary_range_name=PODS_RANGE, services_secondary_range_name=SERVICES_RANGE
    )


def private_nodes(subnetwork: pulumi.Input[str], *, public_api: bool) -> container.ClusterPrivateClusterConfigArgs:
    """Nodes have no public address; they reach the API inside the network, through an endpoint in `subnetwork`."""
    return container.ClusterPrivateClusterConfigArgs(
        enable_private_nodes=True,
        enable_private_endpoint=not public_api,
        private_endpoint_subnetwork=subnetwork,
        master_global_access_config=container.ClusterPrivateClusterConfigMasterGlobalAccessConfigArgs(enabled=True),
    )


def authorized(networks: Sequence[pulumi.Input[str]]) -> container.ClusterMasterAuthorizedNetworksConfigArgs:
    """Only these networks may talk to the API; being in Google Cloud is no reason to be let in."""
    return container.ClusterMasterAuthorizedNetworksConfigArgs(
        cidr_blocks=[
            container.ClusterMasterAuthorizedNetworksConfigCidrBlockArgs(cidr_block=network) for network in networks
        ],
        gcp_public_cidrs_access_enabled=False,
    )


def workload_identities(project: str) -> container.ClusterWorkloadIdentityConfigArgs:
    """ServiceAccounts are principals of the project's IAM."""
    return container.ClusterWorkloadIdentityConfigArgs(workload_pool=workload_pool(project))


def monitoring() -> container.ClusterMonitoringConfigArgs:
    """GKE watches its own parts; the platform brings its own Prometheus."""
    return container.ClusterMonitoringConfigArgs(
        enable_components=["SYSTEM_COMPONENTS"],
        managed_prometheus=container.ClusterMonitoringConfigManagedPrometheusArgs(enabled=False),
    )


def addons() -> container.ClusterAddonsConfigArgs:
    """Disks for StatefulSets, and a DNS cache on every node."""
    return container.ClusterAddonsConfigArgs(
        gce_persistent_disk_csi_driver_config=container.ClusterAddonsConfigGcePersistentDiskCsiDriverConfigArgs(
            enabled=True
        ),
        dns_cache_config=container.ClusterAddonsConfigDnsCacheConfigArgs(enabled=True),
    )


def maintenance(window: MaintenanceWindow) -> container.ClusterMaintenancePolicyArgs:
    """When GKE may upgrade the control plane and restart nodes."""
    start = _FIRST_MONDAY + timedelta(days=DAYS.index(window.day), hours=window.start_hour)
    return container.ClusterMaintenancePolicyArgs(
        recurring_window=container.ClusterMaintenancePolicyRecurringWindowArgs(
            start_time=_time(start),
            end_time=_time(start + timedelta(hours=window.hours)),
            recurrence=f"FREQ=WEEKLY;BYDAY={window.day[:2].upper()}",
        )
    )


def first_nodes(service_account: pulumi.Input[str]) -> container.ClusterNodeConfigArgs:
    """The short-lived first nodes are hardened, too, and need not be the project's default service account."""
    return container.ClusterNodeConfigArgs(
        service_account=service_account,
        oauth_scopes=["https://www.googleapis.com/auth/cloud-platform"],
        shielded_instance_config=container.ClusterNodeConfigShieldedInstanceConfigArgs(
            enable_secure_boot=True, enable_integrity_monitoring=True
        ),
        workload_metadata_config=container.ClusterNodeConfigWorkloadMetadataConfigArgs(mode="GKE_METADATA"),
    )


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
