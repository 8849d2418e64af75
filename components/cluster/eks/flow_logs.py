"""Who spoke to whom in a region's network on AWS."""

from typing import Final

import pulumi
from pulumi_aws import cloudwatch, ec2

from components.cluster.arguments import FLOW_LOG_MINUTES, LOG_RETENTION_DAYS, NetworkArgs, common_labels
from components.cluster.eks import policies
from components.cluster.eks.role import EksRole, EksRoleArgs

_SERVICE: Final = "vpc-flow-logs.amazonaws.com"


class EksFlowLogs(pulumi.ComponentResource):
    """Flow logs of a VPC, kept for a time. AWS cannot take a sample: all connections are in them."""

    def __init__(
        self, name: str, args: NetworkArgs, vpc: pulumi.Input[str], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("sacred-council:cluster:EksFlowLogs", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        group = cloudwatch.LogGroup(
            f"{name}-group",
            region=args.location,
            retention_in_days=LOG_RETENTION_DAYS,
            tags=common_labels(args),
            opts=child,
        )
        ec2.FlowLog(
            f"{name}-log",
            region=args.location,
            vpc_id=vpc,
            traffic_type="ALL",
            max_aggregation_interval=FLOW_LOG_MINUTES * 60,
            log_destination=group.arn,
            iam_role_arn=self._role(name, args, group.arn).arn,
            tags=common_labels(args),
            opts=child,
        )
        self.register_outputs({})

    def _role(self, name: str, args: NetworkArgs, group: pulumi.Output[str]) -> EksRole:
        return EksRole(
            f"{name}-identity",
            EksRoleArgs(
                # For this account's logs alone: the service works for everybody.
                trust=pulumi.Output.json_dumps(
                    group.apply(lambda arn: policies.trust(_SERVICE, account=arn.split(":")[4]))
                ),
                policy=pulumi.Output.json_dumps(group.apply(policies.log_writing)),
                tags=common_labels(args),
            ),
            pulumi.ResourceOptions(parent=self),
        )
