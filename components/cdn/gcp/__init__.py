"""Cloud CDN, Cloud Armor and Cloud DNS."""

from components.cdn.gcp.edge import GcpEdge, GcpEdgeArgs

__all__ = ["GcpEdge", "GcpEdgeArgs"]
