"""Argo CD on one region's cluster, the hub. It deploys the services of all regions from Git."""

from components.gitops.access import IN_CLUSTER, RegionAccess
from components.gitops.argocd import ArgoCD

__all__ = ["IN_CLUSTER", "ArgoCD", "RegionAccess"]
