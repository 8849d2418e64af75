"""Rancher in one region, with the clusters of all regions."""

from components.rancher.rancher import Rancher, values

__all__ = ["Rancher", "values"]
