"""Azure Kubernetes Service."""

from components.cluster.aks.address import AksAddress, AksAddresses
from components.cluster.aks.cluster import AksCluster, AksClusterArgs
from components.cluster.aks.network import AksNetwork, AksNetworkArgs

__all__ = ["AksAddress", "AksAddresses", "AksCluster", "AksClusterArgs", "AksNetwork", "AksNetworkArgs"]
