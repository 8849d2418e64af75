"""What a managed cache is told, whatever the cloud."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

import pulumi

from components.quantities import quantity_bytes

MOST_REPLICAS: Final = 6
"""Nodes that every cloud can give a cache, the primary among them."""

BACKUP_DAYS: Final = 7
MAINTENANCE_HOUR: Final = 4
"""UTC, on the region's day of maintenance."""


@dataclass(frozen=True, kw_only=True)
class ManagedCacheArgs:
    """One region's cache, which the cloud runs.

    `memory` is what a node has at least, and `max_memory` what it holds at least. `replicas` 1 is one node; more are
    as many nodes over several zones, one of which takes over. `policy` says what is dropped when it is full. Clients
    are in `client_namespace`; the cache's address is one of `managed_addresses` (CIDR). `maintenance_day` is the day of
    the week on which the cloud may restart the cache.
    """

    region: str
    client_namespace: pulumi.Input[str]
    managed_addresses: str
    maintenance_day: str
    replicas: int
    memory: str
    max_memory: str
    policy: str = "allkeys-lru"

    def __post_init__(self) -> None:
        if not 1 <= self.replicas <= MOST_REPLICAS:
            raise ValueError(f"replicas: expected 1 to {MOST_REPLICAS}, got {self.replicas}")
        quantity_bytes("memory", self.memory)
        quantity_bytes("max_memory", self.max_memory)


def connection_url(*, password: str, host: str, port: int) -> str:
    """The URL that clients connect with. Some clouds' passwords have letters that a URL must not have as they are."""
    return f"rediss://default:{quote(password, safe='')}@{host}:{port}/0"
