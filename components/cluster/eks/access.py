"""Who may do everything in an EKS cluster."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws as aws
from pulumi_aws import eks

from components.cluster.eks import plan
from components.cluster.eks.addons import EksPartArgs

POLICY: Final = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"


@dataclass(frozen=True, kw_only=True)
class EksAccessArgs(EksPartArgs):
    """`administrators` are ARNs of roles or users."""

    administrators: Sequence[str]


class EksAccess(pulumi.ComponentResource):
    """An access entry for each administrator. Whoever runs Pulumi and is none of them is told so."""

    def __init__(self, name: str, args: EksAccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cluster:EksAccess", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        for arn in sorted(set(args.administrators)):
            entry = eks.AccessEntry(
                f"{name}-{plan.role_name(arn)}",
                region=args.location,
                cluster_name=args.cluster,
                principal_arn=arn,
                tags=dict(args.tags),
                opts=child,
            )
            eks.AccessPolicyAssociation(
                f"{name}-{plan.role_name(arn)}-policy",
                region=args.location,
                cluster_name=args.cluster,
                principal_arn=entry.principal_arn,
                policy_arn=POLICY,
                access_scope=eks.AccessPolicyAssociationAccessScopeArgs(type="cluster"),
                opts=child,
            )
        self._look_who_asks(args)
        self.register_outputs({})

    def _look_who_asks(self, args: EksAccessArgs) -> None:
        def tell(caller: str) -> None:
            if not plan.acts_as(caller, args.administrators):
                pulumi.log.warn(
                    f"{caller} runs Pulumi and is not among the administrators of the cluster in {args.location}: "
                    "AWS will make the cluster, and its Kubernetes API will refuse everything else. "
                    "Add the role or user to clouds.aws.administrators",
                    self,
                )

        aws.get_caller_identity_output(opts=pulumi.InvokeOutputOptions(parent=self)).arn.apply(tell)
