"""What can be configured of the monitoring."""

from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import Field, field_validator

from components.quantities import quantity_bytes
from components.settings import Model
from components.settings.values import Bytes, Duration, FolderUrl, mistake

HTTPS_PORT: Final = 443
"""The only port outside its cluster that Alertmanager may call."""

LEAST_FOR_GRAFANA: Final = "512Mi"
"""Grafana 13.2 is killed at 256Mi."""


class MonitoringMemorySettings(Model):
    """Memory of the monitoring's parts. None: what the region's size asks for, by the rule in docs/monitoring.md."""

    prometheus: Bytes | None = None
    thanos_sidecar: Bytes | None = None
    thanos_query: Bytes | None = None
    kube_state_metrics: Bytes | None = None
    grafana: Bytes | None = None

    @field_validator("grafana")
    @classmethod
    def _grafana_lives(cls, memory: str | None) -> str | None:
        if memory is not None and quantity_bytes("grafana", memory) < quantity_bytes("grafana", LEAST_FOR_GRAFANA):
            raise mistake(f"must be at least {LEAST_FOR_GRAFANA}: with less Grafana is killed", "write 768Mi or more")
        return memory


class MonitoringSettings(Model):
    """Prometheus, Grafana, Jaeger and OpenTelemetry in each region."""

    enabled: bool = True
    retention: Duration = "7d"
    storage: Bytes = "5Gi"
    memory: MonitoringMemorySettings = MonitoringMemorySettings()
    trace_sampling: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Share of requests that are traced."""
    runbooks: FolderUrl | None = None
    """Where people read the runbooks, for the links of alerts. None: the path in this repository, which is no link."""
    machine_prices: Mapping[str, Annotated[float, Field(ge=0)]] = {}
    """USD a month for a machine, by its type, instead of the price that is known (components/offers/prices.csv)."""
