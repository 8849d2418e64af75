"""Three regions on three clouds, and an engine that is killed again and again.

The tests build on each other.
"""

import json
from collections.abc import Iterator

import pytest

from tests.engine.sandboxes import Sandbox, kill_engine_after, wait_until_gone
from tests.regions import MIXED, configured

pytestmark = [pytest.mark.engine, pytest.mark.timeout(2400)]

KILLED_AFTER = (15, 40, 90, 60, 120)
"""How many resources each engine has made when it is killed: keys and networks, clusters, load balancers, workloads."""
KINDS = "deployments,statefulsets,jobs,services,configmaps,secrets,networkpolicies,horizontalpodautoscalers"
OURS = ("-A", "-l", "app.kubernetes.io/part-of=sacred-council")
CLOUDS = ("gcp:", "aws:", "azure-native:")

Identity = tuple[str, str, str, str]


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    made = Sandbox.of(tmp_path_factory.mktemp("survive") / "project", "multiregion")
    made.configure(configured(*MIXED))
    yield made
    made.run("down", made.stack)


@pytest.fixture(scope="module")
def up(sandbox: Sandbox) -> str:
    """What the last `up` printed. Each one before was killed, later than the one before it."""
    for count in KILLED_AFTER:
        killed = kill_engine_after(sandbox.start("up", sandbox.stack), [" created"], count)
        assert "is up in the sandbox" not in killed
    return sandbox.run("up", sandbox.stack)


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


def test_down_leaves_nothing(sandbox: Sandbox, up: str) -> None:
    sandbox.run("down", sandbox.stack)
    assert wait_until_gone(sandbox, 20) == []
    assert not (sandbox.folder / ".sandbox" / "clouds" / sandbox.stack).exists()


def objects(sandbox: Sandbox, region: str, kinds: str, *arguments: str) -> list[dict[str, object]]:
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
