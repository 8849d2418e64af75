"""Names and ports that the parts of the monitoring know each other by, and what is monitored. Pure: no resources."""

from dataclasses import dataclass

STACK = "kube-prometheus-stack"
GRAFANA = "grafana"
GRAFANA_SECRET = "grafana-admin"  # noqa: S105 - the name of a Secret
JAEGER = "jaeger"
COLLECTOR = "opentelemetry-collector"
DATASOURCE = "prometheus"
"""Grafana's data source of this region."""
GLOBAL_DATASOURCE = "thanos"
"""Grafana's data source of all regions."""

THANOS_QUERY = "thanos-query"
STORE_SERVICE = f"{STACK}-thanos-discovery"
"""The chart's headless Service of the Thanos sidecar beside Prometheus."""
STORE_CERTIFICATE = "thanos-data service-certificate"
QUERY_CERTIFICATE = "thanos-query-certificate"

OTLP_GRPC_PORT = 4317
OTLP_HTTP_PORT = 4318
SELF_METRICS_PORT = 8888
SPAN_METRICS_PORT = 8889
HEALTH_PORT = 13133
JAEGER_QUERY_PORT = 16686
PROMETHEUS_PORT = 9090
ALERTMANAGER_PORT = 9093
STORE_PORT = 10901
THANOS_HTTP_PORT = 10902


@dataclass(frozen=True, kw_only=True)
class MonitoringTargets:
    """The namespaces whose health alerts and dashboards are about. None: the cluster has none of it.

    A data service that a cloud manages has no exporter in the cluster, so it has no namespace here.
    """

    services: str
    monitoring: str
    ingress: str | None = None
    control_plane: str | None = None
    database: str | None = None
    cache: str | None = None
    messaging: str | None = None
    others: tuple[str, ...] = ()
    """Namespaces of what else the platform needs: alerts cover their crashing pods and full volumes, too."""
    backups: bool = False
    """The database's nodes in this region back it up."""

    def all(self) -> list[str]:
        """Every namespace, sorted."""
        return sorted({*self.others, *(value for value in vars(self).values() if isinstance(value, str))})

    @property
    def meshed(self) -> bool:
        """Whether requests to the services are seen by proxies."""
        return self.ingress is not None and self.control_plane is not None


def collector_host(namespace: str) -> str:
    """DNS name of the OpenTelemetry collector in `namespace`, which takes OTLP/gRPC on `OTLP_GRPC_PORT`."""
    return f"{COLLECTOR}.{namespace}.svc.cluster.local"


def trace_endpoint(namespace: str) -> str:
    """URL of the collector in `namespace`, for OTLP/gRPC."""
    return f"http://{collector_host(namespace)}:{OTLP_GRPC_PORT}"
