"""Who reaches a managed service in a region's network on AWS: the region's pods, on one port, and nobody else."""

from dataclasses import dataclass

import pulumi
from pulumi_aws import ec2, vpc

from components.cluster.arguments import common_labels
from components.cluster.eks.network import EksNetwork


@dataclass(frozen=True, kw_only=True)
class EksPrivateAccessArgs:
    """The region's `network`, and the TCP `port` of the service."""

    network: EksNetwork
    port: int


class EksPrivateAccess(pulumi.ComponentResource):
    """A security group that lets the region's pods in, and nothing out.

    Outputs: `security_group_id`, known once the pods are let in.
    """

    security_group_id: pulumi.Output[str]

    def __init__(self, name: str, args: EksPrivateAccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cluster:EksPrivateAccess", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        place = args.network.args
        tags = {**common_labels(place), "Name": name}
        group = ec2.SecurityGroup(
            f"{name}-group",
            region=place.location,
            vpc_id=args.network.vpc_id,
            description=f"From the pods of {place.region} alone",
            tags=tags,
            opts=child,
        )
        rule = vpc.SecurityGroupIngressRule(
            f"{name}-pods",
            region=place.location,
            security_group_id=group.id,
            cidr_ipv4=place.addresses.pods,
            ip_protocol="tcp",
            from_port=args.port,
            to_port=args.port,
            tags=tags,
            opts=child,
        )
        self.security_group_id = pulumi.Output.all(group.id, rule.id).apply(lambda known: str(known[0]))
        self.register_outputs({"security_group_id": self.security_group_id})
