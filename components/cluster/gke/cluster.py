"""A region's Kubernetes on Google Cloud."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import pulumi
import pulumi_kubernetes as k8s
from pulumi_gcp import compute, container

from components.cluster import DnsServer, LoadBalancerAnnotations, MeshPlatform, WorkloadIdentity, kubeconfig
from components.cluster.access import cluster_identifier, kubernetes_provider
from components.cluster.arguments import ManagedClusterArgs, common_labels
from components.cluster.gke import features
from components.cluster.gke.encryption import GkeEncryption, GkeEncryptionArgs
from components.cluster.gke.network import GkeNetwork
from components.cluster.gke.nodes import GkeNodeIdentity, GkeNodeIdentityArgs, GkeNodes, GkeNodesArgs
from components.cluster.gke.plan import principal, project_number

CALLED_PORTS: Final = ("6443", "6666", "8443", "9443", "15017")
"""Where the API server calls webhooks and aggregated APIs in pods.

6443: metrics of KEDA; 6666: Rancher's own kinds; 8443: admission of ingress-nginx; 9443: webhooks of Rancher and KEDA;
15017: Istio. GKE opens 443 and 10250 (cert-manager, Prometheus operator) by itself.
"""


@dataclass(frozen=True, kw_only=True)
class GkeClusterArgs(ManagedClusterArgs):
    """`project` is the id of the Google Cloud project (docs/getting-started.md names its APIs).

    `kubernetes_version` is the least version of the control plane; None leaves it to the release channel.
    """

    network: GkeNetwork
    project: str
    release_channel: Literal["RAPID", "REGULAR", "STABLE", "EXTENDED"] = "REGULAR"
    kubernetes_version: str | None = None


class GkeCluster(pulumi.ComponentResource):
    """A regional GKE cluster: private nodes in several zones, network policies enforced by Dataplane V2.

    Outputs: those of `Cluster`, and `encryption_key_id` (the region's key in KMS).
    """

    encryption_key_id: pulumi.Output[str]
    provider: k8s.Provider
    kubeconfig: pulumi.Output[str]
    found_as: Mapping[str, pulumi.Output[str]]
    api_endpoint: pulumi.Output[str]
    api_certificate_authority: pulumi.Output[str]
    egress_addresses: Sequence[pulumi.Output[str]]
    storage_class: str = "premium-rwo"
    load_balancer_annotations = LoadBalancerAnnotations(
        public={"cloud.google.com/l4-rbs": "enabled"},
        internal={"networking.gke.io/load-balancer-type": "Internal"},
    )
    mesh_platform: MeshPlatform = "gke"
    dns_server: DnsServer = "kube-dns"

    def __init__(self, name: str, args: GkeClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cluster:GkeCluster", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        place = args.network.args
        self._project = args.project
        self._encryption = GkeEncryption(
            f"{name}-encryption", GkeEncryptionArgs(project=args.project, network=place), child
        )
        self.encryption_key_id = self._encryption.key_id
        identity = GkeNodeIdentity(f"{name}-node-identity", GkeNodeIdentityArgs(project=args.project), child)
        cluster = self._cluster(name, args, identity)
        self._webhooks(name, args.network, identity)
        nodes = GkeNodes(
            f"{name}-nodes",
            GkeNodesArgs(
                cluster=cluster.id,
                location=place.location,
                nodes=args.nodes,
                identity=identity.email,
                labels=common_labels(place),
            ),
            child,
        )
        self.egress_addresses = args.network.egress_addresses
        self.found_as = {"name": cluster.name}
        self.api_endpoint = pulumi.Output.concat("https://", cluster.endpoint)
        self.api_certificate_authority = cluster.master_auth.cluster_ca_certificate
        self.kubeconfig = pulumi.Output.secret(
            pulumi.Output.json_dumps(
                pulumi.Output.all(cluster.name, self.api_endpoint, self.api_certificate_authority).apply(
                    lambda known: kubeconfig.gke(*known)
                )
            )
        )
        self.provider = kubernetes_provider(
            f"{name}-kubernetes",
            cluster_identifier=cluster_identifier("gcp", place.region),
            kubeconfig=self.kubeconfig,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[nodes, args.network]),
        )
        self.register_outputs({"api_endpoint": self.api_endpoint})

    def workload_identity(self, *, namespace: str, service_account: str) -> WorkloadIdentity:
        """The ServiceAccount is a principal of IAM by itself: nothing is created."""
        number = self._encryption.service_agent.apply(project_number)
        return WorkloadIdentity(
            principal=number.apply(
                lambda known: principal(self._project, known, namespace=namespace, service_account=service_account)
            ),
            annotations={},
            pod_labels={},
            token_endpoints=[("169.254.169.254/32", 80)],
        )

    def _cluster(self, name: str, args: GkeClusterArgs, identity: GkeNodeIdentity) -> container.Cluster:
        place = args.network.args
        return container.Cluster(
            name,
            project=args.project,
            location=place.location,
            network=args.network.network_id,
            subnetwork=args.network.subnetwork_id,
            networking_mode="VPC_NATIVE",
            ip_allocation_policy=features.addresses(),
            datapath_provider="ADVANCED_DATAPATH",
            enable_l4_ilb_subsetting=True,
            private_cluster_config=features.private_nodes(
                args.network.control_plane_subnetwork_id, public_api=bool(args.authorized_networks)
            ),
            master_authorized_networks_config=features.authorized(args.authorized_networks),
            release_channel=container.ClusterReleaseChannelArgs(channel=args.release_channel),
            min_master_version=args.kubernetes_version,
            workload_identity_config=features.workload_identities(args.project),
            database_encryption=container.ClusterDatabaseEncryptionArgs(
                state="ENCRYPTED", key_name=self._encryption.key_id
            ),
            logging_config=container.ClusterLoggingConfigArgs(enable_components=list(features.LOGGED)),
            monitoring_config=features.monitoring(),
            security_posture_config=container.ClusterSecurityPostureConfigArgs(
                mode="BASIC", vulnerability_mode="VULNERABILITY_DISABLED"
            ),
            service_external_ips_config=container.ClusterServiceExternalIpsConfigArgs(enabled=False),
            addons_config=features.addons(),
            enable_shielded_nodes=True,
            # The pool that every cluster is born with is replaced by one that can change without the cluster.
            remove_default_node_pool=True,
            initial_node_count=1,
            node_config=features.first_nodes(identity.email),
            deletion_protection=args.deletion_protection,
            resource_labels=common_labels(place),
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[self._encryption, identity],
                ignore_changes=["nodeConfig", "initialNodeCount"],
                # Said before anything inside the cluster is deleted, not after.
                protect=args.deletion_protection,
            ),
        )

    def _webhooks(self, name: str, network: GkeNetwork, identity: GkeNodeIdentity) -> None:
        compute.Firewall(
            f"{name}-webhooks",
            network=network.network_id,
            direction="INGRESS",
            source_ranges=[network.args.addresses.control_plane],
            target_service_accounts=[identity.email],
            allows=[compute.FirewallAllowArgs(protocol="tcp", ports=list(CALLED_PORTS))],
            opts=pulumi.ResourceOptions(parent=self),
        )
