"""Real requests through three regions on three clouds: real istiods, Envoys as gateways and sidecars."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from components.namespaces import SERVICES
from components.services import NAMES
from sandbox.controllers.mesh import Mesh
from sandbox.controllers.stack import StackControllers
from tests.support import live, mesh_callers, mesh_sandboxes
from tests.support.envoy_caller import envoy_caller
from tests.support.mesh_callers import FAILURES, Caller
from tests.support.regions import AMSTERDAM, IOWA, MIXED, VIRGINIA, configured
from tests.support.sandboxes import Sandbox
from tests.support.servers import eventually

pytestmark = [pytest.mark.engine, pytest.mark.campaign, pytest.mark.timeout(3600)]

DOMAIN = "example.org"
SERVICE = "agent-network"
PATH = f"/{SERVICE}/"
PODS = 2
"""Of each service, in each region."""
CIRCLES = 60
SETTINGS = {
    **configured(*MIXED),
    "edge": {"domain": DOMAIN},
    "mesh": {"replicas": 1, "postQuantum": "prefer"},
    "services": {name: {"minReplicas": PODS, "maxReplicas": 4} for name in NAMES},
}


@dataclass(frozen=True)
class World:
    """The regions, and a machine outside of them."""

    sandbox: Sandbox
    stack: StackControllers
    mesh: Mesh
    caller: Caller


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    live.require_networks()
    live.require_programs()
    folder = tmp_path_factory.mktemp("requests")
    with (
        mesh_sandboxes.deployed(folder, "multiregion", SETTINGS) as sandbox,
        mesh_sandboxes.meshed(sandbox) as (stack, mesh),
    ):
        for region in stack.regions:
            ready = partial(mesh_sandboxes.all_ready, mesh.regions[region].istiod, len(NAMES) * PODS + 2)
            eventually(ready, seconds=300, what=f"{region}'s pods are ready")
        caller = mesh_callers.caller_of(stack, DOMAIN)
        for region in stack.regions:
            there = partial(mesh_callers.answers, caller, region, PATH)
            eventually(there, seconds=120, what=f"{region}'s gateway answers")
        yield World(sandbox, stack, mesh, caller)


def who(world: World, region: str, headers: Mapping[str, str] | None = None, count: int = 12) -> set[str]:
    """The regions that answer requests to a region's gateway. Each request must get an answer."""
    answers = [world.caller.call(region, PATH, headers) for _ in range(count)]
    assert {answer["status"] for answer in answers} == {200}, answers
    return {str(answer["region"]) for answer in answers}


def answers(world: World, asked: str, region: str) -> bool:
    """Whether all requests to a region's gateway are answered by one region."""
    return who(world, asked) == {region}


@pytest.mark.parametrize("region", [name for name, _ in MIXED])
def test_a_region_serves_its_own_requests(world: World, region: str) -> None:
    assert who(world, region) == {region}


@pytest.mark.parametrize("name", NAMES)
def test_every_service_answers_at_its_path_without_the_prefix(world: World, name: str) -> None:
    answer = world.caller.call(IOWA[0], f"/{name}/a/b?c=d")
    assert (answer["service"], answer["path"], answer["status"]) == (name, "/a/b", 200)


def test_an_unknown_path_leads_nowhere(world: World) -> None:
    assert world.caller.call(IOWA[0], "/elsewhere")["status"] == 404


def test_without_pods_the_nearest_region_answers_then_the_next_and_then_the_own_again(world: World) -> None:
    """From Amsterdam, Virginia is 6,200 km away, and Iowa 7,200."""
    here, near, far = AMSTERDAM[0], VIRGINIA[0], IOWA[0]
    for gone, then in ((here, near), (near, far)):
        mesh_callers.scale(world.stack.regions[gone].cluster, SERVICE, 0)
        eventually(partial(answers, world, here, then), seconds=60, what=f"{then} answers for {gone}")
    for back in (near, here):
        mesh_callers.scale(world.stack.regions[back].cluster, SERVICE, PODS)
        eventually(partial(answers, world, here, back), seconds=120, what=f"{back} answers again")


@pytest.mark.parametrize(
    ("asked", "language", "serves"),
    [
        (IOWA[0], "nl", AMSTERDAM[0]),
        (VIRGINIA[0], "nl-BE", AMSTERDAM[0]),
        (AMSTERDAM[0], "es", VIRGINIA[0]),
        (AMSTERDAM[0], "nl", AMSTERDAM[0]),
        # Nobody serves Klingon, so nobody is better than the own region.
        (AMSTERDAM[0], "tlh", AMSTERDAM[0]),
    ],
)
def test_a_language_leads_to_a_region_that_serves_it(world: World, asked: str, language: str, serves: str) -> None:
    assert who(world, asked, {"x-sacred-language": language}) == {serves}


def pods_of_circles(world: World, region: str) -> dict[int, str]:
    """The pod of each circle, which must be one."""
    found: dict[int, set[str]] = {}
    for _ in range(3):
        for circle in range(CIRCLES):
            answer = world.caller.call(region, PATH, {"x-sacred-circle": f"circle-{circle}"})
            assert answer["status"] == 200
            found.setdefault(circle, set()).add(str(answer["pod"]))
    assert {circle: pods for circle, pods in found.items() if len(pods) != 1} == {}
    return {circle: pods.pop() for circle, pods in found.items()}


def _spread(world: World, region: str) -> int:
    """The number of pods that have circles."""
    return len(set(pods_of_circles(world, region).values()))


def test_a_circle_keeps_its_pod_while_another_comes(world: World) -> None:
    region = IOWA[0]
    cluster = world.stack.regions[region].cluster
    before = pods_of_circles(world, region)
    assert len(set(before.values())) == PODS
    mesh_callers.autoscale(cluster, SERVICE, PODS + 1)
    try:
        eventually(lambda: _spread(world, region) == PODS + 1, seconds=120, what="circles on a new pod")
        after = pods_of_circles(world, region)
    finally:
        mesh_callers.autoscale(cluster, SERVICE, PODS)
    moved = [circle for circle in before if before[circle] != after[circle]]
    elsewhere = [circle for circle in moved if after[circle] in before.values()]
    print(f"{len(moved)} of {CIRCLES} circles moved from {PODS} pods to {PODS + 1}, {len(elsewhere)} to an older pod")
    # A third has to move, and Envoy's table moves a few more.
    assert CIRCLES / 6 < len(moved) < CIRCLES / 2
    assert len(elsewhere) < CIRCLES / 6


@pytest.mark.parametrize(
    ("groups", "agreed"),
    [(["X25519MLKEM768", "X25519"], "X25519MLKEM768"), (["X25519"], "X25519"), (["P-256"], "P-256")],
)
def test_the_edge_prefers_a_post_quantum_key_exchange(
    world: World, tmp_path: Path, groups: list[str], agreed: str
) -> None:
    address = f"203.0.113.{len(groups[0]) + len(groups)}"
    with envoy_caller(tmp_path / "envoy", world.caller, IOWA[0], groups, address) as caller:
        assert caller.get(PATH)["status"] == 200
        assert caller.groups() == {agreed: 1}


def test_a_plain_request_to_a_service_is_refused_but_for_its_metrics(world: World) -> None:
    region = world.stack.regions[IOWA[0]]
    pods = mesh_sandboxes.pods(world.mesh.regions[IOWA[0]].istiod, SERVICES)
    node, address = pods[0]["spec"]["nodeName"], pods[0]["status"]["podIP"]
    without_proxy = region.network.nodes[node]
    assert live.answers(without_proxy, address, 9797, "/metrics")
    with pytest.raises(FAILURES):
        live.get(without_proxy, address, 9898)


def test_after_an_idle_hour_the_next_request_succeeds(world: World) -> None:
    """Routers that forget idle connections stand between the regions. Keepalive probes keep them alive."""
    here = IOWA[0]
    for region in world.stack.regions.values():
        region.network.forget_idle(70)
    with world.caller.connected(here) as connection:
        headers = {"Host": DOMAIN, "x-sacred-language": "nl"}
        first = mesh_callers.ask(connection, PATH, headers)
        assert (first["status"], first["region"]) == (200, AMSTERDAM[0])
        time.sleep(150)
        second = mesh_callers.ask(connection, PATH, headers)
        assert (second["status"], second["region"]) == (200, AMSTERDAM[0])


def test_a_dead_region_costs_the_others_no_request(world: World) -> None:
    """Its pods, its network and its control plane are gone. A request is made at most twice."""
    dead = AMSTERDAM[0]
    others = {IOWA[0]: PATH, VIRGINIA[0]: PATH}
    with (
        mesh_callers.load(world.caller, others) as own,
        mesh_callers.load(world.caller, others, {"x-sacred-language": "nl"}) as elsewhere,
    ):
        eventually(lambda: elsewhere.answers[IOWA[0], dead] > 20, seconds=60, what="requests that the region serves")
        world.stack.remove_region(dead)
        known = elsewhere.answers.copy()
        eventually(
            lambda: sum((elsewhere.answers - known).values()) > 200, seconds=120, what="requests that others serve"
        )
    assert own.errors == []
    assert own.retried == 0
    assert elsewhere.errors == []
    assert {answering for _, answering in own.answers} == set(others)
