"""A control plane, a namespace, a provider and a chart for each test of Helm."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.controlplane import Cluster
from tests.engine import apiserver
from tests.engine.helm.tools import DEPLOYMENT, HELM, SECRET, kubectl
from tests.engine.standin import Driver


@pytest.fixture(scope="package")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    if not HELM.is_file():
        pytest.skip("helm is not built; `make up` builds it")
    with apiserver.running(tmp_path_factory.mktemp("helm"), "helm", slot=43) as running:
        yield running


@pytest.fixture
def namespace(cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[str]:
    name = request.node.name.replace("_", "-").split("[")[0][-50:].strip("-")
    kubectl(cluster, "create", "namespace", name)
    yield name
    kubectl(cluster, "delete", "namespace", name, "--wait=false")


@pytest.fixture
def driver(cluster: Cluster, namespace: str) -> Iterator[Driver]:
    running = Driver(kubeconfig=cluster.kubeconfig.read_text(), namespace=namespace)
    yield running
    running.close()


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    folder = tmp_path / "demo"
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text('apiVersion: v2\nname: demo\nversion: 1.2.3\nappVersion: "9.9"\n')
    (folder / "values.yaml").write_text("replicas: 1\npassword: none\nnodes: {}\n")
    (folder / "templates" / "deployment.yaml").write_text(DEPLOYMENT)
    (folder / "templates" / "secret.yaml").write_text(SECRET)
    return folder
