"""The services' chart without Pulumi: installed, upgraded and uninstalled by the real helm, on a real API server."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from components.services import NAMES
from sandbox.controlplane import Cluster
from tests.support import apiserver
from tests.support.binaries import binary
from tests.support.rendering import ROOT

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]

CHART = str(ROOT / "charts" / "sacred-council")
NAMESPACE = "council"
SERVICES = set(NAMES)
KINDS = "deployments,services,horizontalpodautoscalers,poddisruptionbudgets,networkpolicies,serviceaccounts,cronjobs"
IMAGE = {"repository": "registry.example.org/agent-network", "tag": "1.4.0"}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster with a namespace for the services, with the labels from docs/getting-started.md."""
    binary("helm")
    with apiserver.running(tmp_path_factory.mktemp("chart"), "chart", slot=21) as running:
        kubectl(running, "create", "namespace", NAMESPACE)
        restricted = "pod-security.kubernetes.io/enforce=restricted"
        assert "labeled" in kubectl(running, "label", "namespace", NAMESPACE, restricted)
        yield running


def test_the_chart_is_installed_upgraded_and_uninstalled(cluster: Cluster) -> None:
    said = in_namespace(cluster, "install", "--set", "region=here")
    assert "4 services run in namespace council, region here" in said
    assert set(rolled_out(cluster)) == SERVICES

    changed = {"image": IMAGE, "replicas": {"max": 4}}
    in_namespace(cluster, "upgrade", "--reuse-values", "--set-json", f"services.agent-network={json.dumps(changed)}")
    images = {name: image(deployment) for name, deployment in rolled_out(cluster).items()}
    assert images.keys() == SERVICES
    assert images["agent-network"] == "registry.example.org/agent-network:1.4.0"
    assert len({*images.values()}) == 2

    ours = ("get", KINDS, "--namespace", NAMESPACE, "-l", "app.kubernetes.io/part-of=sacred-council", "-o", "name")
    assert kubectl(cluster, *ours)
    helm(cluster, "uninstall", "sacred-council", "--namespace", NAMESPACE, "--wait")
    assert kubectl(cluster, *ours) == ""


def kubectl(cluster: Cluster, *arguments: str) -> str:
    """The output of kubectl."""
    run = cluster.kubectl(*arguments)
    assert run.returncode == 0, run.stderr
    return run.stdout


def helm(cluster: Cluster, *arguments: str) -> str:
    """The output of helm."""
    command = [str(binary("helm")), *arguments, "--kubeconfig", str(cluster.kubeconfig)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout


def in_namespace(cluster: Cluster, verb: str, *arguments: str) -> str:
    """Run helm on the release, wait until its pods are ready, and return the output."""
    waiting = ("--namespace", NAMESPACE, "--wait", "--timeout", "2m")
    return helm(cluster, verb, "sacred-council", CHART, *waiting, *arguments)


def rolled_out(cluster: Cluster) -> dict[str, dict[str, Any]]:
    """Deployments whose pods are all new and ready, by name."""
    kubectl(cluster, "rollout", "status", "deployment", "--namespace", NAMESPACE, "--timeout", "2m")
    found = json.loads(kubectl(cluster, "get", "deployments", "--namespace", NAMESPACE, "-o", "json"))["items"]
    ready = [each for each in found if each["status"].get("updatedReplicas", 0) == each["status"]["readyReplicas"] > 0]
    return {each["metadata"]["name"]: each for each in ready}


def image(deployment: dict[str, Any]) -> str:
    return str(deployment["spec"]["template"]["spec"]["containers"][0]["image"])
