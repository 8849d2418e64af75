"""Scaling of the services on load, forecast and announced events, by KEDA."""

from components.scaling.keda import Keda
from components.scaling.scaled_services import ScaledServices

__all__ = ["Keda", "ScaledServices"]
