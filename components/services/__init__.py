"""The stateless services of the platform, from the chart that Argo CD uses, too."""

from components.services.services import (
    CPU_BURST,
    HTTP_PORT,
    METRICS_PORT,
    NAMES,
    RELEASE,
    Services,
    ServicesArgs,
    Shift,
    Workload,
    chart_values,
    cpu_limit,
    image_values,
    shift_values,
    workload_values,
)

__all__ = [
    "CPU_BURST",
    "HTTP_PORT",
    "METRICS_PORT",
    "NAMES",
    "RELEASE",
    "Services",
    "ServicesArgs",
    "Shift",
    "Workload",
    "chart_values",
    "cpu_limit",
    "image_values",
    "shift_values",
    "workload_values",
]
