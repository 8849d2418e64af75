"""A mesh that takes the post-quantum key exchange and nothing else: real istiod, Envoys as gateway and as sidecars."""

import http.client
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from components.mesh.chart_values import TRUST_DOMAIN
from components.namespaces import INGRESS, SERVICES
from components.services import NAMES
from sandbox.controllers.mesh import Mesh
from sandbox.controllers.stack import StackControllers
from tests.support import live, mesh_callers, mesh_sandboxes
from tests.support.envoy_caller import envoy_caller
from tests.support.mesh_callers import FAILURES, Caller
from tests.support.servers import eventually

pytestmark = [pytest.mark.engine, pytest.mark.campaign, pytest.mark.timeout(1800)]

REGION = "local"
DOMAIN = "example.org"
HYBRID = "X25519MLKEM768"
CALLING, CALLED = NAMES[:2]
PATH = f"/{CALLED}/"
SETTINGS = {"edge": {"domain": DOMAIN}, "mesh": {"replicas": 1, "postQuantum": "strict"}}


@dataclass(frozen=True)
class World:
    """The region, and a machine outside of it."""

    stack: StackControllers
    mesh: Mesh
    caller: Caller

    def place_of(self, namespace: str, app: str) -> str:
        """The network namespace of a pod of this workload."""
        found = mesh_sandboxes.pods(self.mesh.regions[REGION].istiod, namespace)
        pod = next(each["metadata"] for each in found if each["metadata"]["labels"]["app.kubernetes.io/name"] == app)
        return self.stack.regions[REGION].agent.namespace_of(f"{namespace}/{pod['name']}")

    def proxy(self, namespace: str, app: str) -> dict[str, Any]:
        """Envoy's whole configuration in such a pod."""
        return live.get(self.place_of(namespace, app), "127.0.0.1", 15000, "/config_dump?include_eds")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    live.require_networks()
    live.require_programs()
    with (
        mesh_sandboxes.deployed(tmp_path_factory.mktemp("strict"), "local", SETTINGS) as sandbox,
        mesh_sandboxes.meshed(sandbox) as (stack, mesh),
    ):
        ready = partial(mesh_sandboxes.all_ready, mesh.regions[REGION].istiod, len(NAMES) + 1)
        eventually(ready, seconds=300, what="pods with ready proxies")
        yield World(stack, mesh, mesh_callers.caller_of(stack, DOMAIN))


def secured(value: Any) -> Iterator[dict[str, Any]]:
    """All settings of TLS anywhere in Envoy's configuration."""
    if isinstance(value, Mapping):
        if isinstance(value.get("common_tls_context"), Mapping):
            yield dict(value["common_tls_context"])
        for each in value.values():
            yield from secured(each)
    elif isinstance(value, list):
        for each in value:
            yield from secured(each)


def test_istiod_warns_of_nothing(world: World) -> None:
    assert mesh_sandboxes.complaints(world.mesh.regions[REGION].istiod, mesh_sandboxes.STARTING) == []


@pytest.mark.parametrize(("namespace", "app"), [(INGRESS, "istio-ingressgateway"), (SERVICES, CALLED)])
def test_proxies_take_it_all_and_are_told_of_no_other_key_exchange(world: World, namespace: str, app: str) -> None:
    dump = world.proxy(namespace, app)
    assert mesh_sandboxes.rejected(dump) == []
    # What Envoy starts with leads to its own agent, without TLS.
    found = [*secured(dump)]
    assert len(found) > len(NAMES)
    groups = {json.dumps(each.get("tls_params", {}).get("ecdh_curves")) for each in found}
    assert groups == {json.dumps([HYBRID])}


@pytest.mark.parametrize("groups", [[HYBRID, "X25519"], [HYBRID]])
def test_the_gateway_serves_a_client_that_has_it(world: World, tmp_path: Path, groups: list[str]) -> None:
    with envoy_caller(tmp_path / "envoy", world.caller, REGION, groups, f"203.0.113.{20 + len(groups)}") as caller:
        # The first request of all comes when the gateway may still wait for its certificate.
        eventually(lambda: caller.get(PATH)["status"] == http.client.OK, seconds=60, what="an answer")
        assert set(caller.groups()) == {HYBRID}


@pytest.mark.parametrize("groups", [["X25519"], ["P-256"], ["X25519", "P-256"]])
def test_the_gateway_refuses_a_client_that_has_it_not(world: World, tmp_path: Path, groups: list[str]) -> None:
    address = f"203.0.113.{30 + 2 * len(groups[0]) + len(groups)}"
    with envoy_caller(tmp_path / "envoy", world.caller, REGION, groups, address) as caller:
        with pytest.raises(FAILURES):
            caller.get(PATH)
        assert caller.groups() == {}
        assert caller.failures() > 0


def test_a_service_answers_another_through_both_proxies(world: World) -> None:
    where = ("--namespace", SERVICES, "--output=json")
    spec = json.loads(mesh_callers.kubectl(world.stack.regions[REGION].cluster, "get", "service", CALLED, *where))[
        "spec"
    ]
    port = next(each["port"] for each in spec["ports"] if each["name"] == "http")
    answer = live.get(world.place_of(SERVICES, CALLING), spec["clusterIP"], port, "/asked")
    assert (answer["status"], answer["service"], answer["path"]) == (http.client.OK, CALLED, "/asked")
    # Both have shown their certificates.
    assert f"spiffe://{TRUST_DOMAIN}/ns/{SERVICES}/" in answer["headers"]["x-forwarded-client-cert"]


def test_a_plain_request_to_a_service_is_refused(world: World) -> None:
    found = mesh_sandboxes.pods(world.mesh.regions[REGION].istiod, SERVICES)
    pod = next(each for each in found if each["metadata"]["labels"]["app.kubernetes.io/name"] == CALLED)
    without_proxy = world.stack.regions[REGION].network.nodes[pod["spec"]["nodeName"]]
    assert live.answers(without_proxy, pod["status"]["podIP"], 9797, "/metrics")
    with pytest.raises(FAILURES):
        live.get(without_proxy, pod["status"]["podIP"], 9898)
