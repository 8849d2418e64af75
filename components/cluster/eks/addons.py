"""The parts of an EKS cluster that are AWS's own: what nodes need before they start, and what runs on them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_aws import eks

from components.cluster.eks import plan, policies
from components.cluster.eks.releases import Releases
from components.cluster.eks.role import EksRole, EksRoleArgs
from components.namespaces import SYSTEM


@dataclass(frozen=True, kw_only=True)
class EksPartArgs:
    """`cluster_arn` is that of `cluster`, which is in `location`."""

    cluster: pulumi.Input[str]
    cluster_arn: pulumi.Input[str]
    location: str
    tags: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class EksAddonsArgs(EksPartArgs):
    """`releases` says which versions the add-ons have: AWS never updates one by itself."""

    releases: Releases


@dataclass(frozen=True, kw_only=True)
class EksNodeAddonsArgs(EksAddonsArgs):
    """Pods get addresses in `pod_subnet_ids` (zone's letter to id), and the cluster's `security_group`."""

    pod_subnet_ids: Mapping[str, pulumi.Input[str]]
    security_group: pulumi.Input[str]


class EksNodeAddons(pulumi.ComponentResource):
    """What a node needs to become ready: the network (with network policies), the proxy, the source of identities."""

    def __init__(self, name: str, args: EksNodeAddonsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cluster:EksNodeAddons", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        configuration = pulumi.Output.json_dumps(
            pulumi.Output.all(dict(args.pod_subnet_ids), args.security_group).apply(
                lambda known: plan.pod_network(args.location, *known)
            )
        )
        identity = _identity(f"{name}-vpc-cni", args, "aws-node", "AmazonEKS_CNI_Policy", child)
        _addon(f"{name}-vpc-cni", "vpc-cni", args, self, configuration=configuration, identity=identity)
        _addon(f"{name}-kube-proxy", "kube-proxy", args, self)
        _addon(f"{name}-pod-identity", "eks-pod-identity-agent", args, self)
        self.register_outputs({})


class EksPodAddons(pulumi.ComponentResource):
    """What runs on nodes: DNS, disks, and the metrics that autoscalers read."""

    def __init__(self, name: str, args: EksAddonsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cluster:EksPodAddons", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        scaled = json.dumps({"autoScaling": {"enabled": True, "minReplicas": 2, "maxReplicas": 10}})
        identity = _identity(
            f"{name}-ebs", args, "ebs-csi-controller-sa", "service-role/AmazonEBSCSIDriverPolicy", child
        )
        _addon(f"{name}-coredns", "coredns", args, self, configuration=scaled)
        _addon(f"{name}-ebs", "aws-ebs-csi-driver", args, self, identity=identity)
        _addon(f"{name}-metrics-server", "metrics-server", args, self)
        self.register_outputs({})


def _identity(
    name: str, args: EksPartArgs, service_account: str, policy: str, opts: pulumi.ResourceOptions
) -> eks.AddonPodIdentityAssociationArgs:
    trust = pulumi.Output.json_dumps(
        pulumi.Output.from_input(args.cluster_arn).apply(
            lambda arn: policies.pod_trust(arn, namespace=SYSTEM, service_account=service_account)
        )
    )
    role = EksRole(f"{name}-identity", EksRoleArgs(trust=trust, managed=[policy], tags=args.tags), opts)
    return eks.AddonPodIdentityAssociationArgs(service_account=service_account, role_arn=role.arn)


def _addon(
    name: str,
    addon: str,
    args: EksAddonsArgs,
    parent: pulumi.Resource,
    *,
    configuration: pulumi.Input[str] | None = None,
    identity: eks.AddonPodIdentityAssociationArgs | None = None,
) -> None:
    eks.Addon(
        f"{name}-addon",
        region=args.location,
        cluster_name=args.cluster,
        addon_name=addon,
        addon_version=args.releases.addon(name, addon, parent),
        configuration_values=configuration,
        pod_identity_associations=[identity] if identity else None,
        resolve_conflicts_on_create="OVERWRITE",
        resolve_conflicts_on_update="OVERWRITE",
        tags=dict(args.tags),
        opts=pulumi.ResourceOptions(parent=parent),
    )
