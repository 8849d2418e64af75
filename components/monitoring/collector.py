"""The OpenTelemetry collector: takes traces from services and proxies, and passes them on in batches."""

import hashlib
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.metadata import labels, object_meta, selector
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
    "health": names.HEALTH_PORT,
}
CONFIG_ANNOTATION = "sacred-council.love/config"


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
        config = pulumi.Output.from_input(args.jaeger_host).apply(
            lambda host: collector_config(region=args.region, jaeger_host=host)
        )
        config_map = k8s.core.v1.ConfigMap(
            f"{name}-config", metadata=self._meta(), data={CONFIG_FILE: config}, opts=self._child
        )
        account = k8s.core.v1.ServiceAccount(
            f"{name}-account", metadata=self._meta(), automount_service_account_token=False, opts=self._child
        )
        self._deployment(config, config_map.metadata.name, account.metadata.name)
        self._service()
        self._budget()
        self._monitor()
        self.endpoint = pulumi.Output.from_input(args.namespace).apply(
            lambda known: f"http://{names.collector_host(known)}:{names.OTLP_GRPC_PORT}"
        )
        self.register_outputs({"endpoint": self.endpoint})

    def _meta(self) -> k8s.meta.v1.ObjectMetaArgs:
        return object_meta(APP, app=APP, region=self._args.region, namespace=self._args.namespace)

    def _deployment(
        self, config: pulumi.Output[str], config_map: pulumi.Input[str], account: pulumi.Input[str]
    ) -> None:
        k8s.apps.v1.Deployment(
            f"{self._name}-deployment",
            metadata=self._meta(),
            spec=k8s.apps.v1.DeploymentSpecArgs(
                replicas=self._args.replicas,
                selector=k8s.meta.v1.LabelSelectorArgs(match_labels=selector(APP)),
                template=k8s.core.v1.PodTemplateSpecArgs(
                    metadata=k8s.meta.v1.ObjectMetaArgs(
                        labels=labels(APP, region=self._args.region),
                        annotations={CONFIG_ANNOTATION: config.apply(_digest)},
                    ),
                    spec=_pod(config_map, account),
                ),
            ),
            opts=self._child,
        )

    def _service(self) -> None:
        k8s.core.v1.Service(
            f"{self._name}-service",
            metadata=self._meta(),
            spec=k8s.core.v1.ServiceSpecArgs(
                selector=selector(APP),
                ports=[
                    _service_port("otlp-grpc", names.OTLP_GRPC_PORT, "grpc"),
                    _service_port("otlp-http", names.OTLP_HTTP_PORT, "http"),
                    _service_port("metrics", names.SELF_METRICS_PORT, "http"),
                ],
            ),
            opts=self._child,
        )

    def _budget(self) -> None:
        k8s.policy.v1.PodDisruptionBudget(
            f"{self._name}-budget",
            metadata=self._meta(),
            spec=k8s.policy.v1.PodDisruptionBudgetSpecArgs(
                max_unavailable=1, selector=k8s.meta.v1.LabelSelectorArgs(match_labels=selector(APP))
            ),
            opts=self._child,
        )

    def _monitor(self) -> None:
        k8s.apiextensions.CustomResource(
            f"{self._name}-monitor",
            api_version="monitoring.coreos.com/v1",
            kind="ServiceMonitor",
            metadata=self._meta(),
            spec={
                "selector": {"matchLabels": selector(APP)},
                "endpoints": [{"port": "metrics", "interval": "30s"}],
            },
            opts=pulumi.ResourceOptions.merge(
                self._child, pulumi.ResourceOptions(depends_on=[self._args.monitored_by])
            ),
        )


def _digest(config: str) -> str:
    return hashlib.sha256(config.encode()).hexdigest()


def _service_port(name: str, port: int, protocol: str) -> k8s.core.v1.ServicePortArgs:
    return k8s.core.v1.ServicePortArgs(name=name, port=port, target_port=name, app_protocol=protocol)


def _pod(config_map: pulumi.Input[str], account: pulumi.Input[str]) -> k8s.core.v1.PodSpecArgs:
    return k8s.core.v1.PodSpecArgs(
        service_account_name=account,
        automount_service_account_token=False,
        security_context=restricted_pod(user=USER),
        affinity=k8s.core.v1.AffinityArgs(pod_anti_affinity=_apart()),
        topology_spread_constraints=[
            k8s.core.v1.TopologySpreadConstraintArgs(
                max_skew=1,
                topology_key="topology.kubernetes.io/zone",
                when_unsatisfiable="ScheduleAnyway",
                label_selector=k8s.meta.v1.LabelSelectorArgs(match_labels=selector(APP)),
            )
        ],
        containers=[_container()],
        volumes=[
            k8s.core.v1.VolumeArgs(name="config", config_map=k8s.core.v1.ConfigMapVolumeSourceArgs(name=config_map))
        ],
    )


def _apart() -> k8s.core.v1.PodAntiAffinityArgs:
    return k8s.core.v1.PodAntiAffinityArgs(
        preferred_during_scheduling_ignored_during_execution=[
            k8s.core.v1.WeightedPodAffinityTermArgs(
                weight=100,
                pod_affinity_term=k8s.core.v1.PodAffinityTermArgs(
                    topology_key="kubernetes.io/hostname",
                    label_selector=k8s.meta.v1.LabelSelectorArgs(match_labels=selector(APP)),
                ),
            )
        ]
    )


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
        resources=k8s.core.v1.ResourceRequirementsArgs(
            requests={"cpu": "50m", "memory": "256Mi", "ephemeral-storage": "32Mi"},
            limits={"cpu": "500m", "memory": "256Mi", "ephemeral-storage": "128Mi"},
        ),
        volume_mounts=[k8s.core.v1.VolumeMountArgs(name="config", mount_path=CONFIG_DIRECTORY, read_only=True)],
    )
