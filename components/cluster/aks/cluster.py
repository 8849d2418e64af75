"""A region's Kubernetes on Azure."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Final

import pulumi
import yaml
from pulumi_azure_native import containerservice, managedidentity, monitor, operationalinsights

from components.addresses import AddressRanges
from components.cluster import ClusterOutputs, WorkloadIdentity, kubeconfig
from components.cluster.access import cluster_identifier, kubernetes_provider, secret_kubeconfig
from components.cluster.aks.identity import AksEncryption, AksIdentity, AksVault, deletion_lock
from components.cluster.aks.network import AksAddresses, AksNetwork
from components.cluster.aks.nodes import AksPools, first_pool, kubernetes_version
from components.cluster.gpu import GpuDevicePlugin
from components.cluster.location import LOG_RETENTION_DAYS, common_labels
from components.cluster.maintenance import MaintenanceWindow
from components.cluster.settings import AzureRegion

STORAGE_CLASS: Final = "managed-csi-premium"
"""Zone-redundant in clusters with several zones, so a pod finds its disk in any of them."""
TOKEN_AUDIENCE: Final = "api://AzureADTokenExchange"  # noqa: S105 - the audience of tokens, not one of them
CHANGES_BY_ITSELF: Final = ("agentPoolProfiles[*].count",)
"""Inputs of a cluster that Azure changes: the autoscaler's number of nodes.

Only a refresh reads Azure's values. Without one the engine keeps sending the values it knows.
"""
ONLY_AT_FIRST: Final = ("nodeResourceGroup",)
"""Inputs that are sent only at creation, because another value would replace the cluster."""
VERSIONS: Final = ("kubernetesVersion", "agentPoolProfiles[*].orchestratorVersion")
"""Inputs that Azure also changes when it chooses the minor version. It refuses to go back to an older one."""
RELEASES: Final = "default"
AUTO_UPGRADE: Final = "aksManagedAutoUpgradeSchedule"
NODE_UPGRADE: Final = "aksManagedNodeOSUpgradeSchedule"
"""Azure's names for its schedules: AKS's own weekly releases, Kubernetes, and the nodes' operating system."""
LOGGED: Final = (
    "kube-apiserver",
    # Without reads, which are most of the audit log.
    "kube-audit-admin",
    "kube-controller-manager",
    "kube-scheduler",
    "cluster-autoscaler",
    "cloud-controller-manager",
    "guard",
)
_DNS_HOST: Final = 10


@dataclass(frozen=True, kw_only=True)
class ApiServer:
    """Address and authority of a Kubernetes API."""

    url: str
    certificate_authority: str
    """PEM in base64."""


class AksCluster(pulumi.ComponentResource):
    """An AKS cluster: private nodes in several zones, logins only by Entra, network policies enforced by Cilium.

    Local accounts are off, so whoever runs Pulumi must be in one of the region's `admin_groups` or have an equal role.
    `authorized_networks` (CIDR) may reach the Kubernetes API over the internet. If empty, the API has only a private
    address, and Pulumi must run inside the region's network.
    Azure updates in the `maintenance` window.
    `addresses` holds the reserved addresses of load balancers (None: there are none).

    Outputs: `outputs`, `vault` (the vault of the region's keys).
    """

    outputs: ClusterOutputs
    vault: AksVault

    def __init__(
        self,
        name: str,
        region: AzureRegion,
        network: AksNetwork,
        *,
        authorized_networks: Sequence[pulumi.Input[str]],
        maintenance: MaintenanceWindow,
        addresses: AksAddresses | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:cluster:AksCluster", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self._name, self._region, self._network = name, region, network
        identity = AksIdentity(f"{name}-control-plane", network, addresses.group_id if addresses else None, child)
        encryption = AksEncryption(f"{name}-encryption", network, identity, child)
        self.vault = encryption.vault
        cluster = self._cluster(name, identity, encryption, authorized_networks)
        pools = AksPools(f"{name}-nodes", cluster, region, network, child)
        self._maintenance(name, cluster, pools, maintenance)
        self._issuer = cluster.oidc_issuer_profile.issuer_url
        AksLogs(f"{name}-logs", network, cluster.id, child)
        if region.deletion_protection:
            deletion_lock(name, cluster.id, pulumi.ResourceOptions(parent=self))
        self.outputs = self._outputs(name, cluster, pools)
        if region.nodes.gpu:
            plugin = pulumi.ResourceOptions(parent=self, providers=[self.outputs.provider])
            GpuDevicePlugin(f"{name}-gpus", network.args.region, plugin)
        self.register_outputs({"api_endpoint": self.outputs.api_endpoint})

    def _outputs(self, name: str, cluster: containerservice.ManagedCluster, pools: AksPools) -> ClusterOutputs:
        network = self._network
        api = self._api(cluster)
        endpoint, authority = api.apply(lambda known: known.url), api.apply(lambda known: known.certificate_authority)
        secret = secret_kubeconfig(kubeconfig.aks, [cluster.name, endpoint, authority])
        provider = kubernetes_provider(
            f"{name}-kubernetes",
            cluster_identifier=cluster_identifier("azure", network.args.region),
            kubeconfig=secret,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[cluster, pools, network]),
        )
        return ClusterOutputs(
            provider=provider,
            found_as={"name": cluster.name, "resourceGroup": network.resource_group_name},
            api_endpoint=endpoint,
            api_certificate_authority=authority,
            egress_addresses=network.egress_addresses,
            storage_class=STORAGE_CLASS,
            dns_server="coredns",
            zone_labels=True,
            gpus=self._region.nodes.gpu is not None,
        )

    def workload_identity(self, *, namespace: str, service_account: str) -> WorkloadIdentity:
        """Create an Azure identity that trusts the cluster's tokens for the ServiceAccount."""
        child = pulumi.ResourceOptions(parent=self)
        name = f"{self._name}-{namespace}-{service_account}"
        identity = managedidentity.UserAssignedIdentity(
            f"{name}-identity",
            resource_group_name=self._network.resource_group_name,
            location=self._network.args.location,
            tags=common_labels(self._network.args),
            opts=child,
        )
        trust = managedidentity.FederatedIdentityCredential(
            f"{name}-trust",
            resource_group_name=self._network.resource_group_name,
            resource_name_=identity.name,
            issuer=self._issuer,
            subject=f"system:serviceaccount:{namespace}:{service_account}",
            audiences=[TOKEN_AUDIENCE],
            opts=child,
        )
        return WorkloadIdentity(
            principal=pulumi.Output.all(identity.principal_id, trust.id).apply(lambda known: str(known[0])),
            annotations={"azure.workload.identity/client-id": identity.client_id},
            pod_labels={"azure.workload.identity/use": "true"},
            token_endpoints=[("0.0.0.0/0", 443)],
        )

    def _cluster(
        self,
        name: str,
        identity: AksIdentity,
        encryption: AksEncryption,
        authorized_networks: Sequence[pulumi.Input[str]],
    ) -> containerservice.ManagedCluster:
        region, network, place = self._region, self._network, self._network.args
        version = kubernetes_version(region)
        return containerservice.ManagedCluster(
            name,
            resource_group_name=network.resource_group_name,
            location=place.location,
            # Azure's default name (MC_group_cluster_location) would exceed its own length limit in many regions.
            node_resource_group=pulumi.Output.concat(network.resource_group_name, "-nodes"),
            dns_prefix=place.region,
            kubernetes_version=version,
            sku=containerservice.ManagedClusterSKUArgs(name="Base", tier="Standard"),
            identity=containerservice.ManagedClusterIdentityArgs(
                type="UserAssigned", user_assigned_identities=[identity.identity_id]
            ),
            agent_pool_profiles=[first_pool(region, network)],
            api_server_access_profile=_api_access(authorized_networks, network),
            network_profile=_pod_network(place.addresses),
            security_profile=_security(encryption.key_id),
            aad_profile=_logins(region.admin_groups),
            disable_local_accounts=True,
            enable_rbac=True,
            oidc_issuer_profile=containerservice.ManagedClusterOIDCIssuerProfileArgs(enabled=True),
            auto_scaler_profile=_autoscaler(),
            auto_upgrade_profile=containerservice.ManagedClusterAutoUpgradeProfileArgs(
                upgrade_channel=region.upgrade_channel, node_os_upgrade_channel="NodeImage"
            ),
            tags=common_labels(place),
            opts=pulumi.ResourceOptions(
                parent=self,
                # The identity must have its roles before the cluster uses it.
                depends_on=[identity, encryption],
                ignore_changes=[
                    *ONLY_AT_FIRST,
                    *CHANGES_BY_ITSELF,
                    *(() if version else VERSIONS),
                ],
                # Pulumi then refuses before it deletes anything inside the cluster, not after.
                protect=region.deletion_protection,
            ),
        )

    def _maintenance(
        self,
        name: str,
        cluster: containerservice.ManagedCluster,
        pools: AksPools,
        window: MaintenanceWindow,
    ) -> None:
        before: pulumi.Resource = pools
        for purpose, schedule in {"releases": RELEASES, "upgrades": AUTO_UPGRADE, "node-images": NODE_UPGRADE}.items():
            before = containerservice.MaintenanceConfiguration(
                f"{name}-{purpose}",
                resource_group_name=self._network.resource_group_name,
                resource_name_=cluster.name,
                config_name=schedule,
                # Azure takes only the older form for its releases, and only the newer one for upgrades.
                time_in_week=_hours(window) if schedule == RELEASES else None,
                maintenance_window=None if schedule == RELEASES else _maintenance_window(window),
                # Azure accepts one change of a cluster at a time.
                opts=pulumi.ResourceOptions(parent=self, depends_on=[before], deleted_with=cluster),
            )

    def _api(self, cluster: containerservice.ManagedCluster) -> pulumi.Output[ApiServer]:
        # Azure offers the certificate authority nowhere else. The answer contains no credential.
        credentials = containerservice.list_managed_cluster_user_credentials_output(
            resource_group_name=self._network.resource_group_name,
            resource_name=cluster.name,
            format="exec",
            opts=pulumi.InvokeOutputOptions(parent=self),
        )
        found: pulumi.Output[ApiServer] = credentials.apply(lambda known: api_server(known.kubeconfigs[0].value))
        return found


class AksLogs(pulumi.ComponentResource):
    """A workspace that stores the control plane's logs."""

    def __init__(
        self,
        name: str,
        network: AksNetwork,
        cluster_id: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:cluster:AksLogs", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        workspace = operationalinsights.Workspace(
            f"{name}-workspace",
            resource_group_name=network.resource_group_name,
            location=network.args.location,
            sku=operationalinsights.WorkspaceSkuArgs(name="PerGB2018"),
            retention_in_days=LOG_RETENTION_DAYS,
            tags=common_labels(network.args),
            opts=child,
        )
        monitor.DiagnosticSetting(
            f"{name}-setting",
            resource_uri=cluster_id,
            workspace_id=workspace.id,
            log_analytics_destination_type="Dedicated",
            logs=[monitor.DiagnosticsLogSettingsArgs(category=category, enabled=True) for category in LOGGED],
            opts=child,
        )
        self.register_outputs({})


def _maintenance_window(window: MaintenanceWindow) -> containerservice.MaintenanceWindowArgs:
    """When Azure may restart nodes."""
    return containerservice.MaintenanceWindowArgs(
        schedule=containerservice.ScheduleArgs(
            weekly=containerservice.WeeklyScheduleArgs(day_of_week=window.day, interval_weeks=1)
        ),
        start_time=f"{window.start_hour:02}:00",
        duration_hours=window.hours,
        utc_offset="+00:00",
    )


def _hours(window: MaintenanceWindow) -> list[containerservice.TimeInWeekArgs]:
    """When Azure may roll out its own releases: each hour of the window, by its number."""
    hours = list(range(window.start_hour, window.start_hour + window.hours))
    return [containerservice.TimeInWeekArgs(day=window.day, hour_slots=hours)]


def _api_access(
    networks: Sequence[pulumi.Input[str]], network: AksNetwork
) -> containerservice.ManagedClusterAPIServerAccessProfileArgs:
    """Nodes reach the API inside the network, `networks` from outside. Without `networks` it has no public address."""
    return containerservice.ManagedClusterAPIServerAccessProfileArgs(
        enable_vnet_integration=True,
        subnet_id=network.control_plane_subnet_id,
        enable_private_cluster=not networks,
        authorized_ip_ranges=list(networks) or None,
        # Otherwise anyone who manages the cluster in Azure could run commands in it, without the API's authorization.
        disable_run_command=True,
    )


def _pod_network(addresses: AddressRanges) -> containerservice.ContainerServiceNetworkProfileArgs:
    """Pods have an overlay network, policies enforced by Cilium, and egress through the network's NAT."""
    return containerservice.ContainerServiceNetworkProfileArgs(
        network_plugin="azure",
        network_plugin_mode="overlay",
        network_dataplane="cilium",
        network_policy="cilium",
        pod_cidr=str(addresses.pods),
        service_cidr=str(addresses.services),
        dns_service_ip=dns_address(addresses.services),
        outbound_type="userAssignedNATGateway",
        load_balancer_sku="standard",
    )


def _autoscaler() -> containerservice.ManagedClusterPropertiesAutoScalerProfileArgs:
    """Let the node pools of all zones grow evenly, and remove unneeded nodes.

    Almost every pod here has an emptyDir, which ends with its pod anyway, so it does not keep its node.
    """
    return containerservice.ManagedClusterPropertiesAutoScalerProfileArgs(
        balance_similar_node_groups="true", skip_nodes_with_local_storage="false"
    )


def _security(key_id: pulumi.Input[str]) -> containerservice.ManagedClusterSecurityProfileArgs:
    """Encrypt Kubernetes Secrets with the key, let ServiceAccounts be identities, and remove old images."""
    return containerservice.ManagedClusterSecurityProfileArgs(
        azure_key_vault_kms=containerservice.AzureKeyVaultKmsArgs(
            enabled=True, key_id=key_id, key_vault_network_access="Public"
        ),
        workload_identity=containerservice.ManagedClusterSecurityProfileWorkloadIdentityArgs(enabled=True),
        image_cleaner=containerservice.ManagedClusterSecurityProfileImageCleanerArgs(enabled=True, interval_hours=168),
    )


def _logins(admin_groups: Sequence[str]) -> containerservice.ManagedClusterAADProfileArgs:
    """People and machines log in with Entra. Azure's roles decide their rights, and `admin_groups` have all rights."""
    return containerservice.ManagedClusterAADProfileArgs(
        managed=True, enable_azure_rbac=True, admin_group_object_ids=sorted(set(admin_groups))
    )


def dns_address(services: IPv4Network) -> str:
    """Return the address of the cluster's DNS: by convention the tenth of the Services' range. Pure."""
    return str(services[_DNS_HOST])


def api_server(encoded_kubeconfig: str) -> ApiServer:
    """Return URL and authority of the API, from Azure's kubeconfig (YAML in base64). Pure."""
    document = yaml.safe_load(base64.b64decode(encoded_kubeconfig))
    cluster = document["clusters"][0]["cluster"]
    return ApiServer(url=cluster["server"], certificate_authority=cluster["certificate-authority-data"])
