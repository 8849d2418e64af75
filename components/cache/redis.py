"""Redis in the cluster, with failover when it has replicas."""

from dataclasses import dataclass

import pulumi

from components.quantities import quantity_bytes
from components.trust import RegionAuthority

MINIMUM_REPLICATED = 3


@dataclass(frozen=True, kw_only=True)
class RedisArgs:
    """`replicas` counts all nodes, the primary included: 1, or at least 3 for failover.

    `storage`, `cpu` and `memory` are per node, `storage_class` None is the cluster's default. `max_memory` is kept
    before `policy` (a Redis maxmemory-policy) drops keys. `monitored_by` brings the ServiceMonitor kind; None goes
    without.
    """

    region: str
    authority: RegionAuthority
    namespace: pulumi.Input[str]
    client_namespace: pulumi.Input[str]
    replicas: int = 1
    storage: str = "1Gi"
    storage_class: pulumi.Input[str] | None = None
    cpu: str = "100m"
    memory: str = "256Mi"
    max_memory: str = "128Mi"
    policy: str = "allkeys-lru"
    monitored_by: pulumi.Resource | None = None

    def __post_init__(self) -> None:
        if self.replicas != 1 and self.replicas < MINIMUM_REPLICATED:
            raise ValueError(
                f"replicas: expected 1 or at least {MINIMUM_REPLICATED}, got {self.replicas}; a failover needs a"
                " majority that is left"
            )
        quantity_bytes("storage", self.storage)
        if quantity_bytes("max_memory", self.max_memory) >= quantity_bytes("memory", self.memory):
            raise ValueError(
                f"max_memory: expected less than memory ({self.memory}), got {self.max_memory}; Redis needs room"
                " for its buffers"
            )
