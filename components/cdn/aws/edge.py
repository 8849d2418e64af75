"""An edge on AWS."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_aws import route53

from components.cdn.arguments import EdgeArgs
from components.cdn.aws.certificate import AwsCertificate
from components.cdn.aws.firewall import AwsFirewall
from components.cdn.aws.serving import AwsServing, AwsServingArgs
from components.cdn.aws.zone import AwsZone


@dataclass(frozen=True, kw_only=True)
class AwsEdgeArgs(EdgeArgs):
    """`zone` is a hosted zone's id. The provider must be one for us-east-1: CloudFront takes nothing from elsewhere."""


class AwsEdge(pulumi.ComponentResource):
    """CloudFront and AWS WAF in front of the regions that Route 53 steers to.

    Outputs: `url`, `hostname` (the distribution's), `name_servers`.
    """

    url: str
    hostname: pulumi.Output[str]
    name_servers: pulumi.Output[Sequence[str]]

    def __init__(self, name: str, args: AwsEdgeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cdn:AwsEdge", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        zone = AwsZone(name, args, child)
        certificate = AwsCertificate(f"{name}-certificate", args.domain, zone, child)
        firewall = AwsFirewall(f"{name}-firewall", args, child)
        serving = AwsServing(
            f"{name}-cdn",
            AwsServingArgs(edge=args, steered=zone.steered, certificate=certificate.arn, firewall=firewall.arn),
            child,
        )
        for kind in ("A", "AAAA"):
            route53.Record(
                f"{name}-domain-{kind.lower()}",
                zone_id=zone.zone,
                name=args.domain,
                type=kind,
                aliases=[{"name": serving.hostname, "zone_id": serving.zone, "evaluate_target_health": False}],
                opts=child,
            )
        self.url = args.url
        self.hostname = serving.hostname
        self.name_servers = zone.name_servers
        self.register_outputs({"hostname": self.hostname, "name_servers": self.name_servers})
