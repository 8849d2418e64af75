"""The stateless services of the platform, from the chart that Argo CD and `helm install` use, too."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import pulumi
import pulumi_kubernetes as k8s

from components.connection import DataService, secret_name
from components.local_chart import LocalChart, LocalChartArgs
from components.versions import KUBECTL_IMAGE

CHART = "./charts/sacred-council"
RELEASE = "sacred-council"
NAMES = ("agent-network", "consciousness-field", "sacred-messaging", "work-coordination")
"""The services that the chart has by itself."""
HTTP_PORT = 9898
METRICS_PORT = 9797
CPU_BURST = 4
"""How many times its share of CPU a service may use while the node has some to spare."""


@dataclass(frozen=True, kw_only=True)
class Shift:
    """`min_replicas` from a moment of the day on: `cron` in the IANA `time_zone`. `name` tells it from other shifts."""

    name: str
    cron: str
    time_zone: str
    min_replicas: int


@dataclass(frozen=True, kw_only=True)
class Workload:
    """One service: `image` (with tag or digest), bounds of its autoscaler, and what a pod asks for.

    `cpu` and `memory` are Kubernetes quantities. Memory is also the limit; CPU may burst to `CPU_BURST` times. With
    `shifts` the minimum is `min_replicas` when the service is made, and then theirs: the program leaves it alone.
    """

    image: str
    min_replicas: int
    max_replicas: int
    cpu: str
    memory: str
    shifts: Sequence[Shift] = ()

    def __post_init__(self) -> None:
        if not 1 <= self.min_replicas <= self.max_replicas:
            raise ValueError(
                f"min_replicas: {self.min_replicas} is not between 1 and max_replicas ({self.max_replicas}); "
                "raise max_replicas or lower min_replicas"
            )


@dataclass(frozen=True, kw_only=True)
class ServicesArgs:
    """`workloads` by name, all of `NAMES` and any more; `data_services` are those whose connection Secrets are in
    `namespace`.

    `telemetry_endpoint` is the URL of an OTLP/gRPC collector (None: no traces) that gets the share `trace_sampling`
    (0 to 1) of new traces. `monitored_by` brings the Prometheus operator's CRDs (None: no ServiceMonitors). What else
    must be there before the services is in `after`. `renderer` is a provider made by `chart_renderer`. Services
    `managed_by_argocd` (by Argo CD, from the same chart) are none of the program's resources.
    """

    namespace: str
    region: str
    workloads: Mapping[str, Workload]
    renderer: k8s.Provider
    data_services: Sequence[DataService] = ()
    telemetry_endpoint: str | None = None
    trace_sampling: float = 0.1
    monitored_by: pulumi.Resource | None = None
    after: Sequence[pulumi.Input[pulumi.Resource]] = ()
    managed_by_argocd: bool = False

    def __post_init__(self) -> None:
        missing = [name for name in NAMES if name not in self.workloads]
        if missing:
            raise ValueError(
                f"workloads: {', '.join(missing)} not given, but the chart runs each of {', '.join(NAMES)}"
            )
        if not 0 <= self.trace_sampling <= 1:
            raise ValueError(f"trace_sampling: expected a share from 0 to 1, got {self.trace_sampling}")


class Services(pulumi.ComponentResource):
    """The stateless services, each with its autoscaler, disruption budget, network policy and monitor.

    Outputs: `endpoints` (service name to URL inside the cluster). The port is `HTTP_PORT` for every service.
    """

    endpoints: Mapping[str, str]

    def __init__(self, name: str, args: ServicesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:services:Services", name, None, opts)
        if not args.managed_by_argocd:
            _deploy(name, args, pulumi.ResourceOptions(parent=self))
        self.endpoints = {service: _url(service, args.namespace) for service in sorted(args.workloads)}
        self.register_outputs({"endpoints": self.endpoints})


def _deploy(name: str, args: ServicesArgs, opts: pulumi.ResourceOptions) -> None:
    crds = [args.monitored_by] if args.monitored_by else []
    LocalChart(
        f"{name}-chart",
        LocalChartArgs(
            chart=CHART,
            release=RELEASE,
            namespace=args.namespace,
            values=_values(args),
            renderer=args.renderer,
            after=[*args.after, *crds],
            owned_elsewhere=_owned_by_shifts(args.workloads),
        ),
        opts,
    )


def _owned_by_shifts(workloads: Mapping[str, Workload]) -> dict[tuple[str, str], list[str]]:
    shifted = [name for name, workload in workloads.items() if workload.shifts]
    return {("HorizontalPodAutoscaler", name): ["spec.minReplicas"] for name in shifted}


def _url(service: str, namespace: str) -> str:
    return f"http://{service}.{namespace}.svc.cluster.local:{HTTP_PORT}"


def _values(args: ServicesArgs) -> dict[str, Any]:
    return chart_values(
        region=args.region,
        workloads=args.workloads,
        data_services=args.data_services,
        telemetry_endpoint=args.telemetry_endpoint,
        trace_sampling=args.trace_sampling,
        monitored=args.monitored_by is not None,
    )


def chart_values(
    *,
    region: str,
    workloads: Mapping[str, Workload],
    data_services: Sequence[DataService],
    telemetry_endpoint: str | None,
    trace_sampling: float,
    monitored: bool,
) -> dict[str, Any]:
    """The chart's values for a region, whoever deploys it. Nothing in them is secret."""
    return {
        "region": region,
        "services": {name: workload_values(workload) for name, workload in workloads.items()},
        "ports": {"http": HTTP_PORT, "metrics": METRICS_PORT},
        "connections": {
            data_service: _connection(data_service, data_services) for data_service in get_args(DataService)
        },
        "telemetry": {"endpoint": telemetry_endpoint or "", "sampling": trace_sampling},
        "kubectl": image_values(KUBECTL_IMAGE),
        "serviceMonitor": {"enabled": monitored},
    }


def _connection(data_service: DataService, data_services: Sequence[DataService]) -> dict[str, Any]:
    # A Secret that is named is there before the chart: pods wait for it rather than start without.
    return {"secret": secret_name(data_service), "optional": False} if data_service in data_services else {"secret": ""}


def workload_values(workload: Workload) -> dict[str, Any]:
    """The chart's values of one service."""
    return {
        "image": image_values(workload.image),
        "replicas": {
            "min": workload.min_replicas,
            "max": workload.max_replicas,
            "shifts": [shift_values(shift) for shift in workload.shifts],
        },
        "resources": {
            "requests": {"cpu": workload.cpu, "memory": workload.memory},
            "limits": {"cpu": cpu_limit(workload.cpu), "memory": workload.memory},
        },
    }


def shift_values(shift: Shift) -> dict[str, Any]:
    """The chart's values of one shift."""
    return {"name": shift.name, "cron": shift.cron, "timeZone": shift.time_zone, "min": shift.min_replicas}


def image_values(image: str) -> dict[str, str]:
    """`image` in the parts the chart has: repository, tag, digest. A port of the registry is part of the repository."""
    rest, _, digest = image.partition("@")
    directory, slash, last = rest.rpartition("/")
    last, _, tag = last.partition(":")
    if not tag and not digest:
        raise ValueError(f"image: expected a tag or a digest, got {image!r}; write e.g. ghcr.io/example/service:1.4.2")
    return {"repository": f"{directory}{slash}{last}", "tag": tag, "digest": digest}


def cpu_limit(request: str) -> str:
    """The CPU limit for `request` (such as 250m, 0.5 or 2), in thousandths of a CPU."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(m?)", request)
    if match is None:
        raise ValueError(f"cpu: expected a number of CPUs or thousandths of one, such as 2 or 250m, got {request!r}")
    thousandths = float(match[1]) * (1 if match[2] else 1000)
    return f"{round(thousandths * CPU_BURST)}m"
