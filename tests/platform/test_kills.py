"""Runs of the local stack are killed with all their plugins at fifty points; each next run continues from there.

A run is killed at a random moment, so together the kills hit every phase: the program, keys, releases, workloads.
"""

import random
import time
from collections.abc import Iterator

import pytest

from tests.support.sandboxes import Sandbox, kill_all, kill_all_after
from tests.support.tracked import require_the_same

pytestmark = [pytest.mark.engine, pytest.mark.campaign, pytest.mark.timeout(2400)]

POINTS = 50
SEED = 20261129
CREATED_EACH_TIME = 4
"""About how many resources a run creates before its kill. Fifty times that is about the whole stack."""
CONFIGURATIONS: tuple[dict[str, dict[str, str]], ...] = (
    {"cache": {"maxMemory": "96Mi"}},
    {"mesh": {"postQuantum": "off"}},
    {"cache": {}, "mesh": {}},
)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    made = Sandbox.of(tmp_path_factory.mktemp("kills") / "project", "local")
    made.run("start")
    yield made
    made.take_down()


def killed_after_seconds(sandbox: Sandbox, seconds: float, *arguments: str) -> str:
    """Run a command, kill it after some seconds unless it has ended, and return its output."""
    process = sandbox.start(*arguments)
    time.sleep(seconds)
    return kill_all(process)


def test_up_converges_after_fifty_kills(sandbox: Sandbox) -> None:
    moments = random.Random(SEED)
    for point in range(POINTS):
        if point % 5 == 4:
            killed_after_seconds(sandbox, moments.uniform(1, 12), "up")
        else:
            kill_all_after(sandbox.start("up"), [" created"], moments.randint(1, 2 * CREATED_EACH_TIME))
    assert "Stack local is up in the sandbox" in sandbox.run("up")
    sandbox.pulumi("preview", "--expect-no-changes")
    require_the_same(sandbox)


def test_updates_refreshes_and_the_destroy_may_be_killed_too(sandbox: Sandbox) -> None:
    moments = random.Random(SEED + 1)
    for settings in CONFIGURATIONS:
        sandbox.configure(settings)
        killed_after_seconds(sandbox, moments.uniform(4, 9), "up")
        command = ("exec", "--", "pulumi", "refresh", "--yes", "--stack", "local")
        sandbox.run("start")
        killed_after_seconds(sandbox, moments.uniform(2, 6), *command)
        assert "Stack local is up in the sandbox" in sandbox.run("up")
        require_the_same(sandbox)
    for _ in range(3):
        destroy = ("exec", "--", "pulumi", "destroy", "--yes", "--stack", "local")
        killed_after_seconds(sandbox, moments.uniform(4, 8), *destroy)
        sandbox.run("exec", "--", "pulumi", "cancel", "--yes", "--stack", "local")
    sandbox.pulumi("destroy", "--yes")
    assert [one["urn"] for one in sandbox.resources() if not one["type"].startswith("pulumi:")] == []
    assert sandbox.objects("all,configmaps,secrets", "-A", "-l", "app.kubernetes.io/part-of=sacred-council") == []
