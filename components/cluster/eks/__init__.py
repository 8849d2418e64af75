"""Amazon Elastic Kubernetes Service."""

from components.cluster.eks.cluster import EksCluster
from components.cluster.eks.network import EksAddress, EksNetwork, EksNetworkArgs

__all__ = ["EksAddress", "EksCluster", "EksNetwork", "EksNetworkArgs"]
