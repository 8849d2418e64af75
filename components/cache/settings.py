"""What can be configured of the cache."""

from typing import Annotated, Final, Literal

from components.settings import Model
from components.settings.values import Bytes, Cpu, counted

MINIMUM_REPLICATED: Final = 3
"""Fewest replicas of which one can fail: the others' Sentinels are a majority."""

MOST_MANAGED_REPLICAS: Final = 6
"""Replicas that every cloud can give a managed cache, the primary among them."""

CacheReplicas = Annotated[
    int,
    counted(
        lambda n: n == 1 or n >= MINIMUM_REPLICATED,
        f"must be 1, or {MINIMUM_REPLICATED} or more: failover needs a quorum",
        f"write 1 (no failover) or {MINIMUM_REPLICATED}",
    ),
]


class CacheSettings(Model):
    """The cache in each region."""

    engine: Literal["redis", "managed"] = "redis"
    """`redis` in the cluster; or `managed`, run by the region's cloud."""
    replicas: CacheReplicas = 1
    """More than one: another zone's takes over when one fails."""
    storage: Bytes = "1Gi"
    """Disk of a replica in the cluster."""
    max_memory: Bytes = "128Mi"
    """Data kept before the least used keys are dropped; below `memory`."""
    cpu: Cpu = "100m"
    memory: Bytes = "256Mi"
