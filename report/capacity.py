"""How many users a stack can carry, by a documented model. Pure.

The model: at the peak, a tenth of the users are online with one connection each. A pod of the messaging service holds
5,000 connections. If a region is lost, the others take over its users. NATS runs at a quarter of its vendor's benchmark
(natsbench, version 2.12, one server on a laptop of ten cores; JetStream with one copy). No source gives the effect of
more servers or of less than a processor, so `messaging.servers` and `messaging.cpu` change nothing here. Of Kafka, only
what its quotas let the services write is known, of matching the number of servers and the size of the embeddings, and
of the ledger how many validators it may lose. How many participants a core of a server for circles carries was measured
(`CIRCLES`); servers take new calls up to a share of their processors.
Measure before you promise anything.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from components.circles.configuration import CPU_LOAD_LIMIT
from components.quantities import cpus
from components.settings.values import bytes_of
from stacks import ledger
from stacks.settings import Settings

PEAK_SHARE: Final = 0.10
CONNECTIONS_PER_POD: Final = 5_000
LEAST_PODS: Final = 2
BENCHMARK_SHARE: Final = 0.25
BENCHMARK_MESSAGES: Final = 4_900_000
BENCHMARK_STORED: Final = 35_700
BENCHMARK_STORED_ASYNC: Final = 404_000
NUMBER_BYTES: Final = 4
"""Size of a number in an embedding."""
CIRCLES: Final = Path(__file__).resolve().parents[1] / "benchmarks" / "results" / "circles.json"
"""What `python -m benchmarks circles` measured: participants per core of LiveKit, for each load. Without this file, the
report says nothing about circles."""

PLANNED_USERS: Final = {"local": 100, "regional": 10_000, "continental": 1_000_000, "planetary": 10_000_000}
"""Planned users of each stage, from the source document and the capacity model."""


@dataclass(frozen=True, kw_only=True)
class Capacity:
    """Capacity at the most pods that the settings allow; with several regions, after the loss of one."""

    users: int
    connections: int
    messages_per_second: int
    stored_per_second: int
    stored_async_per_second: int
    streamed_bytes_per_second: int
    """What quotas let the services write to Kafka in all regions; 0 without Kafka."""
    browsers: int
    """Browsers that the servers for live collaboration take at once; 0 without them."""
    embedding_servers: int
    """The most in all regions; 0 without matching."""
    embedding_bytes: int
    """Size of one embedding for each planned user, without the index and without copies; 0 without matching."""
    validators: int
    """Validators of the ledger in all regions; 0 without one."""
    validators_outlived: int
    """How many of them may lie or die while it goes on."""
    participants: Mapping[str, int]
    """People in calls of circles at once, by the load that was measured; empty without circles or a measurement."""
    planned_users: int
    pods: int
    """Pods of the messaging service in each region, at most."""
    pods_needed: int
    """Pods that the planned users need in each region."""

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
    matching = settings.matching
    return Capacity(
        users=round(connections / PEAK_SHARE),
        connections=connections,
        messages_per_second=round(BENCHMARK_MESSAGES * BENCHMARK_SHARE) * regions,
        stored_per_second=round(BENCHMARK_STORED * BENCHMARK_SHARE) * regions,
        stored_async_per_second=round(BENCHMARK_STORED_ASYNC * BENCHMARK_SHARE) * regions,
        streamed_bytes_per_second=streamed(settings),
        browsers=browsers(settings),
        embedding_servers=matching.max_replicas * regions if matching.enabled else 0,
        embedding_bytes=planned * matching.dimension * NUMBER_BYTES if matching.enabled else 0,
        validators=ledger.validators(settings),
        validators_outlived=ledger.outlived(ledger.validators(settings)),
        participants=participants(settings, participants_per_core()),
        planned_users=planned,
        pods=pods,
        pods_needed=pods_needed(planned, regions),
    )


def streamed(settings: Settings) -> int:
    """Bytes a second that quotas let the services write to Kafka in all regions, without copies; 0 without Kafka."""
    streaming = settings.streaming
    rate = bytes_of(streaming.produce_rate) * streaming.brokers * len(settings.regions)
    return rate if streaming.enabled else 0


def browsers(settings: Settings) -> int:
    """Browsers that may be connected at once for live collaboration, after the loss of a region; 0 without it."""
    live = settings.messaging.websocket
    return live.servers * live.max_connections * surviving(len(settings.regions)) if live.enabled else 0


def participants_per_core(result: Path = CIRCLES) -> Mapping[str, float]:
    """Participants that a core of a server for circles carries, by load, as measured. Empty without a measurement."""
    if not result.is_file():
        return {}
    return {str(row["load"]): float(row["participants per core"]) for row in json.loads(result.read_text())["rows"]}


def participants(settings: Settings, per_core: Mapping[str, float]) -> Mapping[str, int]:
    """People in calls of circles at once, by load, after the loss of a region. Empty without circles."""
    circles = settings.circles
    if not circles.enabled:
        return {}
    cores = circles.servers * cpus("circles.cpu", circles.cpu) * CPU_LOAD_LIMIT * surviving(len(settings.regions))
    return {load: math.floor(carried * cores) for load, carried in per_core.items()}


def pods_needed(users: int, regions: int) -> int:
    """Pods for `users` in each of `regions` regions; with several, the pods suffice after the loss of one."""
    peak = round(users * PEAK_SHARE)
    return max(LEAST_PODS, math.ceil(peak / (CONNECTIONS_PER_POD * surviving(regions))))


def surviving(regions: int) -> int:
    """Regions left after the loss of one. In this model a single region is never lost."""
    return max(1, regions - 1)
