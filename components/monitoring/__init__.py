"""What watches a region: metrics, alerts, dashboards and traces."""

from components.monitoring.monitoring import RUNBOOKS, Monitoring, MonitoringArgs
from components.monitoring.names import Here, Watched, collector_host, trace_endpoint
from components.monitoring.prometheus import AlertReceiver
from components.monitoring.sizes import Memory, RegionSize, memory

__all__ = [
    "RUNBOOKS",
    "AlertReceiver",
    "Here",
    "Memory",
    "Monitoring",
    "MonitoringArgs",
    "RegionSize",
    "Watched",
    "collector_host",
    "memory",
    "trace_endpoint",
]
