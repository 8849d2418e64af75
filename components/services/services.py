"""The stateless services of the platform, from the chart that Argo CD and `helm install` also use."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, get_args

import pulumi
import pulumi_kubernetes as k8s

from components.connection import DataService, secret_name
from components.context import RegionContext
from components.local_chart import LocalChart, LocalChartArgs
from components.namespaces import SERVICES
from components.network import DNS_CACHES
from components.services.settings import ServiceSettings, ServicesSettings
from components.versions import KUBECTL_IMAGE

CHART = "./charts/sacred-council"
RELEASE = "sacred-council"
HTTP_PORT = 9898
METRICS_PORT = 9797
CPU_BURST = 4
"""A service may use this multiple of its requested CPU while the node has spare CPU."""

DAY_STARTS: Final = "0 7 * * *"
NIGHT_STARTS: Final = "0 23 * * *"
NIGHT_SHARE: Final = 0.5
"""Share of the daytime minimum of replicas that stays at night."""


class Services(pulumi.ComponentResource):
    """The stateless services, each with its autoscaler, disruption budget, network policy and monitor.

    `values` are the chart's, from `chart_values`. None: Argo CD deploys the services from the same chart, and the
    program creates none of them.
    `renderer` is a provider from `chart_renderer`.
    The services wait for `after`.

    Outputs: `endpoints` (URL inside the cluster by service). The port is `HTTP_PORT` for every service.
    """

    endpoints: Mapping[str, str]

    def __init__(
        self,
        name: str,
        context: RegionContext,
        settings: ServicesSettings,
        *,
        values: Mapping[str, Any] | None,
        renderer: k8s.Provider,
        after: Sequence[pulumi.Input[pulumi.Resource]] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:services:Services", name, None, context.child(opts))
        if values is not None:
            crds = [context.monitored_by] if context.monitored_by else []
            LocalChart(
                f"{name}-chart",
                LocalChartArgs(
                    chart=CHART,
                    release=RELEASE,
                    namespace=SERVICES,
                    values=values,
                    renderer=renderer,
                    after=[*after, *crds],
                    owned_elsewhere=_owned_by_shifts(settings) if values["autoscaler"] == "hpa" else {},
                ),
                pulumi.ResourceOptions(parent=self),
            )
        self.endpoints = {service: _url(service) for service in sorted(settings.by_name())}
        self.register_outputs({"endpoints": self.endpoints})


def _owned_by_shifts(settings: ServicesSettings) -> dict[tuple[str, str], list[str]]:
    return {("HorizontalPodAutoscaler", name): ["spec.minReplicas"] for name in settings.shifted()}


def _url(service: str) -> str:
    return f"http://{service}.{SERVICES}.svc.cluster.local:{HTTP_PORT}"


def chart_values(
    settings: ServicesSettings,
    *,
    region: str,
    time_zone: str,
    dns_caches: Sequence[str] = DNS_CACHES,
    data_services: Sequence[DataService],
    telemetry_endpoint: str | None,
    trace_sampling: float,
    monitored: bool,
    scaled_by_keda: bool = False,
) -> dict[str, Any]:
    """Return the chart's values for a region, for any deployer. They contain no secret.

    `time_zone` is the region's time zone, from the IANA database.
    `dns_caches` are the address blocks outside the pods' network where the services may ask for names.
    `data_services` are those with connection Secrets in the services' namespace.
    `telemetry_endpoint` is the URL of an OTLP/gRPC collector (None: no traces). It gets the share `trace_sampling`
    (0 to 1) of new traces.
    With `monitored` the cluster has the kinds of the Prometheus operator.
    With `scaled_by_keda` the services have neither autoscalers nor shifts (see `components.scaling`).
    """
    return {
        "region": region,
        "autoscaler": "none" if scaled_by_keda else "hpa",
        "services": {name: values_of(service, time_zone) for name, service in settings.by_name().items()},
        "ports": {"http": HTTP_PORT, "metrics": METRICS_PORT},
        "connections": {
            data_service: _connection(data_service, data_services) for data_service in get_args(DataService)
        },
        "telemetry": {"endpoint": telemetry_endpoint or "", "sampling": trace_sampling},
        "kubectl": image_values(KUBECTL_IMAGE),
        "networkPolicy": {"dnsCaches": list(dns_caches)},
        "serviceMonitor": {"enabled": monitored},
    }


def _connection(data_service: DataService, data_services: Sequence[DataService]) -> dict[str, Any]:
    # A named Secret exists before the chart: pods wait for it rather than start without it.
    return {"secret": secret_name(data_service), "optional": False} if data_service in data_services else {"secret": ""}


def values_of(service: ServiceSettings, time_zone: str) -> dict[str, Any]:
    """Return the chart's values of one service. Memory requests equal limits. CPU may burst to `CPU_BURST` times.

    With shifts, `min_replicas` is only the initial minimum. The shifts change it, and the program leaves it alone.
    """
    return {
        "image": image_values(service.image),
        "replicas": {
            "min": service.min_replicas,
            "max": service.max_replicas,
            "shifts": follow_the_sun(time_zone, service.min_replicas) if service.follow_the_sun else [],
        },
        "resources": {
            "requests": {"cpu": service.cpu, "memory": service.memory},
            "limits": {"cpu": cpu_limit(service.cpu), "memory": service.memory},
        },
    }


def follow_the_sun(time_zone: str, min_replicas: int) -> list[dict[str, Any]]:
    """Return the chart's shifts: `min_replicas` from 07:00 local time, and half of them (at least two) from 23:00.

    `time_zone` is from the IANA database.
    """
    night = night_minimum(min_replicas)
    return [
        {"name": "day", "cron": DAY_STARTS, "timeZone": time_zone, "min": min_replicas},
        {"name": "night", "cron": NIGHT_STARTS, "timeZone": time_zone, "min": night},
    ]


def night_minimum(min_replicas: int) -> int:
    """Return the fewest replicas at night: half of `min_replicas`, and at least two unless there are fewer by day."""
    return max(math.ceil(min_replicas * NIGHT_SHARE), min(min_replicas, 2))


def image_values(image: str) -> dict[str, str]:
    """Split `image` into the chart's parts: repository (including a registry's port), tag and digest."""
    rest, _, digest = image.partition("@")
    directory, slash, last = rest.rpartition("/")
    last, _, tag = last.partition(":")
    if not tag and not digest:
        raise ValueError(f"image: expected a tag or a digest, got {image!r}; write e.g. ghcr.io/example/service:1.4.2")
    return {"repository": f"{directory}{slash}{last}", "tag": tag, "digest": digest}


def cpu_limit(request: str) -> str:
    """Return the CPU limit for `request` (such as 250m, 0.5 or 2), in thousandths of a CPU."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(m?)", request)
    if match is None:
        raise ValueError(f"cpu: expected a number of CPUs or thousandths of one, such as 2 or 250m, got {request!r}")
    thousandths = float(match[1]) * (1 if match[2] else 1000)
    return f"{round(thousandths * CPU_BURST)}m"
