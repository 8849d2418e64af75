"""Processors and memory of machine types, and how much memory nodes of them leave to pods. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from components.offers.tables import Source, rows, sources

_MIB: Final = 1 / 1024
_EVICTION: Final = 100 * _MIB
"""Memory (GiB) below which a node evicts pods, on all three clouds."""
_PODS: Final = 110
"""Most pods of a node."""
_GKE_TINY: Final = 255 * _MIB
"""What GKE keeps of a machine with less than 1 GiB."""
_GKE_STEPS: Final = ((4, 0.25), (4, 0.2), (8, 0.1), (112, 0.06), (float("inf"), 0.02))
"""Shares that GKE keeps: of the first 4 GiB, the next 4, and so on."""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """The size of a machine type."""

    processors: float
    """Virtual processors; machines that share them have a fraction."""
    memory: float
    """GiB."""
    source: Source


def machine(cloud: str, name: str) -> Machine | None:
    """Return the size of a machine type. None: unknown."""
    return _machines().get((cloud, name))


def room(cloud: str, memory: float) -> float:
    """Return the GiB that a node with `memory` GiB has for pods at most. Pods that every node runs take a part of it.

    Sources: cloud.google.com/kubernetes-engine/docs/concepts/plan-node-sizes, the kubelet's reservations in
    github.com/awslabs/amazon-eks-ami (nodeadm), and learn.microsoft.com/azure/aks/node-resource-reservations.
    """
    match cloud:
        case "gcp":
            kept = _kept_by_gke(memory)
        case "aws":
            kept = (255 + 11 * _PODS) * _MIB
        case "azure":
            kept = min(0.25 * memory, (20 * _PODS + 50) * _MIB)
        case _:
            raise ValueError(f"cloud: nobody knows what {cloud} keeps of a node's memory")
    return max(memory - kept - _EVICTION, 0)


def _kept_by_gke(memory: float) -> float:
    if memory < 1:
        return _GKE_TINY
    kept, left = 0.0, memory
    for step, share in _GKE_STEPS:
        kept += share * min(step, left)
        left -= min(step, left)
    return kept


@cache
def _machines() -> Mapping[tuple[str, str], Machine]:
    found = {}
    for row in rows("machines"):
        for one in row["sizes"].split():
            size, _, numbers = one.partition("=")
            processors, _, memory = numbers.partition("/")
            found[row["cloud"], row["family"].replace("#", size)] = Machine(
                processors=float(processors), memory=float(memory), source=sources()[row["source"]]
            )
    return found
