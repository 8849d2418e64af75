"""Answers of the Kubernetes provider's `helm:template` under mocks: an outline, because Helm is not available there.

The outline has every object of the chart by kind, namespace and name, with the labels that all have, and almost none of
their content. A conformance test compares the outline with real Helm and checks the content.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from components.local_chart import FUNCTION

AUTOSCALER = "HorizontalPodAutoscaler"
WITHOUT_SPEC = ("ServiceAccount", "Role", "RoleBinding")
MONITOR = "monitoring.coreos.com/v1/ServiceMonitor"
KINDS = (
    "networking.k8s.io/v1/NetworkPolicy",
    "policy/v1/PodDisruptionBudget",
    "v1/ServiceAccount",
    "v1/Service",
    "apps/v1/Deployment",
    "autoscaling/v2/HorizontalPodAutoscaler",
    MONITOR,
)
CRON_JOB = "batch/v1/CronJob"
SHIFT_KINDS = (
    "networking.k8s.io/v1/NetworkPolicy",
    "v1/ServiceAccount",
    "rbac.authorization.k8s.io/v1/Role",
    "rbac.authorization.k8s.io/v1/RoleBinding",
    CRON_JOB,
)
"""Kinds of the services with scheduled scaling."""


def answer(token: str, args: Mapping[str, Any]) -> dict[str, Any] | None:
    """The outline of the chart's objects; None for other functions."""
    return {"result": list(_objects(json.loads(args["jsonOpts"])))} if token == FUNCTION else None


def _objects(options: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    values = options["values"]
    scales = values["autoscaler"] == "hpa"
    for kind in KINDS if scales else [kind for kind in KINDS if not kind.endswith(AUTOSCALER)]:
        for service in sorted(values["services"]):
            if kind != MONITOR or values["serviceMonitor"]["enabled"]:
                yield _outline(kind, service, options["namespace"], values)
    if scales:
        yield from _shifts(values, options["namespace"])


def _shifts(values: Mapping[str, Any], namespace: str) -> Iterator[dict[str, Any]]:
    services = values["services"]
    names = [f"{name}-{shift['name']}" for name in sorted(services) for shift in services[name]["replicas"]["shifts"]]
    for kind in SHIFT_KINDS if names else ():
        for name in names if kind == CRON_JOB else ["follow-the-sun"]:
            yield _outline(kind, name, namespace, values, app="follow-the-sun")


def _outline(kind: str, name: str, namespace: str, values: Mapping[str, Any], app: str | None = None) -> dict[str, Any]:
    api_version, _, kind = kind.rpartition("/")
    labels = {
        "app.kubernetes.io/name": app or name,
        "app.kubernetes.io/part-of": "sacred-council",
        "app.kubernetes.io/managed-by": "Helm",
        "sacred-council.love/region": values["region"],
    }
    outline = {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
    }
    if kind in WITHOUT_SPEC:
        return outline
    return {**outline, "spec": {"scaleTargetRef": {"kind": "Deployment", "name": name}} if kind == AUTOSCALER else {}}
