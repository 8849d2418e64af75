"""Where users meet the platform: a CDN in front of all regions, whatever their clouds. One package per CDN.

Nothing here imports the SDK of a cloud: `gcp`, `aws` and `azure` each import their own, and no other.
"""

from components.cdn.edge import Edge, EdgeArgs, EdgePolicy, Origin, RegionEdge
from components.cdn.keys import EdgeKeys

__all__ = ["Edge", "EdgeArgs", "EdgeKeys", "EdgePolicy", "Origin", "RegionEdge"]
