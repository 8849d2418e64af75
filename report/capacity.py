"""How many people a stack can carry, by a documented model. Pure.

The model: a tenth of the users are there at the peak, each with one connection; a pod of the messaging service holds
5,000 of them; when a region is lost the others take over its people. NATS is kept at a quarter of what it did in its
vendor's benchmark (natsbench, version 2.12, one server on a laptop of ten cores; JetStream with one copy). No source
says what more servers, or a share of a processor, make of that: `messaging.servers` and `messaging.cpu` change nothing
here. Measure before you promise anything.
"""

import math
from dataclasses import dataclass
from typing import Final

from stacks.settings import Settings

PEAK_SHARE: Final = 0.10
CONNECTIONS_PER_POD: Final = 5_000
LEAST_PODS: Final = 2
BENCHMARK_SHARE: Final = 0.25
BENCHMARK_MESSAGES: Final = 4_900_000
BENCHMARK_STORED: Final = 35_700
BENCHMARK_STORED_ASYNC: Final = 404_000

PLANNED_USERS: Final = {"local": 100, "regional": 10_000, "continental": 1_000_000, "planetary": 10_000_000}
"""Users that each stage is planned for, by the source document and the capacity model."""


@dataclass(frozen=True, kw_only=True)
class Capacity:
    """What the stack carries: at the most pods that its settings allow, and with one region lost if it has several."""

    users: int
    connections: int
    messages_per_second: int
    stored_per_second: int
    stored_async_per_second: int
    planned_users: int
    pods: int
    """Pods of the messaging service in each region, at most."""
    pods_needed: int
    """As many as the planned users need in each region."""

    @property
    def enough(self) -> bool:
        """Whether the planned users fit."""
        return self.users >= self.planned_users


def capacity(settings: Settings) -> Capacity:
    """The capacity of a stack with these settings."""
    regions = len(settings.regions)
    pods = settings.services.sacred_messaging.max_replicas
    connections = pods * CONNECTIONS_PER_POD * surviving(regions)
    planned = PLANNED_USERS[settings.stage]
    return Capacity(
        users=round(connections / PEAK_SHARE),
        connections=connections,
        messages_per_second=round(BENCHMARK_MESSAGES * BENCHMARK_SHARE) * regions,
        stored_per_second=round(BENCHMARK_STORED * BENCHMARK_SHARE) * regions,
        stored_async_per_second=round(BENCHMARK_STORED_ASYNC * BENCHMARK_SHARE) * regions,
        planned_users=planned,
        pods=pods,
        pods_needed=pods_needed(planned, regions),
    )


def pods_needed(users: int, regions: int) -> int:
    """Pods in each of `regions` regions for `users`, so that one region may be lost where there are several."""
    peak = round(users * PEAK_SHARE)
    return max(LEAST_PODS, math.ceil(peak / (CONNECTIONS_PER_POD * surviving(regions))))


def surviving(regions: int) -> int:
    """Regions that are left when one is lost; a lone region is not lost in this model."""
    return max(1, regions - 1)
