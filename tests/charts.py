"""What the Kubernetes provider's `helm:template` would answer under mocks: an outline, for no Helm is at hand there.

It has every object of the chart by kind, namespace and name, with the labels that all have, and next to nothing of what
is in them. A conformance test holds it against real Helm; what is in the objects is judged there.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from components.local_chart import FUNCTION

AUTOSCALER = "HorizontalPodAutoscaler"
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


def answer(token: str, args: Mapping[str, Any]) -> dict[str, Any] | None:
    """The outline of the chart's objects; None for other functions."""
    return {"result": list(_objects(json.loads(args["jsonOpts"])))} if token == FUNCTION else None


def _objects(options: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    values = options["values"]
    for kind in KINDS:
        for service in sorted(values["services"]):
            if kind != MONITOR or values["serviceMonitor"]["enabled"]:
                yield _outline(kind, service, options["namespace"], values)


def _outline(kind: str, service: str, namespace: str, values: Mapping[str, Any]) -> dict[str, Any]:
    api_version, _, name = kind.rpartition("/")
    labels = {
        "app.kubernetes.io/name": service,
        "app.kubernetes.io/part-of": "sacred-council",
        "app.kubernetes.io/managed-by": "Helm",
        "sacred-council.love/region": values["region"],
    }
    return {
        "apiVersion": api_version,
        "kind": name,
        "metadata": {"name": service, "namespace": namespace, "labels": labels},
        "spec": {"scaleTargetRef": {"kind": "Deployment", "name": service}} if name == AUTOSCALER else {},
    }
