"""Names and ports shared by the parts of the monitoring, and the monitored namespaces. Pure."""

from dataclasses import dataclass

from components.ports import OTLP_GRPC_PORT

STACK = "kube-prometheus-stack"
GRAFANA = "grafana"
GRAFANA_SECRET = "grafana-admin"  # noqa: S105 - the name of a Secret
JAEGER = "jaeger"
COLLECTOR = "opentelemetry-collector"
COLLECTOR_CERTIFICATE = "opentelemetry-collector-certificate"
"""Secret with the certificate that the collectors of a home region and of its edge sites show each other."""
DATASOURCE = "prometheus"
"""Grafana's data source of this region."""
GLOBAL_DATASOURCE = "thanos"
"""Grafana's data source of all regions."""

THANOS_QUERY = "thanos-query"
STORE_SERVICE = f"{STACK}-thanos-discovery"
"""The chart's headless Service of the Thanos sidecar beside Prometheus."""
STORE_CERTIFICATE = "thanos-store-certificate"
QUERY_CERTIFICATE = "thanos-query-certificate"

OTLP_HTTP_PORT = 4318
SELF_METRICS_PORT = 8888
SPAN_METRICS_PORT = 8889
SITES_PORT = 4319
"""Where the collector of a home region takes the traces of its edge sites, over mutual TLS."""
HEALTH_PORT = 13133
JAEGER_QUERY_PORT = 16686
PROMETHEUS_PORT = 9090
PROMETHEUS = f"{STACK}-prometheus"
"""The chart's Service of Prometheus."""
ALERTMANAGER_PORT = 9093
STORE_PORT = 10901
THANOS_HTTP_PORT = 10902
NODE_EXPORTER_PORT = 9190
"""Port on each node. On OpenShift the usual 9100 is the port of its own exporter, so ours would never start."""


@dataclass(frozen=True, kw_only=True)
class MonitoringTargets:
    """The namespaces of the platform's parts. None: the cluster does not have this part.

    A data service that a cloud manages has no exporter in the cluster, so it has no namespace here.
    """

    services: str
    monitoring: str
    ingress: str | None = None
    control_plane: str | None = None
    database: str | None = None
    cache: str | None = None
    messaging: str | None = None
    streaming: str | None = None
    live: str | None = None
    """The NATS servers that browsers reach."""
    ledger: str | None = None
    """Where the validators of the ledger run."""
    circles: str | None = None
    """Where the servers for circles' voice and video run."""
    matching: str | None = None
    """Where the embedding servers run."""
    scaling: str | None = None
    """Where KEDA runs, which scales the services."""
    others: tuple[str, ...] = ()
    """Further namespaces of the platform. Dashboards also count their pods and volumes."""
    sites: tuple[str, ...] = ()
    """The edge sites whose home the region is."""
    backups: bool = False
    """Whether the database's nodes in this region back it up."""

    def all(self) -> list[str]:
        """Return every namespace, sorted."""
        return sorted({*self.others, *(value for value in vars(self).values() if isinstance(value, str))})

    @property
    def meshed(self) -> bool:
        """Whether proxies report the services' requests."""
        return self.ingress is not None and self.control_plane is not None


def collector_host(namespace: str) -> str:
    """Return the DNS name of the OpenTelemetry collector in `namespace`. It takes OTLP/gRPC on `OTLP_GRPC_PORT`."""
    return f"{COLLECTOR}.{namespace}.svc.cluster.local"


def trace_endpoint(namespace: str) -> str:
    """Return the OTLP/gRPC URL of the collector in `namespace`."""
    return f"http://{collector_host(namespace)}:{OTLP_GRPC_PORT}"


def prometheus_url(namespace: str) -> str:
    """Return the URL of Prometheus in `namespace`. It serves plain HTTP; network policies say who may ask."""
    return f"http://{PROMETHEUS}.{namespace}.svc.cluster.local:{PROMETHEUS_PORT}"
