"""Runs of the local stack are killed with all their plugins, fifty of them in a row; each next run goes on from there.

The moments are random, so together the kills hit every phase: the program, keys, releases, workloads. Other kills hit
what is hard on purpose: an upgrade, a refresh, a destroy. The tests build on each other.
"""

import random
import time
from collections.abc import Iterator

import pytest

from tests.support.sandboxes import Ended, Sandbox, kill_all, kill_all_after, kill_all_when
from tests.support.tracked import OURS, half_done_releases, present_objects, present_releases, require_the_same

pytestmark = [pytest.mark.engine, pytest.mark.campaign, pytest.mark.timeout(2400)]

POINTS = 50
SEED = 20261129
CREATED_EACH_TIME = 4
"""About how many resources a run creates before its kill. Fifty times that is about the whole stack."""
CONFIGURATIONS: tuple[dict[str, dict[str, object]], ...] = (
    {"cache": {"maxMemory": "96Mi"}},
    {"mesh": {"postQuantum": "off"}},
    {"cache": {}, "mesh": {}},
)
UP = ("exec", "--", "pulumi", "up", "--yes", "--skip-preview", "--stack", "local")
REFRESH = ("exec", "--", "pulumi", "refresh", "--yes", "--skip-preview", "--stack", "local")
DESTROY = ("exec", "--", "pulumi", "destroy", "--yes", "--skip-preview", "--stack", "local")
IS_UP = "Stack local is up in the sandbox"
UPGRADES = (2, 3, 4, 5, 2, 3, 4, 5)
"""Numbers of replicas of the mesh. Each changes releases; an upgrade may be over before it is seen."""


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    made = Sandbox.of(tmp_path_factory.mktemp("kills") / "project", "local")
    made.run("start")
    yield made
    made.take_down()


def killed_after_seconds(sandbox: Sandbox, seconds: float, *arguments: str) -> Ended:
    """Run a command and kill it after some seconds, unless it ends before."""
    process = sandbox.start(*arguments)
    time.sleep(seconds)
    return kill_all(process)


def killed_once_a_release_is_gone(sandbox: Sandbox, *arguments: str) -> Ended:
    """Run a command that deletes, and kill it when the API server has a release less, unless it ends before."""
    before = len(sandbox.release_statuses())
    assert before > 1
    return kill_all_when(sandbox.start(*arguments), lambda: 0 < len(sandbox.release_statuses()) < before)


def killed_as_a_release_goes(sandbox: Sandbox, *arguments: str) -> Ended:
    """Run a command that deletes, and kill it while a release is being uninstalled, or just after that."""
    before = len(sandbox.release_statuses())
    assert before > 1

    def goes() -> bool:
        now = sandbox.release_statuses()
        return "uninstalling" in now.values() or 0 < len(now) < before

    return kill_all_when(sandbox.start(*arguments), goes)


def test_up_converges_after_fifty_kills(sandbox: Sandbox) -> None:
    moments = random.Random(SEED)
    kills = 0
    for run in range(2 * POINTS):
        if run % 5 == 4:
            ended = killed_after_seconds(sandbox, moments.uniform(1, 12), "up")
        else:
            ended = kill_all_after(sandbox.start("up"), [" created"], moments.randint(1, 2 * CREATED_EACH_TIME))
        kills += ended.killed
        if kills == POINTS:
            break
        if not ended.killed:
            # Nothing was left to create.
            assert IS_UP in ended.output, ended.output
            sandbox.pulumi("destroy", "--yes", "--skip-preview")
    assert kills == POINTS
    assert IS_UP in sandbox.run("up")
    sandbox.pulumi("preview", "--expect-no-changes")
    require_the_same(sandbox)


def killed_within_an_upgrade(sandbox: Sandbox) -> str:
    """Change the mesh and kill `up` while a release is being upgraded; return the release."""
    for replicas in UPGRADES:
        sandbox.configure({"mesh": {"replicas": replicas}})
        ended = kill_all_when(sandbox.start("up"), lambda: "pending-upgrade" in sandbox.release_statuses().values())
        upgraded = [name for name, status in sandbox.release_statuses().items() if status == "pending-upgrade"]
        if ended.killed and upgraded:
            return upgraded[0]
    pytest.fail("no run was killed within an upgrade")


def test_an_upgrade_that_was_killed_is_rolled_back_once(sandbox: Sandbox) -> None:
    release = killed_within_an_upgrade(sandbox)
    said = sandbox.run("up")
    assert f"{release} was pending-upgrade when a run was killed; it was rolled back" in said
    assert IS_UP in said
    require_the_same(sandbox)
    # The interrupted revision keeps its status. Rolling back again would undo the upgrade that `up` has made since.
    assert "rolled back" not in sandbox.run("up")
    sandbox.pulumi("preview", "--expect-no-changes")
    sandbox.configure({"mesh": {}})
    sandbox.run("up")


@pytest.mark.parametrize("settings", CONFIGURATIONS)
def test_updates_and_refreshes_may_be_killed(sandbox: Sandbox, settings: dict[str, dict[str, object]]) -> None:
    moments = random.Random(f"{SEED} {settings}")
    sandbox.configure(settings)
    update = kill_all_after(sandbox.start("up"), [" updating", " updated"], 1, moments.uniform(0, 0.5))
    assert update.killed, update.output
    sandbox.run("recover")
    refresh = kill_all_after(sandbox.start(*REFRESH), ["Refreshing"], 1, moments.uniform(0.2, 2))
    assert refresh.killed, refresh.output
    assert "locked" not in refresh.output
    assert IS_UP in sandbox.run("up")
    sandbox.pulumi("preview", "--expect-no-changes")
    require_the_same(sandbox)


def test_up_after_a_killed_down_brings_everything_back(sandbox: Sandbox) -> None:
    objects, releases = present_objects(sandbox), present_releases(sandbox)
    ended = killed_once_a_release_is_gone(sandbox, "down")
    assert ended.killed, ended.output
    said = sandbox.run("up")
    assert IS_UP in said
    assert present_objects(sandbox) == objects
    assert present_releases(sandbox) == releases
    require_the_same(sandbox)


def test_the_plain_destroy_goes_on_after_each_kill_and_one_command(sandbox: Sandbox) -> None:
    moments = random.Random(SEED + 1)
    for _ in range(2):
        ended = kill_all_after(sandbox.start(*DESTROY), [" deleted"], moments.randint(2, 6))
        assert ended.killed, ended.output
        sandbox.run("recover")
    ended = killed_as_a_release_goes(sandbox, *DESTROY)
    assert ended.killed, ended.output
    sandbox.run("recover")
    sandbox.pulumi("destroy", "--yes", "--skip-preview")
    assert [one["urn"] for one in sandbox.resources() if not one["type"].startswith("pulumi:")] == []
    assert sandbox.objects("all,configmaps,secrets", *OURS) == []
    assert sandbox.release_statuses() == {}


def test_the_plain_up_goes_on_after_a_kill_within_a_release_and_one_command(sandbox: Sandbox) -> None:
    ended = kill_all_when(sandbox.start(*UP), lambda: "pending-install" in sandbox.release_statuses().values())
    assert ended.killed, ended.output
    assert "it was uninstalled, and the next run continues" in sandbox.run("recover")
    sandbox.pulumi("up", "--yes", "--skip-preview")
    assert half_done_releases(sandbox) == []
    require_the_same(sandbox)


def test_down_goes_on_after_kills_and_succeeds(sandbox: Sandbox) -> None:
    early = kill_all_after(sandbox.start("down"), [" deleted"], 5)
    assert early.killed, early.output
    late = killed_once_a_release_is_gone(sandbox, "down")
    assert late.killed, late.output
    said = sandbox.run("down")
    assert "Stack local is down: stopped the control planes of local." in said
    assert "failed" not in said
