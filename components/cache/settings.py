"""Settings of the cache."""

from typing import Annotated, Final, Literal

from components.settings import Model
from components.settings.values import Bytes, Cpu, one_or

MINIMUM_REPLICATED: Final = 3
"""Fewest replicas of which one can fail: the others' Sentinels are a majority."""

MOST_MANAGED_REPLICAS: Final = 6
"""Replicas that every cloud can give a managed cache, the primary among them."""

EVICTION: Final = "allkeys-lru"
"""Which keys a full cache drops: those that are used least. It is Redis' maxmemory-policy."""

CacheReplicas = Annotated[
    int,
    one_or(MINIMUM_REPLICATED, "failover needs a quorum", f"write 1 (no failover) or {MINIMUM_REPLICATED}"),
]


class CacheSettings(Model):
    """The cache in each region."""

    engine: Literal["redis", "managed"] = "redis"
    """`redis` runs in the cluster, `managed` is run by the region's cloud. Another engine starts empty:
    docs/runbooks/another-cache.md."""
    replicas: CacheReplicas = 1
    """Replicas in each region; of `managed` at most 6. With several, a replica in another zone takes over when one
    fails."""
    storage: Bytes = "1Gi"
    """Disk of a replica in the cluster. For a larger disk see docs/runbooks/volume-filling.md#larger-volumes."""
    max_memory: Bytes = "128Mi"
    """Data that a replica holds before it drops the keys that are used least. It must be below `memory`."""
    cpu: Cpu = "100m"
    """Processor time of a replica in the cluster."""
    memory: Bytes = "256Mi"
    """Memory of a replica. `managed` takes the smallest machine that has it, see `instances` of the clouds."""
