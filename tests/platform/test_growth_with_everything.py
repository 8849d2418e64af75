"""A running stack with all that stages 3 and 4 have grows from one region to three on three clouds, and shrinks again.

Kafka, matching, scaling, live collaboration, the ledger, streams and a CDN are on, and an edge site belongs to the
first region. The contract is that of `test_growth`. The tests build on each other.
"""

from collections.abc import Iterator

import pytest

from sandbox.compare.changes import Operation, Preview
from tests.support.growing import (
    EDGE_SITE,
    EVERYTHING,
    becomes,
    planned,
    require_only_additions,
    require_only_removals,
    rests,
)
from tests.support.regions import COMPLETE, MUMBAI
from tests.support.sandboxes import Sandbox, wait_until_gone
from tests.support.tracked import objects, require_the_same

pytestmark = [pytest.mark.engine, pytest.mark.campaign, pytest.mark.timeout(3600)]

ALONE = (MUMBAI,)
KIND = "kubernetes:kafka.strimzi.io/v1:KafkaMirrorMaker2"


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    made = Sandbox.of(tmp_path_factory.mktemp("everything") / "project", "multiregion", saves_once=True)
    yield made
    made.take_down()


@pytest.fixture(scope="module")
def one(sandbox: Sandbox) -> Preview:
    return becomes(sandbox, *ALONE, growing=EVERYTHING)


@pytest.fixture(scope="module")
def three(sandbox: Sandbox, one: Preview) -> Preview:
    return becomes(sandbox, *COMPLETE, growing=EVERYTHING)


@pytest.fixture(scope="module")
def one_again(sandbox: Sandbox, three: Preview) -> Preview:
    return becomes(sandbox, *ALONE, growing=EVERYTHING)


def test_one_region_and_its_edge_site_are_created_from_nothing(sandbox: Sandbox, one: Preview) -> None:
    assert {change.operation for change in one.changes} == {Operation.CREATE}
    for name, _ in (*ALONE, EDGE_SITE):
        found = {item["metadata"]["name"] for item in objects(sandbox, name, "statefulsets", "-A")}
        assert ("nats" in found, "ledger" in found) == (True, name != EDGE_SITE[0])


def test_from_one_to_three_only_adds_and_tells_the_peers(three: Preview) -> None:
    require_only_additions(three, ALONE, EVERYTHING)


def test_each_region_gets_one_mirror_with_its_first_peer(three: Preview) -> None:
    mirrors = [change.name for change in three.of(Operation.CREATE) if change.type == KIND]
    assert sorted(mirrors) == sorted(f"{name}-streaming-mirror" for name, _ in COMPLETE)


def test_the_order_of_the_list_means_nothing(sandbox: Sandbox, three: Preview) -> None:
    assert planned(sandbox, *reversed(COMPLETE), growing=EVERYTHING).changes == ()


def test_back_to_one_region_deletes_in_the_others_and_what_brought_their_records(
    sandbox: Sandbox, one_again: Preview
) -> None:
    require_only_removals(one_again, ALONE, EVERYTHING)
    assert EDGE_SITE[0] not in rests(one_again, Operation.UPDATE, EVERYTHING.everywhere)
    require_the_same(sandbox)


def test_nothing_runs_after_down(sandbox: Sandbox, one_again: Preview) -> None:
    said = sandbox.run("down", sandbox.stack)
    assert [line for line in said.splitlines() if "warning" in line] == []
    assert wait_until_gone(sandbox, 20) == []
