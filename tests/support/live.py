"""Regions whose pods run as processes, for tests that make real requests."""

from __future__ import annotations

import http.client
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox import binaries
from sandbox.controllers import netns
from sandbox.controllers.containers import ContainerRunner
from sandbox.controllers.janitor import Janitor
from sandbox.controllers.network import Internet
from sandbox.controllers.stack import StackControllers
from sandbox.controlplane import Cluster
from sandbox.layout import PROJECT, Layout
from tests.support import apiserver

PATIENCE_SECONDS = 90.0
STACK = "live"
NAMESPACE = "council"
IMAGE = "ghcr.io/stefanprodan/podinfo:6.9.2"


def require_networks() -> None:
    """Skip the test on a machine that cannot have the regions' networks, with the reason."""
    if reason := netns.why_not():
        pytest.skip(f"regions cannot have networks here: {reason}")


def require_programs() -> None:
    """Skip the test if kube-proxy is not built: that takes minutes."""
    layout = Layout.from_environment()
    missing = [each.name for each in binaries.NETWORK if not binaries.is_current(layout, each)]
    if missing:
        pytest.skip(f"not built: {', '.join(missing)}; `python -m sandbox build --campaigns` builds them")


def prefix(name: str) -> str:
    """A prefix of namespaces that no other run on this machine has. `name`: two letters."""
    return f"sc{name}{os.getpid():x}"


@contextmanager
def internet(name: str) -> Iterator[Internet]:
    """The network between regions, which goes with all that is connected to it, even if the run is killed."""
    require_networks()
    found = Internet(prefix(name))
    janitor = Janitor(found.prefix, [])
    found.create()
    try:
        yield found
    finally:
        found.remove()
        janitor.dismiss()
        assert netns.listed(found.prefix) == []


@contextmanager
def regions(folder: Path, names: Sequence[str], first_slot: int) -> Iterator[list[Cluster]]:
    """Control planes of regions with these names, in consecutive slots."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(apiserver.running(folder, name, first_slot + index)) for index, name in enumerate(names)
        ]


@contextmanager
def controllers(
    folder: Path, clusters: Sequence[Cluster], runners: Sequence[ContainerRunner] = ()
) -> Iterator[StackControllers]:
    """The regions' networks, proxies and agents, ended afterwards."""
    layout = Layout(project=PROJECT, home=folder, binaries=Layout.from_environment().binaries)
    found = StackControllers(layout, STACK, clusters, runners)
    found.start()
    try:
        yield found
    finally:
        found.stop()


def await_true(happens: Callable[[], bool], what: str) -> None:
    """Wait until `happens` returns true; fail with `what` after a long time."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not happens():
        assert time.monotonic() < deadline, f"it never happened that {what}"
        time.sleep(0.1)


def get(
    namespace: str,
    address: str,
    port: int,
    path: str = "/",
    headers: Mapping[str, str] | None = None,
    method: str = "GET",
) -> dict[str, Any]:
    """The JSON that a request from a network namespace gets, with its `status`. Raises `OSError` without an answer.

    An answer that is no JSON is the `text` beside the status.
    """
    connection = http.client.HTTPConnection(address, port, timeout=5)
    connection.sock = netns.connect(namespace, (address, port), 2)
    try:
        connection.request(method, path, headers={"Connection": "close", **(headers or {})})
        response = connection.getresponse()
        body = response.read().decode()
        found = json.loads(body) if body.startswith("{") else {"text": body}
        return {**found, "status": response.status}
    finally:
        connection.close()


def answers(namespace: str, address: str, port: int, path: str = "/") -> bool:
    """Whether a request gets an answer."""
    try:
        return int(get(namespace, address, port, path)["status"]) == http.client.OK
    except (OSError, http.client.HTTPException):
        return False


def apply(cluster: Cluster, *objects: Mapping[str, Any]) -> None:
    """Create or update objects."""
    text = yaml.safe_dump_all([dict(each) for each in objects])
    said = cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=text)
    assert said.returncode == 0, said.stderr


def objects(cluster: Cluster, kind: str, *arguments: str) -> list[dict[str, Any]]:
    """The objects of a kind in the test's namespace."""
    said = cluster.kubectl("get", kind, "--namespace", NAMESPACE, "--output=json", *arguments)
    assert said.returncode == 0, said.stderr
    found: list[dict[str, Any]] = json.loads(said.stdout)["items"]
    return found


def deployment(name: str, region: str, replicas: int, **probe: Any) -> dict[str, Any]:
    """A Deployment of the sample image as the services' chart renders it, with quick probes."""
    readiness = {"httpGet": {"path": "/readyz", "port": "http"}, "periodSeconds": 1, "failureThreshold": 1, **probe}
    container = {
        "name": name,
        "image": IMAGE,
        "command": ["./podinfo", "--port=$(HTTP_PORT)", "--port-metrics=$(METRICS_PORT)"],
        "env": [
            {"name": "SERVICE_NAME", "value": name},
            {"name": "REGION", "value": region},
            {"name": "HTTP_PORT", "value": "9898"},
            {"name": "METRICS_PORT", "value": "9797"},
        ],
        "ports": [{"name": "http", "containerPort": 9898}, {"name": "metrics", "containerPort": 9797}],
        "readinessProbe": readiness,
        "lifecycle": {"preStop": {"sleep": {"seconds": 2}}},
        "volumeMounts": [{"name": "tokens", "mountPath": "/var/run/tokens"}],
    }
    token = {"serviceAccountToken": {"path": "token", "audience": "test"}}
    spec = {
        "securityContext": {"runAsUser": 10001, "runAsGroup": 10001, "runAsNonRoot": True},
        "terminationGracePeriodSeconds": 20,
        "automountServiceAccountToken": False,
        "containers": [container],
        "volumes": [{"name": "tokens", "projected": {"sources": [token]}}],
    }
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        },
    }


def service(name: str, app: str, **spec: Any) -> dict[str, Any]:
    """A Service of the app on port 80."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"selector": {"app": app}, "ports": [{"name": "http", "port": 80, "targetPort": "http"}], **spec},
    }


def namespace_object() -> dict[str, Any]:
    """The test's namespace, with the services' restricted pod security."""
    labels = {"pod-security.kubernetes.io/warn": "restricted"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}}


def cluster_address(cluster: Cluster, name: str) -> str:
    """The cluster address of a Service."""
    return next(
        str(each["spec"]["clusterIP"]) for each in objects(cluster, "services") if each["metadata"]["name"] == name
    )


def balancer_address(cluster: Cluster, name: str) -> str:
    """The load balancer address of a Service, once it has one."""
    found: list[str] = []

    def has_one() -> bool:
        for each in objects(cluster, "services"):
            if each["metadata"]["name"] == name:
                entries = each["status"]["loadBalancer"].get("ingress") or []
                found.extend(entry["ip"] for entry in entries)
        return bool(found)

    await_true(has_one, f"Service {name} gets a load balancer address")
    return found[0]
