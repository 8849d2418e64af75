"""Names and ports that the parts of the monitoring know each other by. Pure: no resources."""

from dataclasses import dataclass

STACK = "kube-prometheus-stack"
GRAFANA = "grafana"
GRAFANA_SECRET = "grafana-admin"  # noqa: S105 - the name of a Secret
JAEGER = "jaeger"
COLLECTOR = "opentelemetry-collector"
DATASOURCE = "prometheus"

OTLP_GRPC_PORT = 4317
OTLP_HTTP_PORT = 4318
SELF_METRICS_PORT = 8888
HEALTH_PORT = 13133
JAEGER_QUERY_PORT = 16686
PROMETHEUS_PORT = 9090
ALERTMANAGER_PORT = 9093


@dataclass(frozen=True, kw_only=True)
class Watched:
    """The namespaces whose health alerts and dashboards are about.

    `database` and `cache` are None where the cloud runs them: it has their metrics, and no pod here has.
    """

    services: str
    ingress: str
    control_plane: str
    database: str | None
    cache: str | None
    messaging: str
    monitoring: str

    def all(self) -> list[str]:
        """Every one of them, sorted."""
        return sorted(filter(None, vars(self).values()))


def collector_host(namespace: str) -> str:
    """DNS name of the OpenTelemetry collector in `namespace`, which takes OTLP/gRPC on `OTLP_GRPC_PORT`."""
    return f"{COLLECTOR}.{namespace}.svc.cluster.local"


def trace_endpoint(namespace: str) -> str:
    """URL of the collector in `namespace`, for OTLP/gRPC."""
    return f"http://{collector_host(namespace)}:{OTLP_GRPC_PORT}"
