"""Three regions on three clouds grow to five, lose one for ever and shrink to one. Runs are killed again and again.

The tests build on each other.
"""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from sandbox.compare.changes import Operation, Preview
from tests.support.growing import becomes, planned, require_only_additions, require_only_removals, rests, settings
from tests.support.regions import FIVE, IOWA, MIXED
from tests.support.sandboxes import Sandbox, end_region, kill_all_after, wait_until_gone
from tests.support.tracked import in_clouds, present_objects, require_the_same, tracked_objects

pytestmark = [pytest.mark.engine, pytest.mark.campaign, pytest.mark.timeout(2400)]

KILLED_AFTER = (15, 40, 90, 60, 120, 30, 75, 50, 110, 20)
"""How many resources each run creates before its kill: keys and networks, clusters, load balancers, workloads."""
DEAD = MIXED[2][0]
LEFT = tuple(where for where in FIVE if where[0] != DEAD)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    made = Sandbox.of(tmp_path_factory.mktemp("survive") / "project", "multiregion")
    made.configure(settings(*MIXED))
    yield made
    made.take_down()


@pytest.fixture(scope="module")
def up(sandbox: Sandbox) -> str:
    """Output of the last `up`. Every earlier run was killed, with its plugins."""
    for count in KILLED_AFTER:
        ended = kill_all_after(sandbox.start("up", sandbox.stack), [" created"], count)
        assert ended.killed, ended.output
    return sandbox.run("up", sandbox.stack)


@pytest.fixture(scope="module")
def unharmed(sandbox: Sandbox, up: str) -> Sandbox:
    """The same sandbox after the kills. The engine writes its state once in each run from here on."""
    return replace(sandbox, saves_once=True)


@pytest.fixture(scope="module")
def five(unharmed: Sandbox) -> Preview:
    return becomes(unharmed, *FIVE)


@pytest.fixture(scope="module")
def refused(unharmed: Sandbox, five: Preview) -> str:
    """Output of `up` after a region died and was removed from the list, without any further step."""
    end_region(unharmed, DEAD)
    unharmed.configure(settings(*LEFT))
    return unharmed.pulumi("up", "--yes", "--skip-preview", fails=True)


@pytest.fixture(scope="module")
def without(unharmed: Sandbox, refused: str) -> str:
    """Output of the next `up`, after a refresh dropped the region's objects from the state. `up` drops no releases."""
    targets = ("--target", f"**kubernetes:**::{DEAD}-**")
    command = ("env", "PULUMI_K8S_DELETE_UNREACHABLE=true", "pulumi", "refresh", "--yes", "--skip-preview", *targets)
    unharmed.run("exec", "--", *command, "--stack", unharmed.stack)
    return unharmed.pulumi("up", "--yes", "--skip-preview")


@pytest.fixture(scope="module")
def one(unharmed: Sandbox, without: str) -> Preview:
    return becomes(unharmed, IOWA)


def test_up_converges_however_often_a_run_was_killed(sandbox: Sandbox, up: str) -> None:
    assert "Stack multiregion is up in the sandbox" in up
    sandbox.pulumi("preview", "--expect-no-changes")


def test_everything_is_there_once_and_tracked(sandbox: Sandbox, up: str) -> None:
    require_the_same(sandbox)


def test_from_three_to_five_only_adds_and_tells_the_peers(five: Preview) -> None:
    require_only_additions(five, MIXED)


def test_the_order_of_the_list_means_nothing(unharmed: Sandbox, five: Preview) -> None:
    assert planned(unharmed, *reversed(FIVE)).changes == ()


def test_a_dead_region_is_not_forgotten_by_accident(refused: str) -> None:
    assert "PULUMI_K8S_DELETE_UNREACHABLE" in refused


def test_nothing_is_left_of_a_dead_region_that_was_taken_off_the_list(unharmed: Sandbox, without: str) -> None:
    assert [r["urn"] for r in unharmed.resources() if f"::{DEAD}" in r["urn"]] == []
    assert [one for one in in_clouds(unharmed) if DEAD in one[1]] == []


def test_the_other_regions_are_as_they_should_be(unharmed: Sandbox, without: str) -> None:
    unharmed.pulumi("preview", "--expect-no-changes")
    assert present_objects(unharmed) == set(tracked_objects(unharmed))


def test_down_to_one_region_deletes_in_the_removed_ones_only(unharmed: Sandbox, one: Preview) -> None:
    require_only_removals(one, (IOWA,))
    deleted = rests(one, Operation.DELETE)
    assert deleted.keys() == {name for name, _ in LEFT} - {IOWA[0]}
    require_the_same(unharmed)


def test_down_leaves_nothing(unharmed: Sandbox, one: Preview) -> None:
    unharmed.run("down", unharmed.stack)
    assert wait_until_gone(unharmed, 20) == []
    assert not (unharmed.folder / ".sandbox" / "clouds" / unharmed.stack).exists()
