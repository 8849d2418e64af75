"""The OpenTelemetry collector: takes traces from services and proxies, and passes them on in batches."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components import workload
from components.metadata import object_meta, selector
from components.monitoring import names
from components.monitoring.tracing_config import collector_config
from components.pod_security import restricted_container, restricted_pod
from components.versions import OPENTELEMETRY_COLLECTOR_IMAGE

APP = names.COLLECTOR
USER = 10001
CONFIG_DIRECTORY = "/etc/otelcol"
CONFIG_FILE = "config.yaml"
PORTS = {
    "otlp-grpc": names.OTLP_GRPC_PORT,
    "otlp-http": names.OTLP_HTTP_PORT,
    "metrics": names.SELF_METRICS_PORT,
    "span-metrics": names.SPAN_METRICS_PORT,
    "health": names.HEALTH_PORT,
}
RESOURCES = workload.Resources(cpu="100m", memory="256Mi")


@dataclass(frozen=True, kw_only=True)
class CollectorArgs:
    """`jaeger_host` takes the traces over OTLP/gRPC; `monitored_by` brings the monitoring CRDs."""

    region: str
    namespace: pulumi.Input[str]
    jaeger_host: pulumi.Input[str]
    monitored_by: pulumi.Resource
    replicas: int = 1

    def __post_init__(self) -> None:
        if self.replicas < 1:
            raise ValueError(f"replicas: expected at least 1, got {self.replicas}")


class Collector(pulumi.ComponentResource):
    """An OpenTelemetry collector reachable inside the region.

    Outputs: `endpoint` (URL for OTLP/gRPC).
    """

    endpoint: pulumi.Output[str]

    def __init__(self, name: str, args: CollectorArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:monitoring:Collector", name, None, opts)
        self._args = args
        self._name = name
        self._child = pulumi.ResourceOptions(parent=self)
        self._app = workload.AppMetadata(app=APP, region=args.region, namespace=args.namespace)
        config = pulumi.Output.from_input(args.jaeger_host).apply(
            lambda host: collector_config(region=args.region, jaeger_host=host)
        )
        config_map = k8s.core.v1.ConfigMap(
            f"{name}-config", metadata=self._app.meta(APP), data={CONFIG_FILE: config}, opts=self._child
        )
        account = workload.service_account(name, self._app, self._child)
        self._deployment(config, self._pod(config_map.metadata.name, account.metadata.name))
        self._service()
        workload.disruption_budget(name, self._app, self._child)
        workload.service_monitor(
            name,
            self._app,
            endpoint={"port": "metrics"},
            more=[{"port": "span-metrics"}],
            monitored_by=args.monitored_by,
            opts=self._child,
        )
        self.endpoint = pulumi.Output.from_input(args.namespace).apply(names.trace_endpoint)
        self.register_outputs({"endpoint": self.endpoint})

    def _deployment(self, config: pulumi.Output[str], pod: k8s.core.v1.PodSpecArgs) -> None:
        k8s.apps.v1.Deployment(
            f"{self._name}-deployment",
            metadata=self._app.meta(APP),
            spec=k8s.apps.v1.DeploymentSpecArgs(
                replicas=self._args.replicas,
                selector=self._app.selecting(),
                template=k8s.core.v1.PodTemplateSpecArgs(
                    metadata=k8s.meta.v1.ObjectMetaArgs(
                        labels=self._app.labels(),
                        annotations={workload.CHECKSUM_ANNOTATION: config.apply(workload.digest)},
                    ),
                    spec=pod,
                ),
            ),
            opts=self._child,
        )

    def _pod(self, config_map: pulumi.Input[str], account: pulumi.Input[str]) -> k8s.core.v1.PodSpecArgs:
        config = k8s.core.v1.ConfigMapVolumeSourceArgs(name=config_map)
        return k8s.core.v1.PodSpecArgs(
            service_account_name=account,
            automount_service_account_token=False,
            security_context=restricted_pod(user=USER),
            affinity=workload.anti_affinity(self._app),
            topology_spread_constraints=workload.zone_spread(self._app),
            containers=[_container()],
            volumes=[k8s.core.v1.VolumeArgs(name="config", config_map=config)],
        )

    def _service(self) -> None:
        k8s.core.v1.Service(
            f"{self._name}-service",
            metadata=object_meta(
                APP,
                app=APP,
                region=self._args.region,
                namespace=self._args.namespace,
                extra_labels={workload.METRICS_LABEL: "true"},
            ),
            spec=k8s.core.v1.ServiceSpecArgs(
                selector=selector(APP),
                ports=[
                    _service_port("otlp-grpc", names.OTLP_GRPC_PORT, "grpc"),
                    _service_port("otlp-http", names.OTLP_HTTP_PORT, "http"),
                    _service_port("metrics", names.SELF_METRICS_PORT, "http"),
                    _service_port("span-metrics", names.SPAN_METRICS_PORT, "http"),
                ],
            ),
            opts=self._child,
        )


def _service_port(name: str, port: int, protocol: str) -> k8s.core.v1.ServicePortArgs:
    return k8s.core.v1.ServicePortArgs(name=name, port=port, target_port=name, app_protocol=protocol)


def _container() -> k8s.core.v1.ContainerArgs:
    return k8s.core.v1.ContainerArgs(
        name="collector",
        image=OPENTELEMETRY_COLLECTOR_IMAGE,
        image_pull_policy="Always",
        args=[f"--config={CONFIG_DIRECTORY}/{CONFIG_FILE}"],
        ports=[k8s.core.v1.ContainerPortArgs(name=name, container_port=port) for name, port in PORTS.items()],
        security_context=restricted_container(),
        # Ready when it takes traces, alive while its pipelines are healthy.
        readiness_probe=k8s.core.v1.ProbeArgs(
            tcp_socket=k8s.core.v1.TCPSocketActionArgs(port="otlp-grpc"), period_seconds=5
        ),
        liveness_probe=k8s.core.v1.ProbeArgs(
            http_get=k8s.core.v1.HTTPGetActionArgs(path="/", port="health"), period_seconds=10, failure_threshold=6
        ),
        resources=RESOURCES.requirements(),
        volume_mounts=[k8s.core.v1.VolumeMountArgs(name="config", mount_path=CONFIG_DIRECTORY, read_only=True)],
    )
