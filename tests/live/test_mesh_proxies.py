"""Real Envoys, as gateway and as sidecars, take everything that istiod gives them."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from components.namespaces import INGRESS, SERVICES
from components.services import NAMES
from sandbox.controllers.mesh import Mesh
from sandbox.controllers.stack import StackControllers
from tests.support import live, mesh_sandboxes
from tests.support.servers import eventually

pytestmark = [pytest.mark.engine, pytest.mark.campaign, pytest.mark.timeout(1800)]

REGION = "local"
PROXIES = (*(f"{SERVICES}/{name}" for name in NAMES), f"{INGRESS}/istio-ingressgateway")


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[StackControllers, Mesh]]:
    live.require_networks()
    live.require_programs()
    with (
        mesh_sandboxes.deployed(tmp_path_factory.mktemp("proxies"), "local") as sandbox,
        mesh_sandboxes.meshed(sandbox) as running,
    ):
        eventually(lambda: set(PROXIES) <= set(_ready(running[1])), seconds=180, what="pods with ready proxies")
        yield running


def _ready(mesh: Mesh) -> dict[str, str]:
    """Pods with a ready proxy, by namespace and workload."""
    istiod = mesh.regions[REGION].istiod
    found = [pod for namespace in (SERVICES, INGRESS) for pod in mesh_sandboxes.pods(istiod, namespace)]
    return {
        f"{pod['metadata']['namespace']}/{pod['metadata']['labels']['app.kubernetes.io/name']}": pod["metadata"]["name"]
        for pod in found
        if mesh_sandboxes.is_ready(pod)
    }


@pytest.fixture(params=PROXIES)
def dump(request: pytest.FixtureRequest, mesh: tuple[StackControllers, Mesh]) -> dict[str, Any]:
    """Envoy's whole configuration in one pod of each workload."""
    stack, meshes = mesh
    namespace = request.param.split("/")[0]
    pod = f"{namespace}/{_ready(meshes)[request.param]}"
    place = stack.regions[REGION].agent.namespace_of(pod)
    return live.get(place, "127.0.0.1", 15000, "/config_dump?include_eds")


def parts(dump: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
    return [each for each in dump["configs"] if each["@type"].endswith(kind)]


def test_envoy_rejects_nothing(dump: dict[str, Any]) -> None:
    assert mesh_sandboxes.rejected(dump) == []


def test_every_listener_and_cluster_is_active(dump: dict[str, Any]) -> None:
    (listeners,) = parts(dump, "ListenersConfigDump")
    (clusters,) = parts(dump, "ClustersConfigDump")
    assert len(listeners["dynamic_listeners"]) > 1
    assert len(clusters["dynamic_active_clusters"]) > 10
    assert [each["name"] for each in listeners["dynamic_listeners"] if "active_state" not in each] == []
    assert clusters.get("dynamic_warming_clusters", []) == []


def test_istiod_sees_every_proxy_in_its_newest_state(mesh: tuple[StackControllers, Mesh]) -> None:
    istiod = mesh[1].regions[REGION].istiod

    def behind() -> list[str]:
        return [
            f"{proxy['proxy']} {kind}: {resource}"
            for proxy in istiod.debug("syncz")
            for kind, resource in proxy["resources"].items()
            if resource.get("lastError") or resource.get("sent") != resource.get("acked")
        ]

    eventually(lambda: behind() == [], seconds=30, what="proxies that have all that was sent")
    assert len(istiod.debug("syncz")) >= len(PROXIES)


def test_proxies_complain_about_nothing(mesh: tuple[StackControllers, Mesh]) -> None:
    logs = [*(mesh[0].directory / REGION / "pods").glob("*/*/istio-*/log")]
    assert len(logs) >= len(PROXIES)
    said = {
        str(log.relative_to(mesh[0].directory)): mesh_sandboxes.complaints_in(log, mesh_sandboxes.STARTING)
        for log in logs
    }
    assert {log: found for log, found in said.items() if found} == {}
