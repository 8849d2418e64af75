"""Where users meet the platform: a CDN in front of all regions, whatever their clouds. One package per CDN.

Nothing here imports the SDK of a cloud: `gcp`, `aws` and `azure` each import their own, and no other.
"""

from components.cdn.arguments import EdgeArgs, EdgePolicy, Origin
from components.cdn.edge import Edge
from components.cdn.names import TOKEN_HEADER, asked_hosts

__all__ = ["TOKEN_HEADER", "Edge", "EdgeArgs", "EdgePolicy", "Origin", "asked_hosts"]
