"""Azure Front Door, its firewall and Azure DNS."""

from components.cdn.azure.edge import AzureEdge, edge_provider

__all__ = ["AzureEdge", "edge_provider"]
