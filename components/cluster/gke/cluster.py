"""A region's Kubernetes on Google Cloud."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import pulumi
from pulumi_gcp import compute, container

from components.cluster import ClusterOutputs, WorkloadIdentity, kubeconfig
from components.cluster.access import cluster_identifier, kubernetes_provider, secret_kubeconfig
from components.cluster.gke.encryption import GkeEncryption
from components.cluster.gke.network import PODS_RANGE, SERVICES_RANGE, GkeNetwork
from components.cluster.gke.nodes import GkeNodeIdentity, GkeNodes
from components.cluster.location import common_labels
from components.cluster.maintenance import DAYS, MaintenanceWindow
from components.cluster.settings import GcpRegion
from components.offers import gpu_zones, gpus_of

CALLED_PORTS: Final = ("6443", "6666", "8443", "9443", "15017")
"""Ports of pods whose webhooks and aggregated APIs the API server calls.

6443: metrics of KEDA; 6666: Rancher's own kinds; 8443: admission of ingress-nginx; 9443: webhooks of Rancher and KEDA;
15017: Istio. GKE itself opens 443 and 10250 (cert-manager, Prometheus operator).
"""
STORAGE_CLASS: Final = "premium-rwo"
_LOAD_BALANCERS: Final = {"cloud.google.com/l4-rbs": "enabled"}
_FIRST_MONDAY: Final = datetime(2026, 1, 5, tzinfo=UTC)
"""Windows repeat from this past day. It is fixed, because Google compares it."""
LOGGED: Final = ("SYSTEM_COMPONENTS", "WORKLOADS", "APISERVER", "CONTROLLER_MANAGER", "SCHEDULER")


class GkeCluster(pulumi.ComponentResource):
    """A regional GKE cluster: private nodes in several zones, network policies enforced by Dataplane V2.

    docs/getting-started.md lists the APIs that the project needs.
    `authorized_networks` (CIDR) may reach the Kubernetes API over the internet. If empty, the API has only a private
    address, and Pulumi must run inside the region's network.
    Google upgrades and restarts in the `maintenance` window.

    Outputs: `outputs`, `encryption_key_id` (the region's key in KMS), `key_ring_id` (the ring for further keys).
    """

    outputs: ClusterOutputs
    encryption_key_id: pulumi.Output[str]
    key_ring_id: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        region: GcpRegion,
        network: GkeNetwork,
        *,
        authorized_networks: Sequence[pulumi.Input[str]],
        maintenance: MaintenanceWindow,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:cluster:GkeCluster", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self._region, self._network = region, network
        place = network.args
        self._encryption = GkeEncryption(f"{name}-encryption", region.project, place, child)
        self.encryption_key_id = self._encryption.key_id
        self.key_ring_id = self._encryption.ring_id
        identity = GkeNodeIdentity(f"{name}-node-identity", region.project, child)
        cluster = self._cluster(name, identity, authorized_networks, maintenance)
        self._cluster_id = cluster.id
        self._webhooks(name, identity)
        nodes = GkeNodes(
            f"{name}-nodes",
            cluster.id,
            region.nodes,
            location=place.location,
            identity=identity.email,
            labels=common_labels(place),
            opts=child,
        )
        self.outputs = self._outputs(name, cluster, [nodes, *self._gpus(name, cluster, identity)])
        self.register_outputs({"api_endpoint": self.outputs.api_endpoint})

    def _gpus(self, name: str, cluster: container.Cluster, identity: GkeNodeIdentity) -> list[GkeNodes]:
        machines, place = self._region.nodes.gpu, self._network.args
        if machines is None:
            return []
        there = gpu_zones("gcp", place.location, machines.type)
        pool = GkeNodes(
            f"{name}-gpu-nodes",
            cluster.id,
            machines,
            location=place.location,
            identity=identity.email,
            labels=common_labels(place),
            gpus=gpus_of("gcp", machines.type),
            # A pool begins with a machine in each of its zones.
            zones=[f"{place.location}-{zone}" for zone in there[: machines.max]],
            opts=pulumi.ResourceOptions(parent=self),
        )
        return [pool]

    def _outputs(self, name: str, cluster: container.Cluster, nodes: Sequence[GkeNodes]) -> ClusterOutputs:
        endpoint = pulumi.Output.concat("https://", cluster.endpoint)
        authority = cluster.master_auth.cluster_ca_certificate
        secret = secret_kubeconfig(kubeconfig.gke, [cluster.name, endpoint, authority])
        provider = kubernetes_provider(
            f"{name}-kubernetes",
            cluster_identifier=cluster_identifier("gcp", self._network.args.region),
            kubeconfig=secret,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*nodes, self._network]),
        )
        return ClusterOutputs(
            provider=provider,
            found_as={"name": cluster.name},
            api_endpoint=endpoint,
            api_certificate_authority=authority,
            egress_addresses=self._network.egress_addresses,
            storage_class=STORAGE_CLASS,
            load_balancer_annotations=_LOAD_BALANCERS,
            mesh_platform="gke",
            dns_server="kube-dns",
            zone_labels=True,
            gpus=self._region.nodes.gpu is not None,
        )

    def workload_identity(self, *, namespace: str, service_account: str) -> WorkloadIdentity:
        """Return the IAM principal of the ServiceAccount. Nothing is created.

        Google knows no such principal in a project that never had a cluster, so the output waits for the cluster.
        """
        number = pulumi.Output.all(self._encryption.service_agent, self._cluster_id).apply(
            lambda known: project_number(str(known[0]))
        )
        return WorkloadIdentity(
            principal=number.apply(
                lambda known: principal(
                    self._region.project, known, namespace=namespace, service_account=service_account
                )
            ),
            annotations={},
            pod_labels={},
            token_endpoints=[("169.254.169.254/32", 80)],
        )

    def _cluster(
        self,
        name: str,
        identity: GkeNodeIdentity,
        authorized_networks: Sequence[pulumi.Input[str]],
        maintenance: MaintenanceWindow,
    ) -> container.Cluster:
        region, network, place = self._region, self._network, self._network.args
        return container.Cluster(
            name,
            project=region.project,
            location=place.location,
            network=network.network_id,
            subnetwork=network.subnetwork_id,
            networking_mode="VPC_NATIVE",
            ip_allocation_policy=_addresses(),
            datapath_provider="ADVANCED_DATAPATH",
            enable_l4_ilb_subsetting=True,
            private_cluster_config=_private_nodes(
                network.control_plane_subnetwork_id, public_api=bool(authorized_networks)
            ),
            master_authorized_networks_config=_authorized(authorized_networks),
            release_channel=container.ClusterReleaseChannelArgs(channel=region.release_channel),
            min_master_version=region.kubernetes_version,
            workload_identity_config=_workload_identities(region.project),
            database_encryption=_encrypted(self._encryption.key_id),
            logging_config=container.ClusterLoggingConfigArgs(enable_components=list(LOGGED)),
            monitoring_config=_monitoring(),
            security_posture_config=container.ClusterSecurityPostureConfigArgs(
                mode="BASIC", vulnerability_mode="VULNERABILITY_DISABLED"
            ),
            service_external_ips_config=container.ClusterServiceExternalIpsConfigArgs(enabled=False),
            addons_config=_addons(),
            maintenance_policy=_maintenance(maintenance),
            enable_shielded_nodes=True,
            # GKE creates a pool with every cluster. A separate pool replaces it, so that it can change independently.
            remove_default_node_pool=True,
            initial_node_count=1,
            node_config=_first_nodes(identity.email),
            deletion_protection=region.deletion_protection,
            resource_labels=common_labels(place),
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[self._encryption, identity],
                ignore_changes=["nodeConfig", "initialNodeCount"],
                # Pulumi then refuses before it deletes anything inside the cluster, not after.
                protect=region.deletion_protection,
            ),
        )

    def _webhooks(self, name: str, identity: GkeNodeIdentity) -> None:
        compute.Firewall(
            f"{name}-webhooks",
            network=self._network.network_id,
            direction="INGRESS",
            source_ranges=[str(self._network.args.addresses.control_plane)],
            target_service_accounts=[identity.email],
            allows=[compute.FirewallAllowArgs(protocol="tcp", ports=list(CALLED_PORTS))],
            opts=pulumi.ResourceOptions(parent=self),
        )


def _encrypted(key: pulumi.Input[str]) -> container.ClusterDatabaseEncryptionArgs:
    return container.ClusterDatabaseEncryptionArgs(state="ENCRYPTED", key_name=key)


def _addresses() -> container.ClusterIpAllocationPolicyArgs:
    """Pods and Services have separate ranges of the nodes' subnet."""
    return container.ClusterIpAllocationPolicyArgs(
        cluster_secondary_range_name=PODS_RANGE, services_secondary_range_name=SERVICES_RANGE
    )


def _private_nodes(subnetwork: pulumi.Input[str], *, public_api: bool) -> container.ClusterPrivateClusterConfigArgs:
    """Nodes have no public address. They reach the API inside the network, through an endpoint in `subnetwork`."""
    return container.ClusterPrivateClusterConfigArgs(
        enable_private_nodes=True,
        enable_private_endpoint=not public_api,
        private_endpoint_subnetwork=subnetwork,
        master_global_access_config=container.ClusterPrivateClusterConfigMasterGlobalAccessConfigArgs(enabled=True),
    )


def _authorized(networks: Sequence[pulumi.Input[str]]) -> container.ClusterMasterAuthorizedNetworksConfigArgs:
    """Only these networks may reach the API. Other addresses of Google Cloud may not."""
    return container.ClusterMasterAuthorizedNetworksConfigArgs(
        cidr_blocks=[
            container.ClusterMasterAuthorizedNetworksConfigCidrBlockArgs(cidr_block=network) for network in networks
        ],
        gcp_public_cidrs_access_enabled=False,
    )


def _workload_identities(project: str) -> container.ClusterWorkloadIdentityConfigArgs:
    """ServiceAccounts are principals of the project's IAM."""
    return container.ClusterWorkloadIdentityConfigArgs(workload_pool=workload_pool(project))


def _monitoring() -> container.ClusterMonitoringConfigArgs:
    """Google monitors only GKE's own parts, because the platform has its own Prometheus."""
    return container.ClusterMonitoringConfigArgs(
        enable_components=["SYSTEM_COMPONENTS"],
        managed_prometheus=container.ClusterMonitoringConfigManagedPrometheusArgs(enabled=False),
    )


def _addons() -> container.ClusterAddonsConfigArgs:
    """Enable disks for StatefulSets, and a DNS cache on every node."""
    return container.ClusterAddonsConfigArgs(
        gce_persistent_disk_csi_driver_config=container.ClusterAddonsConfigGcePersistentDiskCsiDriverConfigArgs(
            enabled=True
        ),
        dns_cache_config=container.ClusterAddonsConfigDnsCacheConfigArgs(enabled=True),
    )


def _maintenance(window: MaintenanceWindow) -> container.ClusterMaintenancePolicyArgs:
    """When GKE may upgrade the control plane and restart nodes."""
    start = _FIRST_MONDAY + timedelta(days=DAYS.index(window.day), hours=window.start_hour)
    return container.ClusterMaintenancePolicyArgs(
        recurring_window=container.ClusterMaintenancePolicyRecurringWindowArgs(
            start_time=_time(start),
            end_time=_time(start + timedelta(hours=window.hours)),
            recurrence=f"FREQ=WEEKLY;BYDAY={window.day[:2].upper()}",
        )
    )


def _first_nodes(service_account: pulumi.Input[str]) -> container.ClusterNodeConfigArgs:
    """Harden the short-lived first nodes too, and keep them off the project's default service account."""
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


def workload_pool(project: str) -> str:
    """Return the identity pool that a project's clusters share. Pure."""
    return f"{project}.svc.id.goog"


def project_number(service_agent: str) -> str:
    """Return the number of the project that a Google service agent (`service-<number>@...`) belongs to. Pure."""
    name = service_agent.partition("@")[0]
    number = name.rpartition("-")[2]
    if not number.isdigit():
        raise ValueError(f"service_agent: {service_agent!r} does not look like service-<project number>@...")
    return number


def principal(project: str, number: str, *, namespace: str, service_account: str) -> str:
    """Return the IAM principal of the pods of a Kubernetes ServiceAccount. Pure."""
    pool = f"projects/{number}/locations/global/workloadIdentityPools/{workload_pool(project)}"
    return f"principal://iam.googleapis.com/{pool}/subject/ns/{namespace}/sa/{service_account}"
