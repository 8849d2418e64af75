"""Which node of which cloud is enough for a cache of a given size. Pure.

The lists have what the program chooses from. `components.offers` knows which of them a region has. A size that is not
here can be named in the settings. Sizes: the clouds' lists of node types, as known in 2026.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from components.quantities import gibibytes, quantity_bytes

ELASTICACHE_DATA_SHARE: Final = 0.75
"""What ElastiCache leaves for data; the rest is for failover and backups (reserved-memory-percent)."""
AZURE_DATA_SHARE: Final = 0.8
"""What Azure Managed Redis leaves for data."""


@dataclass(frozen=True, kw_only=True)
class CacheNode:
    """A kind of node, and its memory."""

    name: str
    gibibytes: float


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
        # Where there is no t4g.
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
    """The size of a Memorystore that has `memory`, in whole GiB; ValueError when there is none."""
    size = gibibytes("memory", memory)
    if size > MEMORYSTORE_MOST_GIB:
        raise ValueError(f"memory: Memorystore has at most {MEMORYSTORE_MOST_GIB}Gi, not {memory}; ask for less")
    return f"{size}Gi"


def smallest(nodes: Sequence[CacheNode], *, memory: str, max_memory: str, data_share: float) -> str:
    """The smallest node with at least `memory`, and at least `max_memory` of it for data; ValueError if none is."""
    wanted, data = quantity_bytes("memory", memory), quantity_bytes("max_memory", max_memory)
    enough = [one for one in nodes if one.gibibytes * 2**30 >= wanted and one.gibibytes * 2**30 * data_share >= data]
    if not enough:
        raise ValueError(
            f"memory: no node here has {memory} with {max_memory} for data; ask for less, or name one (instances.cache)"
        )
    return min(enough, key=lambda one: one.gibibytes).name
