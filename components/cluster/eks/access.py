"""Who may do everything in an EKS cluster."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
from pulumi_aws import eks

from components.cluster.eks.addons import EksAddonsArgs
from components.cluster.eks.plan import role_name

POLICY: Final = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"


@dataclass(frozen=True, kw_only=True)
class EksAccessArgs(EksAddonsArgs):
    """`administrators` are ARNs of roles or users."""

    administrators: Sequence[str]


class EksAccess(pulumi.ComponentResource):
    """An access entry for each administrator."""

    def __init__(self, name: str, args: EksAccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cluster:EksAccess", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        for arn in sorted(set(args.administrators)):
            entry = eks.AccessEntry(
                f"{name}-{role_name(arn)}",
                region=args.location,
                cluster_name=args.cluster,
                principal_arn=arn,
                tags=dict(args.tags),
                opts=child,
            )
            eks.AccessPolicyAssociation(
                f"{name}-{role_name(arn)}-policy",
                region=args.location,
                cluster_name=args.cluster,
                principal_arn=entry.principal_arn,
                policy_arn=POLICY,
                access_scope=eks.AccessPolicyAssociationAccessScopeArgs(type="cluster"),
                opts=child,
            )
        self.register_outputs({})
