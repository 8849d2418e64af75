"""Rancher, in one region, with the clusters of all regions."""

from components.rancher.rancher import Rancher, RancherArgs, values

__all__ = ["Rancher", "RancherArgs", "values"]
