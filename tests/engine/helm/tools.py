"""What the tests of Helm share: a small chart, and the commands to look behind the provider's back."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from pulumi.runtime.proto import provider_pb2

from sandbox.controlplane import Cluster
from sandbox.layout import Layout
from tests.engine.standin import Driver, State

HELM = Layout.from_environment().bin / "helm"
RELEASE = "urn:pulumi:test::standin::kubernetes:helm.sh/v3:Release::{}"
DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      nodeSelector: {{ .Values.nodes | toJson }}
      containers: [{name: web, image: "example.org/web:1"}]
"""
SECRET = """
apiVersion: v1
kind: Secret
metadata: {name: credentials}
stringData: {password: {{ .Values.password | quote }}}
"""
NOWHERE = {"example.org/no-such": "node"}


def release(chart: Path, **more: Any) -> dict[str, Any]:
    return {"chart": str(chart), "name": "demo", "timeout": 60, **more}


def verdict(driver: Driver, state: State, news: dict[str, Any]) -> tuple[str, set[str]]:
    """same, update or replace, and the properties that differ."""
    diff = driver.diff(state, driver.check(state.urn, news, state.inputs))
    if diff.changes == provider_pb2.DiffResponse.DIFF_NONE:
        return "same", set()
    return ("replace" if diff.replaces else "update"), set(diff.detailedDiff)


def kubectl(cluster: Cluster, *arguments: str) -> str:
    """What kubectl prints."""
    return cluster.kubectl(*arguments).stdout


def helm(cluster: Cluster, *arguments: str, content: str = "") -> str:
    command = [str(HELM), *arguments, "--kubeconfig", str(cluster.kubeconfig)]
    run = subprocess.run(command, input=content, capture_output=True, text=True, check=True)
    return run.stdout


def replicas(cluster: Cluster, namespace: str) -> str:
    return kubectl(cluster, "get", "deployment", "web", "-n", namespace, "-o", "jsonpath={.status.readyReplicas}")
