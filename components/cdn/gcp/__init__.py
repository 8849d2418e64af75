"""Cloud CDN, Cloud Armor and Cloud DNS."""

from components.cdn.gcp.edge import GcpEdge, edge_provider

__all__ = ["GcpEdge", "edge_provider"]
