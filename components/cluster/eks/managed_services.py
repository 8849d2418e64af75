"""Network access and maintenance times of managed databases and caches on AWS."""

from typing import Final

import pulumi
from pulumi_aws import ec2, vpc

from components.cluster.eks.network import EksNetwork
from components.cluster.location import common_labels


class EksPrivateAccess(pulumi.ComponentResource):
    """A security group that admits only the region's pods, on a TCP `port`, and allows no egress.

    Outputs: `security_group_id` (known once the pods are allowed in).
    """

    security_group_id: pulumi.Output[str]

    def __init__(
        self, name: str, network: EksNetwork, *, port: int, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("sacred-council:cluster:EksPrivateAccess", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        place = network.args
        tags = {**common_labels(place), "Name": name}
        group = ec2.SecurityGroup(
            f"{name}-group",
            region=place.location,
            vpc_id=network.vpc_id,
            description=f"From the pods of {place.region} alone",
            tags=tags,
            opts=child,
        )
        rule = vpc.SecurityGroupIngressRule(
            f"{name}-pods",
            region=place.location,
            security_group_id=group.id,
            cidr_ipv4=str(place.addresses.pods),
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            tags=tags,
            opts=child,
        )
        self.security_group_id = pulumi.Output.all(group.id, rule.id).apply(lambda known: str(known[0]))
        self.register_outputs({"security_group_id": self.security_group_id})


BACKUP_WINDOW: Final = "02:00-03:00"
"""Of databases and caches, in UTC."""


def weekly_hour(day: str, hour: int) -> str:
    """Return an hour (UTC) of a weekday in the format of AWS's maintenance windows. Pure."""
    short = day[:3].lower()
    return f"{short}:{hour:02}:00-{short}:{hour + 1:02}:00"
