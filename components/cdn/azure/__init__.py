"""Azure Front Door, its firewall and Azure DNS."""

from components.cdn.azure.edge import AzureEdge, AzureEdgeArgs

__all__ = ["AzureEdge", "AzureEdgeArgs"]
