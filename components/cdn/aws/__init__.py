"""CloudFront, AWS WAF and Route 53."""

from components.cdn.aws.edge import AwsEdge, edge_provider

__all__ = ["AwsEdge", "edge_provider"]
