"""A region's Kubernetes on AWS."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_kubernetes as k8s
from pulumi_aws import cloudwatch, eks, kms

from components.cluster import DnsServer, LoadBalancerAnnotations, WorkloadIdentity, kubeconfig
from components.cluster.access import cluster_identifier, kubernetes_provider, unique_suffix
from components.cluster.arguments import LOG_RETENTION_DAYS, ManagedClusterArgs, common_labels
from components.cluster.eks import policies
from components.cluster.eks.access import EksAccess, EksAccessArgs
from components.cluster.eks.addons import EksAddonsArgs, EksNodeAddons, EksNodeAddonsArgs, EksPartArgs, EksPodAddons
from components.cluster.eks.network import EksNetwork
from components.cluster.eks.nodes import NODE_POLICIES, EksNodes, EksNodesArgs
from components.cluster.eks.releases import Releases
from components.cluster.eks.role import EksRole, EksRoleArgs
from components.cluster.eks.services import EksClusterServices, EksClusterServicesArgs, pod_identity
from components.versions import KUBERNETES_VERSION

LOGGED: Final = ("api", "audit", "authenticator", "controllerManager", "scheduler")
_NLB: Final = {
    "service.beta.kubernetes.io/aws-load-balancer-type": "nlb",
    "service.beta.kubernetes.io/aws-load-balancer-cross-zone-load-balancing-enabled": "true",
}


@dataclass(frozen=True, kw_only=True)
class EksClusterArgs(ManagedClusterArgs):
    """`administrators` are ARNs of roles or users that may do everything; nobody else may do anything.

    So whoever runs Pulumi must be one of them. AWS takes at most 40 `authorized_networks`, none of them private.
    Add-ons and machine images have the versions that were newest when `kubernetes_version` or `patches` changed.
    """

    network: EksNetwork
    administrators: Sequence[str]
    kubernetes_version: str = KUBERNETES_VERSION
    patches: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.administrators:
            raise ValueError(
                "administrators: expected ARNs of roles or users, got none; whoever creates a cluster has no rights in "
                "it, so nobody could log in: name the role that runs Pulumi"
            )

    @property
    def releases(self) -> Releases:
        """Which versions of AWS's parts the cluster has."""
        return Releases(
            location=self.network.args.location, kubernetes_version=self.kubernetes_version, patches=self.patches
        )


class EksCluster(pulumi.ComponentResource):
    """An EKS cluster: private nodes in several zones, access by entries only, network policies enforced.

    Outputs: those of `Cluster`, and `encryption_key_arn` (the region's key in KMS).
    """

    encryption_key_arn: pulumi.Output[str]
    provider: k8s.Provider
    kubeconfig: pulumi.Output[str]
    found_as: Mapping[str, pulumi.Output[str]]
    api_endpoint: pulumi.Output[str]
    api_certificate_authority: pulumi.Output[str]
    egress_addresses: Sequence[pulumi.Output[str]]
    storage_class: str
    load_balancer_annotations = LoadBalancerAnnotations(
        public={**_NLB, "service.beta.kubernetes.io/aws-load-balancer-scheme": "internet-facing"},
        internal={
            **_NLB,
            "service.beta.kubernetes.io/aws-load-balancer-scheme": "internal",
            "service.beta.kubernetes.io/aws-load-balancer-internal": "true",
        },
    )
    mesh_platform: None = None
    dns_server: DnsServer = "coredns"

    def __init__(self, name: str, args: EksClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cluster:EksCluster", name, None, opts)
        self._name = name
        cluster = self._cluster(name, args)
        self._shared = EksPartArgs(
            cluster=cluster.name,
            cluster_arn=cluster.arn,
            location=args.network.args.location,
            tags=common_labels(args.network.args),
        )
        access = EksAccess(
            f"{name}-access",
            EksAccessArgs(**vars(self._shared), administrators=args.administrators),
            pulumi.ResourceOptions(parent=self),
        )
        ready = [access, *self._machines(name, args, cluster)]
        self.egress_addresses = args.network.egress_addresses
        self.found_as = {"name": cluster.name}
        self.api_endpoint = cluster.endpoint
        self.api_certificate_authority = cluster.certificate_authority.data
        self.kubeconfig = pulumi.Output.secret(
            pulumi.Output.json_dumps(
                pulumi.Output.all(cluster.name, self.api_endpoint, self.api_certificate_authority).apply(
                    lambda known: kubeconfig.eks(*known, location=args.network.args.location)
                )
            )
        )
        self.provider = kubernetes_provider(
            f"{name}-kubernetes",
            cluster_identifier=cluster_identifier("aws", args.network.args.region),
            kubeconfig=self.kubeconfig,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*ready, args.network]),
        )
        self.storage_class = self._services(name, args).storage_class
        self.register_outputs({"api_endpoint": self.api_endpoint})

    def workload_identity(self, *, namespace: str, service_account: str) -> WorkloadIdentity:
        """A role for the ServiceAccount. Its pods get it through EKS Pod Identity, so nothing is annotated."""
        association = pod_identity(
            f"{self._name}-{namespace}-{service_account}",
            self._shared,
            namespace=namespace,
            service_account=service_account,
            opts=pulumi.ResourceOptions(parent=self),
        )
        return WorkloadIdentity(
            principal=association.role_arn,
            annotations={},
            pod_labels={},
            token_endpoints=[("169.254.170.23/32", 80)],
        )

    def _cluster(self, name: str, args: EksClusterArgs) -> eks.Cluster:
        place = args.network.args
        tags = common_labels(place)
        child = pulumi.ResourceOptions(parent=self)
        # The log group must be there first, or EKS makes one that is kept for ever; so the name must be known.
        full_name = pulumi.Output.concat(f"{name}-", unique_suffix(f"{name}-suffix", child))
        logs = cloudwatch.LogGroup(
            f"{name}-logs",
            region=place.location,
            name=pulumi.Output.concat("/aws/eks/", full_name, "/cluster"),
            retention_in_days=LOG_RETENTION_DAYS,
            tags=tags,
            opts=child,
        )
        key = self._key(name, args)
        self.encryption_key_arn = key.arn
        return eks.Cluster(
            name,
            region=place.location,
            name=full_name,
            version=args.kubernetes_version,
            role_arn=self._role(name, args, key).arn,
            vpc_config=_vpc_config(args),
            access_config=eks.ClusterAccessConfigArgs(
                # AWS would give the creator an access entry of its own making, and refuse ours for the same role.
                authentication_mode="API",
                bootstrap_cluster_creator_admin_permissions=False,
            ),
            kubernetes_network_config=eks.ClusterKubernetesNetworkConfigArgs(
                ip_family="ipv4", service_ipv4_cidr=place.addresses.services
            ),
            encryption_config=eks.ClusterEncryptionConfigArgs(
                provider=eks.ClusterEncryptionConfigProviderArgs(key_arn=key.arn), resources=["secrets"]
            ),
            enabled_cluster_log_types=list(LOGGED),
            upgrade_policy=eks.ClusterUpgradePolicyArgs(support_type="STANDARD"),
            # All add-ons are EKS's own: what it would install by itself, nobody would update.
            bootstrap_self_managed_addons=False,
            deletion_protection=args.deletion_protection,
            tags=tags,
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[logs],
                # Said before anything inside the cluster is deleted, not after.
                protect=args.deletion_protection,
            ),
        )

    def _key(self, name: str, args: EksClusterArgs) -> kms.Key:
        return kms.Key(
            f"{name}-key",
            region=args.network.args.location,
            description=f"Kubernetes Secrets of {name}",
            enable_key_rotation=True,
            deletion_window_in_days=30,
            tags=common_labels(args.network.args),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _role(self, name: str, args: EksClusterArgs, key: kms.Key) -> EksRole:
        return EksRole(
            f"{name}-identity",
            EksRoleArgs(
                trust=json.dumps(policies.trust("eks.amazonaws.com")),
                managed=["AmazonEKSClusterPolicy"],
                policy=pulumi.Output.json_dumps(key.arn.apply(policies.key_use)),
                tags=common_labels(args.network.args),
            ),
            pulumi.ResourceOptions(parent=self),
        )

    def _machines(self, name: str, args: EksClusterArgs, cluster: eks.Cluster) -> list[pulumi.Resource]:
        """Add-ons, nodes and the add-ons that run on them, in this order. What pods wait for."""
        child = pulumi.ResourceOptions(parent=self)
        shared = self._shared
        # Made beside the cluster, minutes before it is used: AWS takes a while to know a new role everywhere.
        role = EksRole(
            f"{name}-nodes-identity",
            EksRoleArgs(trust=json.dumps(policies.trust("ec2.amazonaws.com")), managed=NODE_POLICIES, tags=shared.tags),
            child,
        )
        first = EksNodeAddons(
            f"{name}-node-addons",
            EksNodeAddonsArgs(
                **vars(shared),
                releases=args.releases,
                pod_subnet_ids=args.network.pod_subnet_ids,
                security_group=cluster.vpc_config.cluster_security_group_id,
            ),
            child,
        )
        nodes = EksNodes(
            f"{name}-nodes",
            EksNodesArgs(
                cluster=shared.cluster,
                releases=args.releases,
                location=shared.location,
                role_arn=role.arn,
                nodes=args.nodes,
                subnet_ids=args.network.node_subnet_ids,
                tags=shared.tags,
            ),
            pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=[first])),
        )
        addons = EksPodAddons(
            f"{name}-addons",
            EksAddonsArgs(**vars(shared), releases=args.releases),
            pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=[nodes])),
        )
        return [first, nodes, addons]

    def _services(self, name: str, args: EksClusterArgs) -> EksClusterServices:
        return EksClusterServices(
            f"{name}-services",
            EksClusterServicesArgs(**vars(self._shared), region=args.network.args.region),
            pulumi.ResourceOptions(parent=self, providers=[self.provider]),
        )


def _vpc_config(args: EksClusterArgs) -> eks.ClusterVpcConfigArgs:
    public = bool(args.authorized_networks)
    return eks.ClusterVpcConfigArgs(
        subnet_ids=list(args.network.node_subnet_ids.values()),
        endpoint_private_access=True,
        endpoint_public_access=public,
        public_access_cidrs=list(args.authorized_networks) if public else None,
    )
