"""Objects that the Kubernetes stand-in is tried with, and what the API server has of them."""

from __future__ import annotations

import json
from typing import Any

from sandbox.controlplane import Cluster

NAMESPACE = "standin"


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def pod_spec(**more: Any) -> dict[str, Any]:
    return {"containers": [{"name": "c", "image": "registry.example/x:1"}], **more}


def deployment(name: str, **pod: Any) -> dict[str, Any]:
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": pod_spec(**pod)}
    spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def job(name: str, **more: Any) -> dict[str, Any]:
    pod = pod_spec(restartPolicy="Never", **more.pop("pod", {}))
    spec = {"template": {"spec": pod}, **more}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": spec}


def service(name: str, **spec: Any) -> dict[str, Any]:
    ports = [{"name": "http", "port": 80}]
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"ports": ports, **spec}}


def live(cluster: Cluster, kind: str, name: str) -> Any:
    run = cluster.kubectl("get", kind, name, "--namespace", NAMESPACE, "--output=json", "--ignore-not-found")
    return json.loads(run.stdout) if run.stdout else None
