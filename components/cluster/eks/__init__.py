"""Amazon Elastic Kubernetes Service."""

from components.cluster.eks.address import EksAddress
from components.cluster.eks.cluster import EksCluster, EksClusterArgs
from components.cluster.eks.network import EksNetwork, EksNetworkArgs

__all__ = ["EksAddress", "EksCluster", "EksClusterArgs", "EksNetwork", "EksNetworkArgs"]
