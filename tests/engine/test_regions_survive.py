"""Three regions on three clouds: an engine that is killed again and again, and a region whose API server is dead.

The tests build on each other.
"""

import json
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from tests.engine.sandboxes import Sandbox, kill_engine_after, wait_until_gone
from tests.regions import MIXED, configured

pytestmark = [pytest.mark.engine, pytest.mark.timeout(2400)]

KILLED_AFTER = (15, 40, 90, 60, 120)
"""How many resources each engine has made when it is killed: keys and networks, clusters, load balancers, workloads."""
KINDS = "deployments,statefulsets,jobs,services,configmaps,secrets,networkpolicies,horizontalpodautoscalers"
DEAD, _ = MIXED[2]
ALIVE = [name for name, _ in MIXED[:2]]
MEMORY_MIB = 384
CACHE = {
    "engine": "redis",
    "replicas": 3,
    "storage": "4Gi",
    "cpu": "250m",
    "memory": "1Gi",
    "maxMemory": f"{MEMORY_MIB}Mi",
}
"""The cache as it was, but with less memory for data."""
MESH = {"postQuantum": "off"}
"""The mesh as it was, but with another value for a Helm release."""
OURS = ("-A", "-l", "app.kubernetes.io/part-of=sacred-council")
CLOUDS = ("gcp:", "aws:", "azure-native:")


Identity = tuple[str, str, str, str]


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    made = Sandbox.of(tmp_path_factory.mktemp("survive") / "project", "multiregion")
    made.configure(configured(*MIXED))
    yield made
    made.take_down()


@pytest.fixture(scope="module")
def up(sandbox: Sandbox) -> str:
    """What the last `up` printed. Each one before was killed, later than the one before it."""
    for count in KILLED_AFTER:
        killed = kill_engine_after(sandbox.start("up", sandbox.stack), [" created"], count)
        assert "is up in the sandbox" not in killed
    return sandbox.run("up", sandbox.stack)


@pytest.fixture(scope="module")
def dead(sandbox: Sandbox, up: str) -> str:
    """What `up` printed when a setting had changed and one region's servers had ended."""
    servers = [process for process in sandbox.processes() if f"/clusters/{DEAD}/" in " ".join(process.cmdline())]
    assert servers
    for process in servers:
        process.kill()
    psutil.wait_procs(servers, timeout=10)
    sandbox.configure({"cache": CACHE, "mesh": MESH})
    return sandbox.pulumi("up", "--yes", "--skip-preview")


@pytest.fixture(scope="module")
def refused(sandbox: Sandbox, dead: str) -> str:
    """What `up` printed when the dead region had been taken off the list, and nothing else was said."""
    sandbox.configure(configured(*MIXED[:2]))
    return sandbox.pulumi("up", "--yes", "--skip-preview", fails=True)


@pytest.fixture(scope="module")
def without(sandbox: Sandbox, refused: str) -> str:
    """What the next `up` printed, after its objects had been forgotten: an `up` forgets no releases."""
    targets = ("--target", f"**kubernetes:**::{DEAD}-**")
    command = ("env", "PULUMI_K8S_DELETE_UNREACHABLE=true", "pulumi", "refresh", "--yes", "--skip-preview", *targets)
    sandbox.run("exec", "--", *command, "--stack", sandbox.stack)
    return sandbox.pulumi("up", "--yes", "--skip-preview")


def test_up_converges_however_often_the_engine_was_killed(sandbox: Sandbox, up: str) -> None:
    assert "Stack multiregion is up in the sandbox" in up
    sandbox.pulumi("preview", "--expect-no-changes")


def test_in_kubernetes_is_what_the_state_tracks_and_nothing_else(sandbox: Sandbox, up: str) -> None:
    tracked = tracked_objects(sandbox)
    assert len(tracked) == len(set(tracked))
    assert {one for region, _ in MIXED for one in present(sandbox, region)} == set(tracked)


def test_in_the_clouds_is_what_the_state_tracks_and_nothing_else(sandbox: Sandbox, up: str) -> None:
    tracked = tracked_in_clouds(sandbox)
    assert len(tracked) == len(set(tracked))
    assert in_clouds(sandbox) == set(tracked)


def test_a_dead_region_stops_no_other(sandbox: Sandbox, dead: str) -> None:
    for region in ALIVE:
        [settings] = objects(
            sandbox, region, "configmaps", "-n", "redis", "--field-selector=metadata.name=redis-settings"
        )
        assert f"maxmemory {MEMORY_MIB * 2**20}\n" in settings["data"]["redis.conf"]


def test_the_user_is_told_what_was_skipped(dead: str) -> None:
    told = [line for line in dead.splitlines() if "The cluster is unreachable; this object is skipped" in line]
    assert told
    assert "error:" not in dead


def test_a_dead_region_is_not_forgotten_by_accident(refused: str) -> None:
    assert "PULUMI_K8S_DELETE_UNREACHABLE=true" in refused


def test_nothing_is_left_of_a_dead_region_that_was_taken_off_the_list(sandbox: Sandbox, without: str) -> None:
    assert [r["urn"] for r in sandbox.resources() if f"::{DEAD}" in r["urn"]] == []
    assert [one for one in in_clouds(sandbox) if DEAD in one[1]] == []


def test_the_other_regions_are_as_they_should_be(sandbox: Sandbox, without: str) -> None:
    sandbox.pulumi("preview", "--expect-no-changes")
    assert {one for region in ALIVE for one in present(sandbox, region)} == set(tracked_objects(sandbox))


def test_down_leaves_nothing(sandbox: Sandbox, without: str) -> None:
    sandbox.run("down", sandbox.stack)
    assert wait_until_gone(sandbox, 20) == []
    assert not (sandbox.folder / ".sandbox" / "clouds" / sandbox.stack).exists()


def objects(sandbox: Sandbox, region: str, kinds: str, *arguments: str) -> list[dict[str, Any]]:
    return sandbox.objects(kinds, *arguments, "--context", region)


def present(sandbox: Sandbox, region: str) -> set[Identity]:
    """The objects of `KINDS` on the region's API server that carry our label, by region, kind, namespace and name."""
    return {identity(region, item) for item in objects(sandbox, region, KINDS, *OURS)}


def tracked_objects(sandbox: Sandbox) -> list[Identity]:
    """The objects of `KINDS` that the state tracks."""
    wanted = {kind.removesuffix("s") for kind in KINDS.replace("policies", "policys").split(",")}
    regions = [name for name, _ in MIXED]
    found = []
    for resource in sandbox.resources():
        item = resource.get("outputs", {})
        if resource["type"].startswith("kubernetes:") and item.get("kind", "").lower() in wanted:
            name = resource["urn"].rpartition("::")[2]
            found.append(identity(next(region for region in regions if name.startswith(region)), item))
    return found


def identity(region: str, item: dict[str, object]) -> Identity:
    metadata = item["metadata"]
    assert isinstance(metadata, dict)
    return region, str(item["kind"]), metadata.get("namespace", ""), metadata["name"]


def tracked_in_clouds(sandbox: Sandbox) -> list[tuple[str, str]]:
    """Type and URN of what the state has in the clouds."""
    return [(r["type"], r["urn"]) for r in sandbox.resources() if r["type"].startswith(CLOUDS)]


def in_clouds(sandbox: Sandbox) -> set[tuple[str, str]]:
    """Type and URN of what exists in the simulated clouds."""
    folder = sandbox.folder / ".sandbox" / "clouds" / sandbox.stack
    records = [json.loads(path.read_text()) for path in folder.rglob("*.json")]
    return {(record["type"], record["urn"]) for record in records}
