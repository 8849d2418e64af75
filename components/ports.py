"""TCP ports with the same meaning everywhere. Pure."""

from typing import Final

HTTPS_PORT: Final = 443
OTLP_GRPC_PORT: Final = 4317
"""Traces, to a collector of OpenTelemetry."""
