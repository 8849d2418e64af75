"""An edge on AWS."""

from collections.abc import Mapping
from typing import Any, Final

import pulumi
import pulumi_aws as aws

from components.cdn.aws import AwsEdge, AwsEdgeArgs

REGION: Final = "us-east-1"
"""Where CloudFront's certificates, firewall and logs must be. Requests are served everywhere."""


def aws_edge(common: Mapping[str, Any], opts: pulumi.ResourceOptions) -> AwsEdge:
    """The edge in the account of the login. `common` are the arguments of every edge."""
    cloud = aws.Provider("edge-aws", region=REGION, opts=opts)
    child = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(providers=[cloud]))
    return AwsEdge("edge", AwsEdgeArgs(**common), child)
