"""Google Kubernetes Engine."""

from components.cluster.gke.address import GkeAddress
from components.cluster.gke.cluster import GkeCluster, GkeClusterArgs
from components.cluster.gke.network import GkeNetwork

__all__ = ["GkeAddress", "GkeCluster", "GkeClusterArgs", "GkeNetwork"]
