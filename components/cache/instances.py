"""Choose each cloud's node for a cache of a given size. Pure.

The lists are the nodes that the program chooses from.
`components.offers` records which of them each cloud region offers.
The settings can name a node that is not listed here.
Sizes: the clouds' lists of node types, as of 2026.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from components.quantities import gibibytes, quantity_bytes

ELASTICACHE_DATA_SHARE: Final = 0.75
"""Share of memory that ElastiCache leaves for data. Failover and backups use the rest (reserved-memory-percent)."""
AZURE_DATA_SHARE: Final = 0.8
"""Share of memory that Azure Managed Redis leaves for data."""


@dataclass(frozen=True, kw_only=True)
class CacheNode:
    """A node type."""

    name: str
    gibibytes: float
    """Memory in GiB."""


ELASTICACHE: Final = tuple(
    CacheNode(name=f"cache.{kind}", gibibytes=gibibytes)
    for kind, gibibytes in (
        ("t4g.micro", 0.5),
        ("t4g.small", 1.37),
        ("t4g.medium", 3.09),
        ("m7g.large", 6.38),
        ("m7g.xlarge", 12.93),
        ("r7g.xlarge", 26.32),
        ("r7g.2xlarge", 52.82),
        ("r7g.4xlarge", 105.81),
        ("r7g.8xlarge", 209.55),
        # For regions without t4g.
        ("t3.micro", 0.5),
        ("t3.small", 1.37),
        ("t3.medium", 3.09),
    )
)
MEMORYSTORE_MOST_GIB: Final = 300
"""Source: cloud.google.com/memorystore/docs/redis/redis-tiers."""
AZURE: Final = tuple(
    CacheNode(name=f"Balanced_B{kind}", gibibytes=gibibytes)
    for kind, gibibytes in ((0, 0.5), (1, 1), (3, 3), (5, 6), (10, 12), (20, 24), (50, 60), (100, 120), (150, 180))
)


def memorystore_size(memory: str) -> str:
    """Return the size of a Memorystore with `memory`, in whole GiB. Raise ValueError if none exists."""
    size = gibibytes("memory", memory)
    if size > MEMORYSTORE_MOST_GIB:
        raise ValueError(f"memory: Memorystore has at most {MEMORYSTORE_MOST_GIB}Gi, not {memory}; ask for less")
    return f"{size}Gi"


def smallest(nodes: Sequence[CacheNode], *, memory: str, max_memory: str, data_share: float) -> str:
    """Return the smallest node with `memory`, and `max_memory` of it for data. Raise ValueError if none exists."""
    wanted, data = quantity_bytes("memory", memory), quantity_bytes("max_memory", max_memory)
    enough = [one for one in nodes if one.gibibytes * 2**30 >= wanted and one.gibibytes * 2**30 * data_share >= data]
    if not enough:
        raise ValueError(
            f"memory: no node here has {memory} with {max_memory} for data; ask for less, or name one (instances.cache)"
        )
    return min(enough, key=lambda one: one.gibibytes).name
