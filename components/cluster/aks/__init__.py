"""Azure Kubernetes Service."""

from components.cluster.aks.cluster import AksCluster, AksClusterArgs
from components.cluster.aks.network import AksNetwork

__all__ = ["AksCluster", "AksClusterArgs", "AksNetwork"]
