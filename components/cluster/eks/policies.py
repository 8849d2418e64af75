"""IAM documents. Pure functions; each gives JSON as a dict."""

from collections.abc import Sequence
from typing import Any

_VERSION = "2012-10-17"


def trust(service: str, *, account: str | None = None) -> dict[str, Any]:
    """An AWS service may take the role; with `account` only when it works for that one."""
    allowed: dict[str, Any] = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    if account is not None:
        allowed["Condition"] = {"StringEquals": {"aws:SourceAccount": account}}
    return _document([allowed])


def pod_trust(cluster_arn: str, *, namespace: str, service_account: str) -> dict[str, Any]:
    """The pods of one ServiceAccount of one cluster may take the role, through EKS Pod Identity."""
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


def key_use(key_arn: str) -> dict[str, Any]:
    """Encrypt and decrypt with one key."""
    actions = ["kms:Encrypt", "kms:Decrypt", "kms:ListGrants", "kms:DescribeKey"]
    return _document([{"Effect": "Allow", "Action": actions, "Resource": key_arn}])


def log_writing(group_arn: str) -> dict[str, Any]:
    """Write streams into one log group."""
    actions = ["logs:CreateLogStream", "logs:DescribeLogGroups", "logs:DescribeLogStreams", "logs:PutLogEvents"]
    return _document([{"Effect": "Allow", "Action": actions, "Resource": [group_arn, f"{group_arn}:*"]}])


def autoscaler(cluster_name: str) -> dict[str, Any]:
    """See all node groups, change those of one cluster."""
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
