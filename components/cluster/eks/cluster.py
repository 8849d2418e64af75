"""A region's Kubernetes on AWS."""

import json
from collections.abc import Sequence
from functools import partial
from typing import Final

import pulumi
from pulumi_aws import cloudwatch, eks, kms

from components.cluster import ClusterOutputs, WorkloadIdentity, kubeconfig
from components.cluster.access import cluster_identifier, kubernetes_provider, secret_kubeconfig, unique_suffix
from components.cluster.eks.identity import (
    ClusterRef,
    EksAccess,
    EksRole,
    EksRoleArgs,
    key_use_policy,
    pod_identity,
    service_trust,
)
from components.cluster.eks.network import EksNetwork
from components.cluster.eks.nodes import NODE_POLICIES, EksNodeAddons, EksNodes, EksPodAddons, Releases
from components.cluster.eks.services import STORAGE_CLASS, EksClusterServices
from components.cluster.gpu import GpuDevicePlugin
from components.cluster.location import LOG_RETENTION_DAYS, common_labels
from components.cluster.settings import AwsRegion
from components.offers import gpus_of
from components.versions import KUBERNETES_VERSION

LOGGED: Final = ("api", "audit", "authenticator", "controllerManager", "scheduler")
_LOAD_BALANCERS: Final = {
    "service.beta.kubernetes.io/aws-load-balancer-type": "nlb",
    "service.beta.kubernetes.io/aws-load-balancer-cross-zone-load-balancing-enabled": "true",
    "service.beta.kubernetes.io/aws-load-balancer-scheme": "internet-facing",
}


class EksCluster(pulumi.ComponentResource):
    """An EKS cluster: private nodes in several zones, access only by access entries, network policies enforced.

    Only the region's `administrators` have access, with all rights. Whoever runs Pulumi must be one of them.
    `authorized_networks` (CIDR; AWS accepts at most 40, none of them private) may reach the Kubernetes API over the
    internet. If empty, the API has only a private address, and Pulumi must run inside the region's network.

    Outputs: `outputs`, `encryption_key_arn` (the region's key in KMS).
    """

    outputs: ClusterOutputs
    encryption_key_arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        region: AwsRegion,
        network: EksNetwork,
        *,
        authorized_networks: Sequence[pulumi.Input[str]],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:cluster:EksCluster", name, None, opts)
        self._name, self._region, self._network = name, region, network
        place = network.args
        cluster = self._cluster(name, authorized_networks)
        self._ref = ClusterRef(name=cluster.name, arn=cluster.arn, location=place.location, tags=common_labels(place))
        access = EksAccess(f"{name}-access", self._ref, region.administrators, pulumi.ResourceOptions(parent=self))
        ready = [access, *self._machines(name, cluster)]
        authority = cluster.certificate_authority.data
        secret = secret_kubeconfig(
            partial(kubeconfig.eks, location=place.location), [cluster.name, cluster.endpoint, authority]
        )
        provider = kubernetes_provider(
            f"{name}-kubernetes",
            cluster_identifier=cluster_identifier("aws", place.region),
            kubeconfig=secret,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*ready, network]),
        )
        EksClusterServices(
            f"{name}-services",
            self._ref,
            place.region,
            self._kubernetes_version,
            pulumi.ResourceOptions(parent=self, providers=[provider]),
        )
        if region.nodes.gpu:
            GpuDevicePlugin(f"{name}-gpus", place.region, pulumi.ResourceOptions(parent=self, providers=[provider]))
        self.outputs = ClusterOutputs(
            provider=provider,
            found_as={"name": cluster.name},
            api_endpoint=cluster.endpoint,
            api_certificate_authority=authority,
            egress_addresses=network.egress_addresses,
            storage_class=STORAGE_CLASS,
            load_balancer_annotations=_LOAD_BALANCERS,
            dns_server="coredns",
            zone_labels=True,
            gpus=region.nodes.gpu is not None,
        )
        self.register_outputs({"api_endpoint": cluster.endpoint})

    def workload_identity(self, *, namespace: str, service_account: str) -> WorkloadIdentity:
        """Create a role for the ServiceAccount. Its pods get it through EKS Pod Identity, without annotations."""
        association = pod_identity(
            f"{self._name}-{namespace}-{service_account}",
            self._ref,
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

    def _cluster(self, name: str, authorized_networks: Sequence[pulumi.Input[str]]) -> eks.Cluster:
        place = self._network.args
        tags = common_labels(place)
        child = pulumi.ResourceOptions(parent=self)
        # The log group must exist first, or EKS creates one that keeps logs forever. So its name must be known.
        full_name = pulumi.Output.concat(f"{name}-", unique_suffix(f"{name}-suffix", child))
        logs = cloudwatch.LogGroup(
            f"{name}-logs",
            region=place.location,
            name=pulumi.Output.concat("/aws/eks/", full_name, "/cluster"),
            retention_in_days=LOG_RETENTION_DAYS,
            tags=tags,
            opts=child,
        )
        key = self._key(name)
        self.encryption_key_arn = key.arn
        return eks.Cluster(
            name,
            region=place.location,
            name=full_name,
            version=self._kubernetes_version,
            role_arn=self._role(name, key).arn,
            vpc_config=_vpc_config(self._network, authorized_networks),
            access_config=eks.ClusterAccessConfigArgs(
                # Otherwise AWS would create an access entry for the creator, and refuse ours for the same role.
                authentication_mode="API",
                bootstrap_cluster_creator_admin_permissions=False,
            ),
            kubernetes_network_config=eks.ClusterKubernetesNetworkConfigArgs(
                ip_family="ipv4", service_ipv4_cidr=str(place.addresses.services)
            ),
            encryption_config=eks.ClusterEncryptionConfigArgs(
                provider=eks.ClusterEncryptionConfigProviderArgs(key_arn=key.arn), resources=["secrets"]
            ),
            enabled_cluster_log_types=list(LOGGED),
            upgrade_policy=eks.ClusterUpgradePolicyArgs(support_type="STANDARD"),
            # EKS manages all add-ons. Nobody would update those that it installs at bootstrap.
            bootstrap_self_managed_addons=False,
            deletion_protection=self._region.deletion_protection,
            tags=tags,
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[logs],
                # Pulumi then refuses before it deletes anything inside the cluster, not after.
                protect=self._region.deletion_protection,
            ),
        )

    @property
    def _kubernetes_version(self) -> str:
        return self._region.kubernetes_version or KUBERNETES_VERSION

    def _key(self, name: str) -> kms.Key:
        return kms.Key(
            f"{name}-key",
            region=self._network.args.location,
            description=f"Kubernetes Secrets of {name}",
            enable_key_rotation=True,
            deletion_window_in_days=30,
            tags=common_labels(self._network.args),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _role(self, name: str, key: kms.Key) -> EksRole:
        return EksRole(
            f"{name}-identity",
            EksRoleArgs(
                trust=json.dumps(service_trust("eks.amazonaws.com")),
                managed=["AmazonEKSClusterPolicy"],
                policy=pulumi.Output.json_dumps(key.arn.apply(key_use_policy)),
                tags=common_labels(self._network.args),
            ),
            pulumi.ResourceOptions(parent=self),
        )

    def _machines(self, name: str, cluster: eks.Cluster) -> list[pulumi.Resource]:
        """Create add-ons, nodes, and the add-ons that run on them, in this order. Pods wait for all of them."""
        child = pulumi.ResourceOptions(parent=self)
        releases = Releases(
            location=self._ref.location, kubernetes_version=self._kubernetes_version, patches=self._region.patches
        )
        # Created beside the cluster, minutes before use, because AWS takes a while to know a new role everywhere.
        trust = json.dumps(service_trust("ec2.amazonaws.com"))
        role = EksRole(
            f"{name}-nodes-identity", EksRoleArgs(trust=trust, managed=NODE_POLICIES, tags=self._ref.tags), child
        )
        first = EksNodeAddons(
            f"{name}-node-addons",
            self._ref,
            releases,
            pod_subnet_ids=self._network.pod_subnet_ids,
            security_group=cluster.vpc_config.cluster_security_group_id,
            opts=child,
        )
        nodes = EksNodes(
            f"{name}-nodes",
            self._ref,
            self._region.nodes,
            releases=releases,
            role_arn=role.arn,
            subnet_ids=self._network.node_subnet_ids,
            opts=pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=[first])),
        )
        gpus = self._gpus(name, releases, role, first)
        addons = EksPodAddons(
            f"{name}-addons",
            self._ref,
            releases,
            pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=[nodes])),
        )
        return [first, nodes, *gpus, addons]

    def _gpus(self, name: str, releases: Releases, role: EksRole, after: pulumi.Resource) -> list[EksNodes]:
        machines, subnets = self._region.nodes.gpu, self._network.node_subnet_ids
        if machines is None:
            return []
        groups = EksNodes(
            f"{name}-gpu-nodes",
            self._ref,
            machines,
            releases=releases,
            role_arn=role.arn,
            subnet_ids={zone: subnets[zone] for zone in machines.zones or subnets},
            gpus=gpus_of("aws", machines.type),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[after]),
        )
        return [groups]


def _vpc_config(network: EksNetwork, authorized_networks: Sequence[pulumi.Input[str]]) -> eks.ClusterVpcConfigArgs:
    public = bool(authorized_networks)
    return eks.ClusterVpcConfigArgs(
        subnet_ids=list(network.node_subnet_ids.values()),
        endpoint_private_access=True,
        endpoint_public_access=public,
        public_access_cidrs=list(authorized_networks) if public else None,
    )
