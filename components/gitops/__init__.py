"""Argo CD on one region's cluster, the hub, which deploys the services of all regions from Git."""

from components.gitops.access import RegionAccess, RegionAccessArgs
from components.gitops.argocd import ArgoCD, ArgoCDArgs
from components.gitops.plan import Source

__all__ = ["ArgoCD", "ArgoCDArgs", "RegionAccess", "RegionAccessArgs", "Source"]
