"""An edge on AWS."""

from collections.abc import Sequence
from typing import Final

import pulumi
import pulumi_aws as aws
from pulumi_aws import route53

from components.cdn.aws.serving import AwsFirewall, AwsServing
from components.cdn.aws.zone import AwsCertificate, AwsZone
from components.cdn.edge import EdgeArgs

REGION: Final = "us-east-1"
"""The region that CloudFront requires for certificates, firewall and logs. Requests are served everywhere."""


def edge_provider(opts: pulumi.ResourceOptions) -> aws.Provider:
    """Return the provider for an edge in the login's account."""
    return aws.Provider("edge-aws", region=REGION, opts=opts)


class AwsEdge(pulumi.ComponentResource):
    """CloudFront and AWS WAF in front of regions that Route 53 steers to. Its provider must be for `REGION`.

    Outputs: `url`, `hostname` (the distribution's), `name_servers`.
    """

    url: str
    hostname: pulumi.Output[str]
    name_servers: pulumi.Output[Sequence[str]]

    def __init__(self, name: str, args: EdgeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cdn:AwsEdge", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        zone = AwsZone(name, args, child)
        certificate = AwsCertificate(f"{name}-certificate", args.domain, zone, child)
        firewall = AwsFirewall(f"{name}-firewall", args, child)
        serving = AwsServing(
            f"{name}-cdn",
            args,
            steered=zone.steered,
            certificate=certificate.arn,
            firewall=firewall.arn,
            opts=child,
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
