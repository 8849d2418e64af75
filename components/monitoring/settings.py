"""Settings of the monitoring."""

from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import Field, field_validator

from components.quantities import quantity_bytes
from components.settings import Model
from components.settings.values import Bytes, Duration, FolderUrl, mistake

LEAST_FOR_GRAFANA: Final = "512Mi"
"""Grafana 13.2 is killed at 256Mi."""


class MonitoringMemorySettings(Model):
    """Memory of the monitoring's parts."""

    prometheus: Bytes | None = None
    """Memory of Prometheus. None: it follows from the region's size."""
    thanos_sidecar: Bytes | None = None
    """Memory of the Thanos sidecar of Prometheus. None: it follows from the region's size."""
    thanos_query: Bytes | None = None
    """Memory of the Thanos querier. None: it follows from the region's size."""
    kube_state_metrics: Bytes | None = None
    """Memory of kube-state-metrics. None: it follows from the region's size."""
    grafana: Bytes | None = None
    """Memory of Grafana, at least 512Mi. None: 768Mi."""

    @field_validator("grafana")
    @classmethod
    def _grafana_lives(cls, memory: str | None) -> str | None:
        if memory is not None and quantity_bytes("grafana", memory) < quantity_bytes("grafana", LEAST_FOR_GRAFANA):
            raise mistake(f"must be at least {LEAST_FOR_GRAFANA}: with less Grafana is killed", "write 768Mi or more")
        return memory


class MonitoringSettings(Model):
    """Prometheus, Grafana, Jaeger and OpenTelemetry in each region."""

    enabled: bool = True
    """Whether the regions have monitoring. Without it nobody sends alerts."""
    retention: Duration = "7d"
    """How long metrics are kept. Below 3 days the slowest alert sees too little:
    docs/monitoring.md#objectives-and-alerts."""
    storage: Bytes = "5Gi"
    """Disk of Prometheus. Nobody has tested how this disk grows: docs/runbooks/volume-filling.md#larger-volumes."""
    memory: MonitoringMemorySettings = MonitoringMemorySettings()
    """Memory of the monitoring's parts, instead of what the region's size asks for by the rules in
    docs/monitoring.md#memory."""
    trace_sampling: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Share of requests that are traced, from 0 (none) to 1 (all)."""
    runbooks: FolderUrl | None = None
    """HTTPS address of the folder where people read the runbooks, for the links in alerts. None: the path in this
    repository, which no browser can open."""
    machine_prices: Mapping[str, Annotated[float, Field(ge=0)]] = {}
    """USD a month for a machine, by its type, such as `{e2-standard-4: 97.84}`. The dashboard of costs counts with
    these prices instead of the known ones (components/offers/prices.csv)."""
