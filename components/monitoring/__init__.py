"""What watches a region: metrics, alerts, dashboards and traces."""

from components.monitoring.monitoring import Monitoring, MonitoringArgs
from components.monitoring.names import Watched, collector_host, trace_endpoint

__all__ = ["Monitoring", "MonitoringArgs", "Watched", "collector_host", "trace_endpoint"]
