"""What watches a region: metrics, alerts, dashboards and traces."""

from components.monitoring.monitoring import RUNBOOKS, Monitoring, MonitoringArgs
from components.monitoring.names import Here, Watched, collector_host, trace_endpoint
from components.monitoring.prometheus import AlertReceiver

__all__ = [
    "RUNBOOKS",
    "AlertReceiver",
    "Here",
    "Monitoring",
    "MonitoringArgs",
    "Watched",
    "collector_host",
    "trace_endpoint",
]
