"""The stateless services of the platform, from the chart that Argo CD also uses."""

from components.services.services import CPU_BURST, HTTP_PORT, METRICS_PORT, RELEASE, Services, chart_values
from components.services.settings import NAMES

__all__ = ["CPU_BURST", "HTTP_PORT", "METRICS_PORT", "NAMES", "RELEASE", "Services", "chart_values"]
