"""The scaled objects: what KEDA scales each service on, instead of the chart's HorizontalPodAutoscalers."""

from collections.abc import Mapping
from typing import Any, Final

import pulumi
import pulumi_kubernetes as k8s

from components.context import RegionContext
from components.metadata import object_meta
from components.monitoring.names import prometheus_url
from components.monitoring.rules.scaling import EVENTS, FORECAST, LOAD, SERVICE, ScalingPlan
from components.namespaces import MONITORING, SERVICES
from components.services.services import DAY_STARTS, NIGHT_STARTS, night_minimum
from components.services.settings import ServiceSettings, ServicesSettings

API_VERSION: Final = "keda.sh/v1alpha1"
KIND: Final = "ScaledObject"
TAKES_OVER: Final = "scaledobject.keda.sh/transfer-hpa-ownership"
"""Annotation with which KEDA takes over an autoscaler that is there, under the same name."""

CPU_PERCENT: Final = 70
MEMORY_PERCENT: Final = 80
"""Mean use of the service's container in percent of its request, as in `charts/sacred-council/values.yaml`."""
BEHAVIOR: Final[Mapping[str, Any]] = {
    "scaleUp": {
        "stabilizationWindowSeconds": 0,
        "selectPolicy": "Max",
        "policies": [
            {"type": "Percent", "value": 100, "periodSeconds": 30},
            {"type": "Pods", "value": 4, "periodSeconds": 30},
        ],
    },
    "scaleDown": {
        "stabilizationWindowSeconds": 300,
        "selectPolicy": "Max",
        "policies": [
            {"type": "Percent", "value": 10, "periodSeconds": 60},
            {"type": "Pods", "value": 1, "periodSeconds": 60},
        ],
    },
}
"""How fast replicas are added and removed: the same as in the chart's HorizontalPodAutoscaler."""
FAILURES: Final = 3
"""Failed queries in a row, about 15 s apart, after which the fallback begins. Until then the autoscaler keeps the
replicas, too: it removes none while it lacks a metric."""


class ScaledServices(pulumi.ComponentResource):
    """A scaled object for each service.

    `time_zone` is the region's, from the IANA database.
    The scaled objects wait for `keda` and for `after`: KEDA looks for the services as soon as there is one.

    No outputs.
    """

    def __init__(
        self,
        name: str,
        context: RegionContext,
        services: ServicesSettings,
        *,
        plan: ScalingPlan,
        time_zone: str,
        keda: pulumi.Resource,
        after: pulumi.Resource,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:scaling:ScaledServices", name, None, context.child(opts))
        for service, settings in services.by_name().items():
            k8s.apiextensions.CustomResource(
                f"{name}-{service}",
                api_version=API_VERSION,
                kind=KIND,
                metadata=object_meta(
                    service,
                    app=service,
                    region=context.region,
                    namespace=context.namespaces[SERVICES],
                    annotations={TAKES_OVER: "true"},
                ),
                spec=scaled_object(service, settings, plan=plan, time_zone=time_zone),
                opts=pulumi.ResourceOptions(parent=self, depends_on=[keda, after]),
            )
        self.register_outputs({})


def scaled_object(service: str, settings: ServiceSettings, *, plan: ScalingPlan, time_zone: str) -> dict[str, Any]:
    """Return the spec of the scaled object of `service`.

    The trigger with the highest number of replicas decides. If Prometheus does not answer, each of its triggers asks
    for the replicas that are there, and at least the daytime minimum; the use of CPU and memory may add to them.
    """
    night = night_minimum(settings.min_replicas) if settings.follow_the_sun else settings.min_replicas
    return {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": service},
        "minReplicaCount": night,
        "maxReplicaCount": settings.max_replicas,
        "advanced": {"horizontalPodAutoscalerConfig": {"name": service, "behavior": dict(BEHAVIOR)}},
        "fallback": {
            "failureThreshold": FAILURES,
            "replicas": settings.min_replicas,
            "behavior": "currentReplicasIfHigher",
        },
        "triggers": [
            _resource_trigger("cpu", service, CPU_PERCENT),
            _resource_trigger("memory", service, MEMORY_PERCENT),
            # Without an answer about the load, its need is unknown, and not zero.
            _prometheus_trigger("load", LOAD, service, missing_is_zero=False),
            *([_prometheus_trigger("forecast", FORECAST, service, missing_is_zero=True)] if plan.weeks else []),
            *([_prometheus_trigger("events", EVENTS, service, missing_is_zero=True)] if plan.events else []),
            *([_daytime(settings.min_replicas, time_zone)] if settings.follow_the_sun else []),
        ],
    }


def _resource_trigger(resource: str, service: str, percent: int) -> dict[str, Any]:
    # A mesh sidecar does not count.
    return {
        "type": resource,
        "name": resource,
        "metricType": "Utilization",
        "metadata": {"value": str(percent), "containerName": service},
    }


def _prometheus_trigger(name: str, record: str, service: str, *, missing_is_zero: bool) -> dict[str, Any]:
    """Return a trigger on a recorded series, whose unit is replicas: a target of 1 makes the value their number."""
    return {
        "type": "prometheus",
        "name": name,
        "metricType": "AverageValue",
        "metadata": {
            "serverAddress": prometheus_url(MONITORING),
            "query": f'{record}{{{SERVICE}="{service}"}}',
            "threshold": "1",
            "ignoreNullValues": str(missing_is_zero).lower(),
        },
    }


def _daytime(replicas: int, time_zone: str) -> dict[str, Any]:
    return {
        "type": "cron",
        "name": "follow-the-sun",
        "metadata": {
            "timezone": time_zone,
            "start": DAY_STARTS,
            "end": NIGHT_STARTS,
            "desiredReplicas": str(replicas),
        },
    }
