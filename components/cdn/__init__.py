"""A CDN in front of all regions on any cloud, with one package per CDN.

This module imports no cloud's SDK. `gcp`, `aws` and `azure` each import only their own.
"""

from components.cdn.edge import Edge, EdgeArgs, EdgePolicy, Origin, RegionEdge, ServerHost
from components.cdn.keys import EdgeKeys

__all__ = ["Edge", "EdgeArgs", "EdgeKeys", "EdgePolicy", "Origin", "RegionEdge", "ServerHost"]
