"""IAM roles of an EKS cluster, its nodes and its pods, and the cluster's administrators."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pulumi
import pulumi_aws as aws
from pulumi_aws import eks, iam

_AWS_POLICIES: Final = "arn:aws:iam::aws:policy/"
_PREFIX_LIMIT: Final = 38
ADMINISTRATOR_POLICY: Final = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
_VERSION: Final = "2012-10-17"


@dataclass(frozen=True, kw_only=True)
class EksRoleArgs:
    """The principals that may take a role, and its permissions."""

    trust: pulumi.Input[str]
    """IAM document (JSON): who may take the role."""
    tags: Mapping[str, str]
    managed: Sequence[str] = ()
    """Names of AWS's own policies."""
    policy: pulumi.Input[str] | None = None
    """A further IAM document (JSON) with permissions. None: no further permissions."""


class EksRole(pulumi.ComponentResource):
    """A role with its policies.

    Outputs: `arn` (known once all policies are attached).
    """

    arn: pulumi.Output[str]

    def __init__(self, name: str, args: EksRoleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cluster:EksRole", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        # IAM allows 64 characters in a name, and the provider's suffix takes 26.
        prefix = f"{name[: _PREFIX_LIMIT - 1]}-"
        role = iam.Role(
            f"{name}-role", name_prefix=prefix, assume_role_policy=args.trust, tags=dict(args.tags), opts=child
        )
        attached: list[pulumi.Output[str]] = [
            iam.RolePolicyAttachment(
                f"{name}-{policy.rpartition('/')[2]}", role=role.name, policy_arn=f"{_AWS_POLICIES}{policy}", opts=child
            ).id
            for policy in args.managed
        ]
        if args.policy is not None:
            attached.append(iam.RolePolicy(f"{name}-policy", role=role.name, policy=args.policy, opts=child).id)
        self.arn = pulumi.Output.all(role.arn, *attached).apply(lambda known: str(known[0]))
        self.register_outputs({"arn": self.arn})


@dataclass(frozen=True, kw_only=True)
class ClusterRef:
    """An EKS cluster, as its parts refer to it."""

    name: pulumi.Input[str]
    arn: pulumi.Input[str]
    location: str
    tags: Mapping[str, str]
    """Tags of the parts."""


def pod_identity(
    name: str,
    cluster: ClusterRef,
    *,
    namespace: str,
    service_account: str,
    policy: pulumi.Input[str] | None = None,
    opts: pulumi.ResourceOptions,
) -> eks.PodIdentityAssociation:
    """Create a role for the pods of one ServiceAccount, with `policy`, or without permissions so far."""
    trust = pulumi.Output.json_dumps(
        pulumi.Output.from_input(cluster.arn).apply(
            lambda arn: pod_trust(arn, namespace=namespace, service_account=service_account)
        )
    )
    role = EksRole(f"{name}-identity", EksRoleArgs(trust=trust, policy=policy, tags=cluster.tags), opts)
    return eks.PodIdentityAssociation(
        f"{name}-association",
        region=cluster.location,
        cluster_name=cluster.name,
        namespace=namespace,
        service_account=service_account,
        role_arn=role.arn,
        tags=dict(cluster.tags),
        opts=opts,
    )


class EksAccess(pulumi.ComponentResource):
    """An access entry for each administrator. Warns if whoever runs Pulumi is not among them."""

    def __init__(
        self,
        name: str,
        cluster: ClusterRef,
        administrators: Sequence[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:cluster:EksAccess", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        for arn in sorted(set(administrators)):
            entry = eks.AccessEntry(
                f"{name}-{role_name(arn)}",
                region=cluster.location,
                cluster_name=cluster.name,
                principal_arn=arn,
                tags=dict(cluster.tags),
                opts=child,
            )
            eks.AccessPolicyAssociation(
                f"{name}-{role_name(arn)}-policy",
                region=cluster.location,
                cluster_name=cluster.name,
                principal_arn=entry.principal_arn,
                policy_arn=ADMINISTRATOR_POLICY,
                access_scope=eks.AccessPolicyAssociationAccessScopeArgs(type="cluster"),
                opts=child,
            )
        self._look_who_asks(cluster.location, administrators)
        self.register_outputs({})

    def _look_who_asks(self, location: str, administrators: Sequence[str]) -> None:
        def tell(caller: str) -> None:
            if not acts_as(caller, administrators):
                pulumi.log.warn(
                    f"{caller} runs Pulumi and is not among the administrators of the cluster in {location}: "
                    "AWS will make the cluster, and its Kubernetes API will refuse everything else. "
                    "Add the role or user to clouds.aws.administrators",
                    self,
                )

        aws.get_caller_identity_output(opts=pulumi.InvokeOutputOptions(parent=self)).arn.apply(tell)


def role_name(arn: str) -> str:
    """Return the last part of a role's or user's ARN. Pure."""
    return arn.rpartition("/")[2]


def acts_as(caller: str, principals: Sequence[str]) -> bool:
    """Return whether the login `caller` (an ARN) acts as one of the roles and users `principals`. Pure.

    The ARN of an assumed role (`arn:aws:sts::<account>:assumed-role/<role>/<session>`) lacks the role's path.
    """
    kind, _, name = caller.rpartition(":")[2].partition("/")
    role = name.partition("/")[0] if kind == "assumed-role" else None
    account = caller.split(":")[4:5]
    return any(
        principal == caller or (role == role_name(principal) and account == principal.split(":")[4:5])
        for principal in principals
    )


def service_trust(service: str, *, account: str | None = None) -> dict[str, Any]:
    """IAM document: an AWS service may take the role. With `account`, only on behalf of that account."""
    allowed: dict[str, Any] = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    if account is not None:
        allowed["Condition"] = {"StringEquals": {"aws:SourceAccount": account}}
    return _document([allowed])


def pod_trust(cluster_arn: str, *, namespace: str, service_account: str) -> dict[str, Any]:
    """IAM document: the pods of one ServiceAccount of one cluster may take the role, through EKS Pod Identity."""
    tags = {
        "aws:RequestTag/eks-cluster-arn": cluster_arn,
        "aws:RequestTag/kubernetes-namespace": namespace,
        "aws:RequestTag/kubernetes-service-account": service_account,
    }
    return _document(
        [
            {
                "Effect": "Allow",
                "Principal": {"Service": "pods.eks.amazonaws.com"},
                "Action": ["sts:AssumeRole", "sts:TagSession"],
                "Condition": {"StringEquals": tags},
            }
        ]
    )


def key_use_policy(key_arn: str) -> dict[str, Any]:
    """IAM document: encrypt and decrypt with one key."""
    actions = ["kms:Encrypt", "kms:Decrypt", "kms:ListGrants", "kms:DescribeKey"]
    return _document([{"Effect": "Allow", "Action": actions, "Resource": key_arn}])


def log_writing_policy(group_arn: str) -> dict[str, Any]:
    """IAM document: write streams into one log group."""
    actions = ["logs:CreateLogStream", "logs:DescribeLogGroups", "logs:DescribeLogStreams", "logs:PutLogEvents"]
    return _document([{"Effect": "Allow", "Action": actions, "Resource": [group_arn, f"{group_arn}:*"]}])


def autoscaler_policy(cluster_name: str) -> dict[str, Any]:
    """IAM document: read all node groups, change those of one cluster."""
    seen = [
        "autoscaling:DescribeAutoScalingGroups",
        "autoscaling:DescribeAutoScalingInstances",
        "autoscaling:DescribeLaunchConfigurations",
        "autoscaling:DescribeScalingActivities",
        "autoscaling:DescribeTags",
        "ec2:DescribeImages",
        "ec2:DescribeInstanceTypes",
        "ec2:DescribeLaunchTemplateVersions",
        "ec2:GetInstanceTypesFromInstanceRequirements",
        "eks:DescribeNodegroup",
    ]
    changed = ["autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"]
    owned = {f"aws:ResourceTag/k8s.io/cluster-autoscaler/{cluster_name}": "owned"}
    return _document(
        [
            {"Effect": "Allow", "Action": seen, "Resource": "*"},
            {"Effect": "Allow", "Action": changed, "Resource": "*", "Condition": {"StringEquals": owned}},
        ]
    )


def _document(statements: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {"Version": _VERSION, "Statement": list(statements)}
