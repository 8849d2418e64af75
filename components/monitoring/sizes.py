"""Memory of the monitoring for a region of a given size, by the rule in docs/monitoring.md. Pure.

Prometheus keeps every series of the last hours in memory, so its memory depends on their number: those of the API
server, those of each node (kubelet, cAdvisor, node exporter, DaemonSets), and those of each service's pod (cAdvisor,
kube-state-metrics, and the histograms of its proxy). A pod of Kafka counts as much, for what it says of topics and
partitions.
"""

import math
from dataclasses import dataclass
from typing import Final

from components.durations import DAY_SECONDS
from components.monitoring.settings import MonitoringSettings
from components.settings.values import seconds_of

SERIES_OF_A_REGION: Final = 30_000
SERIES_OF_A_NODE: Final = 4_000
SERIES_OF_A_POD: Final = 1_500

PROMETHEUS_BASE: Final = 512
"""MiB for queries, rules, and reading the write-ahead log at start."""
KIB_OF_A_SERIES: Final = 8.0
KIB_OF_A_SERIES_AND_DAY: Final = 1 / 32
"""Memory for blocks on the volume: their indices, and queries over all of them."""
LONGEST: Final = 30
"""Days after which Prometheus merges older blocks, so that their number does not grow with the retention."""
SIDECAR_BASE: Final = 128
SIDECAR_KIB_OF_A_SERIES: Final = 0.5
QUERY_BASE: Final = 256
QUERY_KIB_OF_A_SERIES: Final = 1.0

STATE_METRICS_BASE: Final = 256
STATE_METRICS_NODES: Final = 100
STATE_METRICS_MIB_OF_A_NODE: Final = 2
"""Source: kube-state-metrics' README: 250 MiB up to 100 nodes, and 2 MiB for each further one."""

GRAFANA: Final = 768
"""MiB. The chart sets Go's limit to the container's, and Kubernetes kills Grafana 13.2 at 256 MiB."""

STEP: Final = 128


@dataclass(frozen=True, kw_only=True)
class RegionSize:
    """The maximum size of a region."""

    nodes: int
    pods: int
    """Pods of the services, of Kafka, and of matching."""

    @property
    def series(self) -> int:
        """An estimate of the series in Prometheus' memory."""
        return SERIES_OF_A_REGION + SERIES_OF_A_NODE * self.nodes + SERIES_OF_A_POD * self.pods


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Memory of each part, as Kubernetes quantities."""

    prometheus: str
    thanos_sidecar: str
    thanos_query: str
    kube_state_metrics: str
    grafana: str


def memory(size: RegionSize, settings: MonitoringSettings) -> Memory:
    """Return each part's memory from the settings, or else by the `size` of the region."""
    given = settings.memory
    days = seconds_of(settings.retention) / DAY_SECONDS
    of_a_series = KIB_OF_A_SERIES + KIB_OF_A_SERIES_AND_DAY * min(days, LONGEST)
    more_nodes = max(0, size.nodes - STATE_METRICS_NODES)
    return Memory(
        prometheus=given.prometheus or _mebibytes(PROMETHEUS_BASE, of_a_series * size.series),
        thanos_sidecar=given.thanos_sidecar or _mebibytes(SIDECAR_BASE, SIDECAR_KIB_OF_A_SERIES * size.series),
        thanos_query=given.thanos_query or _mebibytes(QUERY_BASE, QUERY_KIB_OF_A_SERIES * size.series),
        kube_state_metrics=given.kube_state_metrics
        or _mebibytes(STATE_METRICS_BASE + STATE_METRICS_MIB_OF_A_NODE * more_nodes),
        grafana=given.grafana or _mebibytes(GRAFANA),
    )


def _mebibytes(base: int, kibibytes: float = 0) -> str:
    """Return `base` MiB plus `kibibytes` KiB, rounded up to a multiple of `STEP` MiB."""
    return f"{math.ceil((base + kibibytes / 1024) / STEP) * STEP}Mi"
