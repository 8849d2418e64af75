"""A running stack of one region grows to three on three clouds, loses one for a while, and shrinks again.

The contract is in DESIGN and `docs/adr/0001`. Adding a region only creates resources and updates peer lists in place.
Removing a region deletes resources of that region only. The tests build on each other.
"""

from collections.abc import Iterator

import pytest

from sandbox.compare.changes import Operation, Preview
from tests.support.growing import becomes, require_only_additions, require_only_removals, settings
from tests.support.regions import IOWA, MIXED
from tests.support.sandboxes import Sandbox, end_region, wait_until_gone
from tests.support.tracked import objects, require_the_same

pytestmark = [pytest.mark.engine, pytest.mark.timeout(1800)]

ALONE = (IOWA,)
DEAD = MIXED[2][0]
CACHE = {
    "engine": "redis",
    "replicas": 3,
    "storage": "4Gi",
    "cpu": "250m",
    "memory": "1Gi",
    "maxMemory": "384Mi",
}
"""The same cache with less memory for data."""


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    made = Sandbox.of(tmp_path_factory.mktemp("growth") / "project", "multiregion", saves_once=True)
    yield made
    made.take_down()


@pytest.fixture(scope="module")
def one(sandbox: Sandbox) -> Preview:
    return becomes(sandbox, *ALONE)


@pytest.fixture(scope="module")
def three(sandbox: Sandbox, one: Preview) -> Preview:
    return becomes(sandbox, *MIXED)


@pytest.fixture(scope="module")
def dead(sandbox: Sandbox, three: Preview) -> str:
    """Output of `up` after a setting changed and one region's servers ended."""
    end_region(sandbox, DEAD)
    sandbox.configure({**settings(*MIXED), "cache": CACHE})
    return sandbox.pulumi("up", "--yes", "--skip-preview")


@pytest.fixture(scope="module")
def back(sandbox: Sandbox, dead: str) -> str:
    """Output of `up` after the region's servers were started again."""
    return sandbox.run("up", sandbox.stack)


@pytest.fixture(scope="module")
def one_again(sandbox: Sandbox, back: str) -> Preview:
    return becomes(sandbox, *ALONE)


def test_one_region_is_created_from_nothing(one: Preview) -> None:
    assert {change.operation for change in one.changes} == {Operation.CREATE}


def test_from_one_to_three_only_adds_and_tells_the_peers(three: Preview) -> None:
    require_only_additions(three, ALONE)


def test_a_dead_region_stops_no_other_and_the_user_is_told_what_was_skipped(sandbox: Sandbox, dead: str) -> None:
    assert "Cluster is unreachable but skipUpdateUnreachable flag is set to true, skipping..." in dead
    assert "error:" not in dead
    for region in (name for name, _ in MIXED if name != DEAD):
        assert maximum_of_cache(sandbox, region) == "384mb"


def test_the_region_gets_what_it_missed_when_it_is_back(sandbox: Sandbox, back: str) -> None:
    assert f"Region {DEAD}: control plane started" in back
    assert maximum_of_cache(sandbox, DEAD) == "384mb"
    sandbox.pulumi("preview", "--expect-no-changes")


def test_back_to_one_region_deletes_in_the_others_only(sandbox: Sandbox, one_again: Preview) -> None:
    require_only_removals(one_again, ALONE)
    require_the_same(sandbox)


def test_control_planes_end_with_their_regions(sandbox: Sandbox, one_again: Preview) -> None:
    status = sandbox.run("status")
    assert IOWA[0] in status
    assert [name for name, _ in MIXED if name != IOWA[0] and name in status] == []


def test_nothing_runs_after_down(sandbox: Sandbox, one_again: Preview) -> None:
    said = sandbox.run("down", sandbox.stack)
    assert "is down" in said
    assert [line for line in said.splitlines() if "warning" in line] == []
    assert wait_until_gone(sandbox, 20) == []


def maximum_of_cache(sandbox: Sandbox, region: str) -> str:
    """Return `maxmemory` of the region's redis.conf in MiB, such as `384mb`."""
    one = ("-n", "redis", "--field-selector=metadata.name=redis-settings")
    (found,) = objects(sandbox, region, "configmaps", *one)
    (line,) = [line for line in found["data"]["redis.conf"].splitlines() if line.startswith("maxmemory ")]
    return f"{int(line.split()[1]) // 2**20}mb"
