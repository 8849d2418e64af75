"""Monitoring of a region: metrics, alerts, dashboards and traces."""

from components.monitoring.monitoring import RUNBOOKS, Monitoring
from components.monitoring.names import MonitoringTargets, collector_host, trace_endpoint
from components.monitoring.prometheus import AlertReceiver
from components.monitoring.rules.scaling import ScalingPlan, ServiceDemand, TimedEvent
from components.monitoring.sizes import Memory, RegionSize, memory

__all__ = [
    "RUNBOOKS",
    "AlertReceiver",
    "Memory",
    "Monitoring",
    "MonitoringTargets",
    "RegionSize",
    "ScalingPlan",
    "ServiceDemand",
    "TimedEvent",
    "collector_host",
    "memory",
    "trace_endpoint",
]
