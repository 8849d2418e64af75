"""Google Kubernetes Engine."""

from components.cluster.gke.cluster import GkeCluster, GkeClusterArgs
from components.cluster.gke.network import GkeNetwork

__all__ = ["GkeCluster", "GkeClusterArgs", "GkeNetwork"]
