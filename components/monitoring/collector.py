"""The OpenTelemetry collector: it takes traces from services and proxies, and forwards them in batches."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pulumi
import pulumi_kubernetes as k8s

from components import workload
from components.context import RegionContext
from components.metadata import CERTIFICATE_ANNOTATION, DONE_AT_ONCE, object_meta, selector
from components.monitoring import names
from components.namespaces import MONITORING
from components.peering import PEER_NAMES
from components.pod_security import restricted_container, restricted_pod
from components.ports import OTLP_GRPC_PORT
from components.trust import Certificate
from components.versions import OPENTELEMETRY_COLLECTOR_IMAGE

APP = names.COLLECTOR
USER = 10001
CONFIG_DIRECTORY = "/etc/otelcol"
CONFIG_FILE = "config.yaml"
CERTIFICATES: Final = "/etc/otelcol-certificates"
INPUT_PORTS = {"otlp-grpc": OTLP_GRPC_PORT, "otlp-http": names.OTLP_HTTP_PORT}
PORTS = {
    **INPUT_PORTS,
    "metrics": names.SELF_METRICS_PORT,
    "span-metrics": names.SPAN_METRICS_PORT,
    "health": names.HEALTH_PORT,
}
SITES_PORTS = {"otlp-sites": names.SITES_PORT}
RESOURCES = workload.Resources(cpu="100m", memory="256Mi")

SPAN_METRICS = "spanmetrics"
SPAN_METRICS_KEPT = "30m"
LATENCY_BUCKETS = ["5ms", "10ms", "25ms", "50ms", "100ms", "250ms", "500ms", "1s", "2500ms", "5s", "10s"]

SITES_PING: Final = "60s"
"""Between two pings of an idle edge site. On their way, connections that are silent for longer may be forgotten."""
SITES_LEAST_PING: Final = "30s"
"""The collector ends connections that ping more often. Its default is five minutes."""


class Collector(pulumi.ComponentResource):
    """An OpenTelemetry collector for the region. It forwards traces to `jaeger_host` over OTLP/gRPC.

    With `for_sites` it also takes the traces of edge sites, from whoever has a certificate of the platform.

    Outputs: `endpoint` (URL for OTLP/gRPC).
    """

    endpoint: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        context: RegionContext,
        *,
        jaeger_host: pulumi.Output[str],
        for_sites: bool = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:monitoring:Collector", name, None, opts)
        self._name = name
        self._child = pulumi.ResourceOptions(parent=self)
        namespace = context.namespaces[MONITORING]
        self._app = workload.AppMetadata(app=APP, region=context.region, namespace=namespace)
        certificate = self._certificate(context) if for_sites else None
        config = jaeger_host.apply(
            lambda host: collector_config(region=context.region, jaeger_host=host, for_sites=for_sites)
        )
        config_map = k8s.core.v1.ConfigMap(
            f"{name}-config", metadata=self._app.meta(APP), data={CONFIG_FILE: config}, opts=self._child
        )
        account = workload.service_account(name, self._app, self._child)
        self._deployment(config, self._pod(config_map.metadata.name, account.metadata.name, certificate), certificate)
        self._service()
        workload.disruption_budget(name, self._app, self._child)
        workload.service_monitor(
            name,
            self._app,
            endpoint={"port": "metrics"},
            more=[{"port": "span-metrics"}],
            monitored_by=context.monitored_by,
            opts=self._child,
        )
        self.endpoint = namespace.apply(names.trace_endpoint)
        self.register_outputs({"endpoint": self.endpoint})

    def _certificate(self, context: RegionContext) -> Certificate:
        return workload.server_certificate(
            f"{self._name}-certificate",
            self._app,
            context.authority,
            secret=names.COLLECTOR_CERTIFICATE,
            dns_names=("localhost", *PEER_NAMES),
            usages=("server",),
            opts=self._child,
        )

    def _deployment(
        self, config: pulumi.Output[str], pod: k8s.core.v1.PodSpecArgs, certificate: Certificate | None
    ) -> None:
        k8s.apps.v1.Deployment(
            f"{self._name}-deployment",
            metadata=self._app.meta(APP),
            spec=k8s.apps.v1.DeploymentSpecArgs(
                replicas=1,
                selector=self._app.selecting(),
                template=k8s.core.v1.PodTemplateSpecArgs(
                    metadata=k8s.meta.v1.ObjectMetaArgs(
                        labels=self._app.labels(),
                        annotations={
                            workload.CHECKSUM_ANNOTATION: config.apply(workload.digest),
                            **({CERTIFICATE_ANNOTATION: certificate.fingerprint} if certificate else {}),
                        },
                    ),
                    spec=pod,
                ),
            ),
            opts=self._child,
        )

    def _pod(
        self, config_map: pulumi.Input[str], account: pulumi.Input[str], certificate: Certificate | None
    ) -> k8s.core.v1.PodSpecArgs:
        config = k8s.core.v1.ConfigMapVolumeSourceArgs(name=config_map)
        volumes = [k8s.core.v1.VolumeArgs(name="config", config_map=config)]
        if certificate is not None:
            volumes.append(workload.secret_volume("certificates", certificate.secret_name))
        mounts = {"config": CONFIG_DIRECTORY, **({"certificates": CERTIFICATES} if certificate else {})}
        ports = {**PORTS, **(SITES_PORTS if certificate else {})}
        return k8s.core.v1.PodSpecArgs(
            service_account_name=account,
            automount_service_account_token=False,
            security_context=restricted_pod(user=USER),
            affinity=workload.anti_affinity(self._app),
            topology_spread_constraints=workload.zone_spread(self._app),
            containers=[collector_container(ports, workload.read_only(mounts))],
            volumes=volumes,
        )

    def _service(self) -> None:
        k8s.core.v1.Service(
            f"{self._name}-service",
            metadata=object_meta(
                APP,
                app=APP,
                region=self._app.region,
                namespace=self._app.namespace,
                extra_labels={workload.METRICS_LABEL: "true"},
                annotations=DONE_AT_ONCE,
            ),
            spec=k8s.core.v1.ServiceSpecArgs(
                selector=selector(APP),
                ports=[
                    *input_ports(),
                    _service_port("metrics", names.SELF_METRICS_PORT, "http"),
                    _service_port("span-metrics", names.SPAN_METRICS_PORT, "http"),
                ],
            ),
            opts=self._child,
        )


def input_ports() -> list[k8s.core.v1.ServicePortArgs]:
    """Return the ports of the Service at which services and proxies of the same cluster find a collector."""
    return [
        _service_port("otlp-grpc", OTLP_GRPC_PORT, "grpc"),
        _service_port("otlp-http", names.OTLP_HTTP_PORT, "http"),
    ]


def _service_port(name: str, port: int, protocol: str) -> k8s.core.v1.ServicePortArgs:
    return k8s.core.v1.ServicePortArgs(name=name, port=port, target_port=name, app_protocol=protocol)


def collector_container(
    ports: Mapping[str, int], mounts: Sequence[k8s.core.v1.VolumeMountArgs]
) -> k8s.core.v1.ContainerArgs:
    """Return the container of a collector that reads `CONFIG_FILE` in `CONFIG_DIRECTORY`.

    `ports` are numbers by name; `otlp-grpc` and `health` are among them.
    """
    return k8s.core.v1.ContainerArgs(
        name="collector",
        image=OPENTELEMETRY_COLLECTOR_IMAGE,
        image_pull_policy="Always",
        args=[f"--config={CONFIG_DIRECTORY}/{CONFIG_FILE}"],
        ports=[k8s.core.v1.ContainerPortArgs(name=name, container_port=port) for name, port in ports.items()],
        security_context=restricted_container(),
        # Ready once it takes traces, alive while its pipelines are healthy.
        readiness_probe=k8s.core.v1.ProbeArgs(
            tcp_socket=k8s.core.v1.TCPSocketActionArgs(port="otlp-grpc"), period_seconds=5
        ),
        liveness_probe=workload.http_probe("/", port="health", period=10, failures=6),
        resources=RESOURCES.requirements(),
        volume_mounts=list(mounts),
    )


def collector_config(*, region: str, jaeger_host: str, for_sites: bool = False) -> str:
    """Return the collector's configuration: OTLP input, `region` added to each span, OTLP output to Jaeger.

    The collector also derives metrics from spans. Their exemplars link a latency to a trace.
    With `for_sites` it also passes on what edge sites send it. Their spans name the site already, and make no metrics:
    these would be counted among the region's.
    The format is JSON, which is also YAML.
    """
    return as_file(_collector(region, jaeger_host, for_sites))


def as_file(document: Mapping[str, Any]) -> str:
    """Return the text of a collector's file."""
    return json.dumps(document, indent=2, sort_keys=True) + "\n"


def _collector(region: str, jaeger_host: str, for_sites: bool) -> dict[str, Any]:
    sites = {
        "receivers": ["otlp/sites"],
        "processors": ["memory_limiter", "batch"],
        "exporters": ["otlp_grpc/jaeger"],
    }
    return {
        "extensions": health_check(),
        "receivers": {**otlp_input(), **({"otlp/sites": _sites_input()} if for_sites else {})},
        "processors": processors(region),
        "exporters": {
            # Plain text inside one namespace, where network policies let only the collector reach Jaeger.
            "otlp_grpc/jaeger": {
                "endpoint": f"{jaeger_host}:{OTLP_GRPC_PORT}",
                "tls": {"insecure": True},
                "sending_queue": {"queue_size": 1000},
                "retry_on_failure": {"max_elapsed_time": "300s"},
            },
            # Only OpenMetrics has exemplars.
            "prometheus": {
                "endpoint": f"0.0.0.0:{names.SPAN_METRICS_PORT}",
                "enable_open_metrics": True,
                "metric_expiration": SPAN_METRICS_KEPT,
            },
        },
        "connectors": {SPAN_METRICS: _span_metrics()},
        "service": {
            "extensions": ["health_check"],
            "pipelines": {
                "traces": {
                    "receivers": ["otlp"],
                    "processors": ["memory_limiter", "resource", "batch"],
                    "exporters": ["otlp_grpc/jaeger", SPAN_METRICS],
                },
                "metrics/spans": {"receivers": [SPAN_METRICS], "exporters": ["prometheus"]},
                **({"traces/sites": sites} if for_sites else {}),
            },
            "telemetry": self_telemetry(),
        },
    }


def health_check() -> dict[str, Any]:
    """Return the extension that the liveness probe asks."""
    return {"health_check": {"endpoint": f"0.0.0.0:{names.HEALTH_PORT}"}}


def otlp_input() -> dict[str, Any]:
    """Return the receiver for services and proxies of the same cluster."""
    return {
        "otlp": {
            "protocols": {
                "grpc": {"endpoint": f"0.0.0.0:{OTLP_GRPC_PORT}"},
                "http": {"endpoint": f"0.0.0.0:{names.OTLP_HTTP_PORT}"},
            }
        }
    }


def _sites_input() -> dict[str, Any]:
    enforced = {"min_time": SITES_LEAST_PING, "permit_without_stream": True}
    return {
        "protocols": {
            "grpc": {
                "endpoint": f"0.0.0.0:{names.SITES_PORT}",
                "tls": {**certificate_files(), "client_ca_file": f"{CERTIFICATES}/ca.crt"},
                "keepalive": {"enforcement_policy": enforced},
            }
        }
    }


def certificate_files() -> dict[str, str]:
    """Return the certificate that a collector shows, and the oldest TLS that it speaks."""
    return {"cert_file": f"{CERTIFICATES}/tls.crt", "key_file": f"{CERTIFICATES}/tls.key", "min_version": "1.3"}


def processors(region: str) -> dict[str, Any]:
    """Return the processors of traces. `resource` names the region or edge site where a span was made."""
    return {
        # It refuses data before the memory limit kills the process. Percentages are of that limit.
        "memory_limiter": {"check_interval": "1s", "limit_percentage": 80, "spike_limit_percentage": 20},
        "resource": {"attributes": [{"key": "cloud.region", "value": region, "action": "upsert"}]},
        "batch": {"send_batch_size": 1024, "timeout": "2s"},
    }


def _span_metrics() -> dict[str, Any]:
    """Durations of sampled spans by service: useful for latencies and examples, not for counting requests."""
    return {
        "namespace": "traces.span.metrics",
        "histogram": {"unit": "ms", "explicit": {"buckets": LATENCY_BUCKETS}},
        # Span names may contain anything, and each would create a series.
        "exclude_dimensions": ["span.name"],
        "resource_metrics_key_attributes": ["service.name"],
        "exemplars": {"enabled": True, "max_per_data_point": 5},
        "metrics_flush_interval": "15s",
        "metrics_expiration": SPAN_METRICS_KEPT,
    }


def self_telemetry() -> dict[str, Any]:
    """Return the collector's own metrics and logs settings. Jaeger 2 contains the same collector and accepts them."""
    prometheus = {
        "host": "0.0.0.0",  # noqa: S104 - network policies say who may
        "port": names.SELF_METRICS_PORT,
        # Counters end in _total, whatever format the scraper requests.
        "without_type_suffix": False,
    }
    return {
        "metrics": {"level": "normal", "readers": [{"pull": {"exporter": {"prometheus": prometheus}}}]},
        "logs": {"encoding": "json"},
    }
