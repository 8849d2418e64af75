"""A region's Kubernetes on Azure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import pulumi
import pulumi_kubernetes as k8s
from pulumi_azure_native import authorization, containerservice, managedidentity

from components.cluster import DnsServer, LoadBalancerAnnotations, WorkloadIdentity, kubeconfig
from components.cluster.access import cluster_identifier, kubernetes_provider
from components.cluster.aks import features
from components.cluster.aks.address import AksAddresses
from components.cluster.aks.identity import AksEncryption, AksIdentity
from components.cluster.aks.logs import AksLogs
from components.cluster.aks.network import AksNetwork
from components.cluster.aks.plan import ApiServer, api_server
from components.cluster.aks.pools import AksPools, AksPoolsArgs, first_pool
from components.cluster.aks.vault import AksVault
from components.cluster.arguments import MaintenanceWindow, ManagedClusterArgs, common_labels
from components.versions import KUBERNETES_VERSION

SYSTEM_MACHINE: Final = "Standard_D2s_v5"
TOKEN_AUDIENCE = "api://AzureADTokenExchange"  # noqa: S105 - the audience of tokens, not one of them


@dataclass(frozen=True, kw_only=True)
class AksClusterArgs(ManagedClusterArgs):
    """`admin_groups` are ids of Entra groups that may do everything in the cluster.

    Local accounts are off, so whoever runs Pulumi must be in one of the groups (or have such a role otherwise).
    `kubernetes_version` is a minor version, of the control plane and of the nodes; `upgrade_channel` says what Azure
    updates by itself, and with `stable` and `rapid` that is the minor version, so that none is asked for. `maintenance`
    is when it does. `nodes` are in the zones of `network`; besides, each zone has small nodes for AKS's own pods, of
    the type `system_machine`, which Azure cannot change. `addresses` are for load balancers whose address is reserved
    (None: there are none).
    """

    network: AksNetwork
    admin_groups: Sequence[str]
    maintenance: MaintenanceWindow
    kubernetes_version: str = KUBERNETES_VERSION
    upgrade_channel: Literal["patch", "stable", "rapid", "none"] = "patch"
    system_machine: str = SYSTEM_MACHINE
    addresses: AksAddresses | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.admin_groups:
            raise ValueError(
                "admin_groups: expected the id of an Entra group, got none; local accounts are off, so nobody could "
                "log in: name a group that the identity running Pulumi belongs to"
            )


class AksCluster(pulumi.ComponentResource):
    """An AKS cluster: private nodes in several zones, logins by Entra only, network policies enforced by Cilium.

    Outputs: those of `Cluster`, and `vault` (of the region's keys).
    """

    vault: AksVault
    provider: k8s.Provider
    kubeconfig: pulumi.Output[str]
    found_as: Mapping[str, pulumi.Output[str]]
    api_endpoint: pulumi.Output[str]
    api_certificate_authority: pulumi.Output[str]
    egress_addresses: Sequence[pulumi.Output[str]]
    # Zone-redundant in clusters with several zones, so a pod finds its disk in any of them.
    storage_class: str = "managed-csi-premium"
    load_balancer_annotations = LoadBalancerAnnotations(
        public={}, internal={"service.beta.kubernetes.io/azure-load-balancer-internal": "true"}
    )
    mesh_platform: None = None
    dns_server: DnsServer = "coredns"

    def __init__(self, name: str, args: AksClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cluster:AksCluster", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self._name = name
        self._network = args.network
        identity = AksIdentity(
            f"{name}-control-plane", args.network, args.addresses.group_id if args.addresses else None, child
        )
        encryption = AksEncryption(f"{name}-encryption", args.network, identity, child)
        self.vault = encryption.vault
        cluster = self._cluster(name, args, identity, encryption)
        pools = AksPools(f"{name}-nodes", _pools(args), cluster, child)
        self._maintenance(name, args, cluster, pools)
        self._issuer = cluster.oidc_issuer_profile.issuer_url
        AksLogs(f"{name}-logs", args.network, cluster.id, child)
        if args.deletion_protection:
            self._lock(name, cluster)
        api = self._api(cluster)
        self.egress_addresses = args.network.egress_addresses
        self.found_as = {"name": cluster.name, "resourceGroup": args.network.resource_group_name}
        self.api_endpoint = api.apply(lambda known: known.url)
        self.api_certificate_authority = api.apply(lambda known: known.certificate_authority)
        self.kubeconfig = pulumi.Output.secret(
            pulumi.Output.json_dumps(
                pulumi.Output.all(cluster.name, self.api_endpoint, self.api_certificate_authority).apply(
                    lambda known: kubeconfig.aks(*known)
                )
            )
        )
        self.provider = kubernetes_provider(
            f"{name}-kubernetes",
            cluster_identifier=cluster_identifier("azure", args.network.args.region),
            kubeconfig=self.kubeconfig,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[cluster, pools, args.network]),
        )
        self.register_outputs({"api_endpoint": self.api_endpoint})

    def workload_identity(self, *, namespace: str, service_account: str) -> WorkloadIdentity:
        """An identity of Azure that trusts the cluster's word for the ServiceAccount."""
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
        self, name: str, args: AksClusterArgs, identity: AksIdentity, encryption: AksEncryption
    ) -> containerservice.ManagedCluster:
        place = args.network.args
        version = _version(args)
        return containerservice.ManagedCluster(
            name,
            resource_group_name=args.network.resource_group_name,
            location=place.location,
            # Azure's own name for it (MC_group_cluster_location) would be longer than it takes, in many regions.
            node_resource_group=pulumi.Output.concat(args.network.resource_group_name, "-nodes"),
            dns_prefix=place.region,
            kubernetes_version=version,
            sku=containerservice.ManagedClusterSKUArgs(name="Base", tier="Standard"),
            identity=containerservice.ManagedClusterIdentityArgs(
                type="UserAssigned", user_assigned_identities=[identity.identity_id]
            ),
            agent_pool_profiles=[first_pool(_pools(args))],
            api_server_access_profile=features.api_access(args.authorized_networks, args.network),
            network_profile=features.pod_network(place.addresses),
            security_profile=features.security(encryption.key_id),
            aad_profile=features.logins(args.admin_groups),
            disable_local_accounts=True,
            enable_rbac=True,
            oidc_issuer_profile=containerservice.ManagedClusterOIDCIssuerProfileArgs(enabled=True),
            auto_scaler_profile=features.autoscaler(),
            auto_upgrade_profile=containerservice.ManagedClusterAutoUpgradeProfileArgs(
                upgrade_channel=args.upgrade_channel, node_os_upgrade_channel="NodeImage"
            ),
            tags=common_labels(place),
            opts=pulumi.ResourceOptions(
                parent=self,
                # The identity must have its roles before it makes use of them.
                depends_on=[identity, encryption],
                ignore_changes=[
                    *features.ONLY_AT_FIRST,
                    *features.CHANGES_BY_ITSELF,
                    *(() if version else features.VERSIONS),
                ],
                # Said before anything inside the cluster is deleted, not after.
                protect=args.deletion_protection,
            ),
        )

    def _maintenance(
        self, name: str, args: AksClusterArgs, cluster: containerservice.ManagedCluster, pools: AksPools
    ) -> None:
        for purpose, schedule in {"upgrades": features.AUTO_UPGRADE, "node-images": features.NODE_UPGRADE}.items():
            containerservice.MaintenanceConfiguration(
                f"{name}-{purpose}",
                resource_group_name=args.network.resource_group_name,
                resource_name_=cluster.name,
                config_name=schedule,
                maintenance_window=features.maintenance(args.maintenance),
                # Azure changes one thing of a cluster at a time.
                opts=pulumi.ResourceOptions(parent=self, depends_on=[pools], deleted_with=cluster),
            )

    def _lock(self, name: str, cluster: containerservice.ManagedCluster) -> None:
        authorization.ManagementLockByScope(
            f"{name}-lock",
            scope=cluster.id,
            level="CanNotDelete",
            notes="Deletion protection: take it off in the stack's configuration.",
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _api(self, cluster: containerservice.ManagedCluster) -> pulumi.Output[ApiServer]:
        # Azure shows the certificate authority nowhere else. What comes back holds no credential.
        credentials = containerservice.list_managed_cluster_user_credentials_output(
            resource_group_name=self._network.resource_group_name,
            resource_name=cluster.name,
            format="exec",
            opts=pulumi.InvokeOutputOptions(parent=self),
        )
        found: pulumi.Output[ApiServer] = credentials.apply(lambda known: api_server(known.kubeconfigs[0].value))
        return found


def _pools(args: AksClusterArgs) -> AksPoolsArgs:
    return AksPoolsArgs(
        network=args.network, nodes=args.nodes, system_machine=args.system_machine, version=_version(args)
    )


def _version(args: AksClusterArgs) -> str | None:
    return None if args.upgrade_channel in features.CHOOSES_VERSIONS else args.kubernetes_version
