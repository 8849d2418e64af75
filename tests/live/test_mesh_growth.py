"""A region is added to two others, and removed again, while requests to services and to NATS run: none fails.

In each region NATS runs for real, with the files that the program deployed, and three servers. Programs in the networks
of two services' pods write to it, through these pods' proxies. The regions' NATS do not meet: the reserved addresses of
their peer endpoints are made up, and lead nowhere here.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial

import pytest

from components.namespaces import NATS, SERVICES
from sandbox.controllers.mesh import Mesh
from sandbox.controllers.stack import StackControllers
from sandbox.controlplane import Cluster
from tests.support import live, mesh_callers, mesh_sandboxes
from tests.support.data_pods import NatsRunner, Writer, nats_writer_in
from tests.support.mesh_callers import Caller, Seen
from tests.support.regions import AMSTERDAM, IOWA, VIRGINIA, configured
from tests.support.sandboxes import Sandbox
from tests.support.servers import eventually

pytestmark = [pytest.mark.engine, pytest.mark.campaign, pytest.mark.timeout(3600)]

DOMAIN = "example.org"
PATH = "/agent-network/"
DUTCH = {"x-sacred-language": "nl"}
OLD, NEW = (IOWA, VIRGINIA), AMSTERDAM
SERVERS = 3
"""Of NATS, in each region."""
MORE = {"edge": {"domain": DOMAIN}, "mesh": {"replicas": 1}}
TWO = {**configured(*OLD), **MORE}
THREE = {**configured(*OLD, NEW), **MORE}


@dataclass
class World:
    """The regions, and a machine outside of them."""

    sandbox: Sandbox
    stack: StackControllers
    mesh: Mesh
    caller: Caller
    worker: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))
    """A thread that lives on: an istiod ends with the thread that started it."""

    def clusters(self, region: str) -> list[Cluster]:
        """The region's control plane, once it runs and has a kubeconfig."""
        found = [each for each in mesh_sandboxes.clusters(self.sandbox) if each.plane.name == region]
        return [each for each in found if each.servers and each.kubeconfig.is_file()]

    def is_ready(self, region: str) -> bool:
        """Whether all of the region's pods that should have a proxy are ready."""
        return mesh_sandboxes.all_ready(self.mesh.regions[region].istiod)

    def has_nats(self, region: str) -> bool:
        """Whether all of the region's NATS servers are ready."""
        found = mesh_sandboxes.pods(self.mesh.regions[region].istiod, NATS)
        conditions = [{each["type"]: each["status"] for each in pod["status"]["conditions"]} for pod in found]
        return len(found) == SERVERS and all(each.get("Ready") == "True" for each in conditions)

    @contextmanager
    def controllers_of(self, region: str) -> Iterator[None]:
        """Start the controllers of a region as soon as it has a control plane."""

        def work() -> None:
            eventually(lambda: self.clusters(region), seconds=300, what="a control plane")
            self.stack.add_region(*self.clusters(region))
            self.mesh.add_region(self.stack, region)

        done = self.worker.submit(work)
        yield
        done.result()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    live.require_networks()
    live.require_programs()
    with (
        mesh_sandboxes.deployed(tmp_path_factory.mktemp("growth"), "multiregion", TWO) as sandbox,
        mesh_sandboxes.meshed(sandbox, [NatsRunner()]) as (stack, mesh),
    ):
        found = World(sandbox, stack, mesh, mesh_callers.caller_of(stack, DOMAIN))
        for region in stack.regions:
            eventually(partial(found.is_ready, region), seconds=300, what=f"{region}'s pods are ready")
            eventually(partial(mesh_callers.answers, found.caller, region, PATH), seconds=60, what="an answer")
        yield found
    found.worker.shutdown()


@pytest.fixture(scope="module")
def writers(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Writer]]:
    """For each old region, a program in the network of a pod of a service, which writes to the region's NATS."""
    folder = tmp_path_factory.mktemp("writers")
    with ExitStack() as stack:
        made = []
        for name, _ in OLD:
            eventually(partial(world.has_nats, name), seconds=180, what=f"{name}'s NATS")
            pods = mesh_sandboxes.pods(world.mesh.regions[name].istiod, SERVICES)
            pod = min(f"{SERVICES}/{each['metadata']['name']}" for each in pods if mesh_sandboxes.is_ready(each))
            made.append(stack.enter_context(nats_writer_in(world.stack.regions[name], pod, folder / name)))
        yield made


def has_met(writer: Writer, count: int) -> bool:
    """Whether more than so many new connections of the writer have led to its region."""
    return writer.seen().met > count


def assert_written(writers: list[Writer]) -> None:
    """Nothing that the writers tried has failed."""
    for writer in writers:
        before = writer.seen()
        more = partial(has_met, writer, before.met + 2)
        eventually(more, seconds=30, what="new connections")
        seen = writer.seen()
        assert (seen.errors, seen.disconnected, seen.reconnected) == ([], 0, 0), writer.region
        assert seen.written > before.written


@contextmanager
def requests(world: World) -> Iterator[tuple[Seen, Seen]]:
    """Requests to both regions: for the own region, and in a language that only the new one will serve."""
    paths = {name: PATH for name, _ in OLD}
    with mesh_callers.load(world.caller, paths) as own, mesh_callers.load(world.caller, paths, DUTCH) as dutch:
        yield own, dutch


def test_a_region_comes_without_a_failed_request_and_serves(world: World, writers: list[Writer]) -> None:
    with requests(world) as (own, dutch):
        with world.controllers_of(NEW[0]):
            world.sandbox.configure(THREE)
            world.sandbox.run("up", world.sandbox.stack)
        eventually(lambda: world.is_ready(NEW[0]), seconds=300, what="the new region's pods are ready")
        eventually(lambda: dutch.answers[IOWA[0], NEW[0]] > 50, seconds=120, what="requests that the new region serves")
    assert (own.errors, dutch.errors) == ([], [])
    assert (own.retried, dutch.retried) == (0, 0)
    assert {region for pair in own.answers for region in pair} == {name for name, _ in OLD}
    assert_written(writers)


def test_a_region_goes_without_a_failed_request(world: World, writers: list[Writer]) -> None:
    with requests(world) as (own, dutch):
        eventually(lambda: dutch.answers[IOWA[0], NEW[0]] > 20, seconds=60, what="requests that the region serves")
        world.sandbox.configure(TWO)
        world.sandbox.run("up", world.sandbox.stack)
        served = sum(dutch.answers.values())
        eventually(lambda: sum(dutch.answers.values()) > served + 100, seconds=60, what="requests that others serve")
    assert (own.errors, dutch.errors) == ([], [])
    assert (own.retried, dutch.retried) == (0, 0)
    assert_written(writers)


def test_the_regions_nats_has_every_message(writers: list[Writer]) -> None:
    for writer in writers:
        seen = writer.end()
        assert seen.stored == seen.written > 100
        assert (seen.errors, seen.disconnected, seen.reconnected) == ([], 0, 0), writer.region
