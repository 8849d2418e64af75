"""Google Kubernetes Engine."""

from components.cluster.gke.cluster import GkeCluster
from components.cluster.gke.network import GkeAddress, GkeNetwork

__all__ = ["GkeAddress", "GkeCluster", "GkeNetwork"]
