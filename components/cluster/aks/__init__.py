"""Azure Kubernetes Service."""

from components.cluster.aks.cluster import AksCluster
from components.cluster.aks.network import AksAddress, AksAddresses, AksNetwork, AksNetworkArgs

__all__ = ["AksAddress", "AksAddresses", "AksCluster", "AksNetwork", "AksNetworkArgs"]
