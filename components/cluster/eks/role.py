"""An IAM role that is whole when it is used."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
from pulumi_aws import iam

_MANAGED = "arn:aws:iam::aws:policy/"
PREFIX_LIMIT: Final = 38


@dataclass(frozen=True, kw_only=True)
class EksRoleArgs:
    """`trust` and `policy` are IAM documents in JSON, `managed` names policies of AWS. A policy or neither."""

    trust: pulumi.Input[str]
    tags: Mapping[str, str]
    managed: Sequence[str] = ()
    policy: pulumi.Input[str] | None = None


class EksRole(pulumi.ComponentResource):
    """A role with its policies.

    Outputs: `arn`, known only once all policies are attached.
    """

    arn: pulumi.Output[str]

    def __init__(self, name: str, args: EksRoleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cluster:EksRole", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        # A name of IAM has at most 64 characters, of which 26 are Terraform's.
        prefix = f"{name[: PREFIX_LIMIT - 1]}-"
        role = iam.Role(
            f"{name}-role", name_prefix=prefix, assume_role_policy=args.trust, tags=dict(args.tags), opts=child
        )
        attached: list[pulumi.Output[str]] = [
            iam.RolePolicyAttachment(
                f"{name}-{policy.rpartition('/')[2]}", role=role.name, policy_arn=f"{_MANAGED}{policy}", opts=child
            ).id
            for policy in args.managed
        ]
        if args.policy is not None:
            attached.append(iam.RolePolicy(f"{name}-policy", role=role.name, policy=args.policy, opts=child).id)
        self.arn = pulumi.Output.all(role.arn, *attached).apply(lambda known: str(known[0]))
        self.register_outputs({"arn": self.arn})
