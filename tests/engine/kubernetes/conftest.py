"""One API server for each module, and the stand-in on it."""

from collections.abc import Iterator

import pytest

from sandbox.controlplane import Cluster
from tests.engine import apiserver
from tests.engine.standin import Driver
from tests.engine.standin_objects import NAMESPACE


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with apiserver.running(tmp_path_factory.mktemp("standin"), "standin", slot=42) as running:
        running.kubectl("create", "namespace", NAMESPACE)
        yield running


@pytest.fixture
def driver(cluster: Cluster) -> Iterator[Driver]:
    running = Driver(kubeconfig=str(cluster.kubeconfig), namespace=NAMESPACE, enableConfigMapMutable="true")
    yield running
    running.close()
