"""A stack of three regions and two edge sites in the sandbox, with the real engine and the official provider.

A site's API server dies, a site is added and removed. The tests build on each other.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.compare.changes import Operation, Preview
from tests.support.edge_sites import LISBON, OULU
from tests.support.growing import JOB, settings
from tests.support.regions import GOOGLE
from tests.support.sandboxes import Sandbox, end_region, wait_until_gone
from tests.support.tracked import objects, require_the_same

pytestmark = [pytest.mark.engine, pytest.mark.campaign, pytest.mark.timeout(2400)]

HOME = "europe-west1"
REGIONS = tuple(name for name, _ in GOOGLE)
CACHE = {"engine": "redis", "replicas": 1, "maxMemory": "96Mi"}


def wanted(*sites: dict[str, Any], **more: object) -> dict[str, object]:
    streams = [{"name": "councils", "subjects": ["councils.>"], "home": HOME, "mirroredIn": "all"}]
    return {
        **settings(*GOOGLE),
        "messaging": {"servers": 3, "streams": streams},
        "edgeSites": list(sites),
        **more,
    }


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    made = Sandbox.of(tmp_path_factory.mktemp("sites") / "project", "multiregion", saves_once=True)
    yield made
    made.take_down()


@pytest.fixture(scope="module")
def up(sandbox: Sandbox) -> str:
    sandbox.configure(wanted(LISBON))
    return sandbox.run("up", sandbox.stack)


@pytest.fixture(scope="module")
def second(sandbox: Sandbox, up: str) -> Preview:
    """The plan of a second site, which is applied."""
    sandbox.configure(wanted(LISBON, OULU))
    sandbox.run("start", sandbox.stack)
    preview = sandbox.preview()
    sandbox.pulumi("up", "--yes", "--skip-preview")
    return preview


@pytest.fixture(scope="module")
def dead(sandbox: Sandbox, second: Preview) -> str:
    """Output of `up` after a setting changed and a site's servers ended."""
    end_region(sandbox, "lisbon")
    sandbox.configure(wanted(LISBON, OULU, cache=CACHE))
    return sandbox.pulumi("up", "--yes", "--skip-preview")


@pytest.fixture(scope="module")
def back(sandbox: Sandbox, dead: str) -> str:
    return sandbox.run("up", sandbox.stack)


def maximum_of_cache(sandbox: Sandbox, name: str) -> int:
    """Return `maxmemory` of a region or a site in MiB."""
    one = ("-n", "redis", "--field-selector=metadata.name=redis-settings")
    (found,) = objects(sandbox, name, "configmaps", *one)
    (line,) = [line for line in found["data"]["redis.conf"].splitlines() if line.startswith("maxmemory ")]
    return int(line.split()[1]) // 2**20


def test_three_regions_and_a_site_come_up(sandbox: Sandbox, up: str) -> None:
    assert "Stack multiregion is up in the sandbox" in up
    sandbox.pulumi("preview", "--expect-no-changes")
    for name in (*REGIONS, "lisbon"):
        found = objects(sandbox, name, "statefulsets", "-A")
        names = {item["metadata"]["name"] for item in found}
        assert "nats" in names
        assert ("cockroachdb" in names) == (name != "lisbon")


def test_a_second_site_only_adds_and_tells_its_home(sandbox: Sandbox, second: Preview) -> None:
    assert second.errors == ()
    assert second.of(Operation.DELETE) == []
    assert {change.type for change in second.of(Operation.REPLACE)} <= {JOB}
    assert {change.name.startswith("oulu") for change in second.of(Operation.CREATE)} == {True}
    assert {change.name.startswith(HOME) for change in second.of(Operation.UPDATE)} == {True}
    sandbox.pulumi("preview", "--expect-no-changes")


def test_a_dead_site_stops_nobody(sandbox: Sandbox, dead: str) -> None:
    assert "Cluster is unreachable but skipUpdateUnreachable flag is set to true, skipping..." in dead
    assert "error:" not in dead
    for name in (*REGIONS, "oulu"):
        assert maximum_of_cache(sandbox, name) == 96


def test_a_site_gets_what_it_missed_when_it_is_back(sandbox: Sandbox, back: str) -> None:
    assert maximum_of_cache(sandbox, "lisbon") == 96
    sandbox.pulumi("preview", "--expect-no-changes")


def test_a_site_is_removed_by_its_line(sandbox: Sandbox, back: str) -> None:
    sandbox.configure(wanted(OULU, cache=CACHE))
    sandbox.run("up", sandbox.stack)
    assert "lisbon" not in sandbox.run("status")
    require_the_same(sandbox)
    sandbox.pulumi("preview", "--expect-no-changes")


def test_nothing_runs_after_down(sandbox: Sandbox, back: str) -> None:
    sandbox.run("down", sandbox.stack)
    assert wait_until_gone(sandbox, 20) == []
