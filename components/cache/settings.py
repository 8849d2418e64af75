"""What can be configured of the cache."""

from typing import Literal

from components.settings import Model
from components.settings.values import Bytes, CacheReplicas, Cpu


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
