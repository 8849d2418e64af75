"""The largest stack of the repository: six regions on three clouds and two edge sites behind a CDN."""

from collections.abc import Iterator

import pytest

from tests.support.rendering import stack_config
from tests.support.sandboxes import Sandbox, wait_until_gone

pytestmark = [pytest.mark.engine, pytest.mark.campaign, pytest.mark.timeout(3600)]

STACK = "planetary"
CONFIG = stack_config(STACK)
REGIONS = [region["name"] for region in CONFIG["sacred-council:regions"]]
SITES = [site["name"] for site in CONFIG["sacred-council:edgeSites"]]
ROLLED_OUT = ("rollout", "status", "--watch=false", "--namespace")


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    made = Sandbox.of(tmp_path_factory.mktemp("planetary") / "project", STACK, saves_once=True)
    yield made
    made.take_down()


@pytest.fixture(scope="module")
def up(sandbox: Sandbox) -> str:
    return sandbox.run("up", sandbox.stack)


def test_the_stack_comes_up_and_nothing_is_left_to_do(sandbox: Sandbox, up: str) -> None:
    assert "Stack planetary is up in the sandbox" in up
    assert "error:" not in up
    sandbox.pulumi("preview", "--expect-no-changes")


@pytest.mark.parametrize("region", REGIONS)
def test_each_region_s_api_has_the_whole_platform(sandbox: Sandbox, up: str, region: str) -> None:
    for namespace, workload in (
        ("cockroachdb", "statefulset/cockroachdb"),
        ("redis", "statefulset/redis"),
        ("nats", "statefulset/nats"),
        ("nats-live", "deployment/nats-live"),
        ("ledger", "statefulset/ledger"),
        ("circles", "statefulset/circles"),
        ("matching", "deployment/embedding"),
        ("sacred-council", "deployment/agent-network"),
    ):
        sandbox.kubectl("--context", region, *ROLLED_OUT, namespace, workload)


@pytest.mark.parametrize("site", SITES)
def test_each_site_s_api_has_its_part_and_no_database(sandbox: Sandbox, up: str, site: str) -> None:
    for namespace, workload in (
        ("redis", "statefulset/redis"),
        ("nats", "statefulset/nats"),
        ("monitoring", "statefulset/opentelemetry-collector"),
        ("sacred-council", "deployment/agent-network"),
    ):
        sandbox.kubectl("--context", site, *ROLLED_OUT, namespace, workload)
    names = sandbox.kubectl("--context", site, "get", "statefulsets", "--all-namespaces", "-o", "name").split()
    assert sorted(name.rpartition("/")[2] for name in names) == ["nats", "opentelemetry-collector", "redis"]


def test_down_leaves_nothing(sandbox: Sandbox, up: str) -> None:
    sandbox.run("down", sandbox.stack)
    assert wait_until_gone(sandbox, 20) == []
    assert not (sandbox.folder / ".sandbox" / "clouds" / sandbox.stack).exists()
