"""CloudFront, AWS WAF and Route 53."""

from components.cdn.aws.edge import AwsEdge, AwsEdgeArgs

__all__ = ["AwsEdge", "AwsEdgeArgs"]
