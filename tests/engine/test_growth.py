"""A running stack of one region, the founder, whose list grows to three on three clouds, to five, and shrinks again.

The contract is DESIGN's and `docs/adr/0001`: adding a region only creates, and updates in place what must know its
peers; removing one deletes in that region only. The tests build on each other.
"""

from collections.abc import Iterator

import pytest

from sandbox.compare.changes import Operation, Preview
from tests.engine.sandboxes import Sandbox, wait_until_gone
from tests.regions import (
    FIVE,
    FOUNDER_KNOWS_PEERS,
    IOWA,
    KNOWS_PEERS,
    MIXED,
    Where,
    configured,
)

pytestmark = [pytest.mark.engine, pytest.mark.timeout(2400)]

MONITORING_KNOWS_PEERS = {
    "monitoring-alerts-rules",
    "monitoring-door-0-service",
    "monitoring-peers-endpoints",
    "monitoring-thanos-query-endpoints",
    "monitoring-thanos-query-policy-thanos-query",
    "monitoring-thanos-query-policy-thanos-store",
}
KNOWS = KNOWS_PEERS | MONITORING_KNOWS_PEERS
JOB = "kubernetes:batch/v1:Job"
ALONE = (IOWA,)


def settings(*regions: Where) -> dict[str, object]:
    """The whole platform in these regions, monitoring included, one small node of everything that can be one."""
    return {**configured(*regions), "database": {"founder": IOWA[0]}, "monitoring": {}}


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    made = Sandbox.of(tmp_path_factory.mktemp("growth") / "project", "multiregion", saves_once=True)
    yield made
    made.take_down()


def planned(sandbox: Sandbox, *regions: Where) -> Preview:
    """What is planned when the list becomes these regions."""
    sandbox.configure(settings(*regions))
    preview = sandbox.preview()
    assert preview.errors == ()
    return preview


def becomes(sandbox: Sandbox, *regions: Where) -> Preview:
    """What is planned when the list becomes these regions; then that is done, and nothing is left to do."""
    sandbox.configure(settings(*regions))
    sandbox.run("start", sandbox.stack)
    preview = planned(sandbox, *regions)
    sandbox.run("up", sandbox.stack)
    again = sandbox.preview()
    assert (again.errors, again.changes) == ((), ())
    return preview


def rests(preview: Preview, operation: Operation, regions: tuple[Where, ...]) -> dict[str, set[str]]:
    """By region, the rests of the names of what changes in this way."""
    found: dict[str, set[str]] = {}
    for change in preview.of(operation):
        # The longest first: no region's name is the beginning of another's here, but it could be.
        region = next(name for name, _ in sorted(regions, reverse=True) if change.name.startswith(name))
        found.setdefault(region, set()).add(change.name.removeprefix(region).lstrip("-"))
    return found


def strangers(preview: Preview, known: tuple[Where, ...]) -> list[str]:
    """What is created in regions that were there already."""
    return [c.name for c in preview.of(Operation.CREATE) if c.name.startswith(tuple(name for name, _ in known))]


@pytest.fixture(scope="module")
def one(sandbox: Sandbox) -> Preview:
    return becomes(sandbox, *ALONE)


@pytest.fixture(scope="module")
def three(sandbox: Sandbox, one: Preview) -> Preview:
    return becomes(sandbox, *MIXED)


@pytest.fixture(scope="module")
def five(sandbox: Sandbox, three: Preview) -> Preview:
    return becomes(sandbox, *FIVE)


@pytest.fixture(scope="module")
def reordered(sandbox: Sandbox, five: Preview) -> Preview:
    return planned(sandbox, *reversed(FIVE))


@pytest.fixture(scope="module")
def one_again(sandbox: Sandbox, reordered: Preview) -> Preview:
    return becomes(sandbox, *ALONE)


def test_one_region_is_created_from_nothing(one: Preview) -> None:
    assert {change.operation for change in one.changes} == {Operation.CREATE}


def test_from_one_to_three_nothing_is_replaced_or_deleted(three: Preview) -> None:
    assert [change.urn for change in three.of(Operation.REPLACE) if change.type != JOB] == []
    assert three.of(Operation.DELETE) == []


def test_from_one_to_three_only_what_must_know_its_peers_is_updated(three: Preview) -> None:
    updated = rests(three, Operation.UPDATE, FIVE)
    assert updated.keys() == {IOWA[0]}
    assert updated[IOWA[0]] <= KNOWS | FOUNDER_KNOWS_PEERS
    assert [c.name for c in three.of(Operation.UPDATE) if c.type.endswith((":StatefulSet", ":Deployment"))] == []


def test_the_first_region_gets_nothing_new_from_the_second_and_third(three: Preview) -> None:
    assert strangers(three, ALONE) == []


def test_from_three_to_five_nothing_is_replaced_or_deleted(five: Preview) -> None:
    assert [change.urn for change in five.of(Operation.REPLACE) if change.type != JOB] == []
    assert five.of(Operation.DELETE) == []


def test_from_three_to_five_only_what_must_know_its_peers_is_updated_and_no_pod_restarts(five: Preview) -> None:
    updated = rests(five, Operation.UPDATE, FIVE)
    assert updated.keys() == {name for name, _ in MIXED}
    for region, names in updated.items():
        assert names <= KNOWS | (FOUNDER_KNOWS_PEERS if region == IOWA[0] else set())
    assert [c.name for c in five.of(Operation.UPDATE) if c.type.endswith((":StatefulSet", ":Deployment"))] == []


def test_a_region_that_is_there_gets_nothing_new_from_the_fourth_and_fifth(five: Preview) -> None:
    assert strangers(five, MIXED) == []


def test_the_order_of_the_list_means_nothing(reordered: Preview) -> None:
    assert reordered.changes == ()


def test_back_to_one_region_deletes_in_the_others_only(one_again: Preview) -> None:
    removed = {name for name, _ in FIVE} - {IOWA[0]}
    assert rests(one_again, Operation.DELETE, FIVE).keys() == removed
    assert [change.urn for change in one_again.of(Operation.REPLACE) if change.type != JOB] == []
    updated = rests(one_again, Operation.UPDATE, FIVE)
    assert updated.keys() <= {IOWA[0]}


def test_control_planes_end_with_their_regions(sandbox: Sandbox, one_again: Preview) -> None:
    status = sandbox.run("status")
    assert IOWA[0] in status
    assert [name for name, _ in FIVE if name != IOWA[0] and name in status] == []


def test_nothing_runs_after_down(sandbox: Sandbox, one_again: Preview) -> None:
    assert "is down" in sandbox.run("down", sandbox.stack)
    assert wait_until_gone(sandbox, 20) == []
