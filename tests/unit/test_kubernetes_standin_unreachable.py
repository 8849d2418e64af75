"""Objects and releases of a cluster that is gone: what the stand-in forgets, and what it keeps, as the official one."""

from collections.abc import Iterator
from typing import Any

import pytest

from components.local_chart import NO_CLUSTER
from tests.engine.standin import Driver, RefusedError, State

CONFIG_MAP = State(
    "urn:pulumi:test::standin::kubernetes:core/v1:ConfigMap::settings",
    "shop/settings",
    {},
    {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": "shop"}},
)
RELEASE = State(
    "urn:pulumi:test::standin::kubernetes:helm.sh/v3:Release::shop",
    "shop/shop",
    {},
    {"name": "shop", "namespace": "shop", "chart": "shop", "status": {"name": "shop", "status": "deployed"}},
)


@pytest.fixture(scope="module")
def forgetting() -> Iterator[Driver]:
    running = Driver(kubeconfig=NO_CLUSTER, deleteUnreachable="true")
    yield running
    running.close()


def test_an_object_is_forgotten_by_a_refresh_and_by_a_delete(forgetting: Driver) -> None:
    assert forgetting.read(CONFIG_MAP).id == ""
    forgetting.delete(CONFIG_MAP)


def test_a_release_is_forgotten_by_a_refresh(forgetting: Driver) -> None:
    assert forgetting.read(RELEASE).id == ""


def test_a_release_is_never_forgotten_by_a_delete(forgetting: Driver) -> None:
    with pytest.raises(RefusedError, match=r"unreachable(.|\n)*pulumi refresh"):
        forgetting.delete(RELEASE)


def test_what_cannot_be_created_says_that_the_cluster_is_the_reason(forgetting: Driver) -> None:
    with pytest.raises(RefusedError, match="unreachable"):
        forgetting.create(CONFIG_MAP.urn, CONFIG_MAP.outputs)


@pytest.fixture
def skipping() -> Iterator[Driver]:
    running = Driver(kubeconfig=NO_CLUSTER, skipUpdateUnreachable="true")
    yield running
    running.close()


@pytest.mark.parametrize(
    ("state", "change"),
    [(CONFIG_MAP, {"data": {"key": "other"}}), (RELEASE, {"values": {"replicas": 2}})],
    ids=["object", "release"],
)
def test_what_changes_is_skipped_with_a_warning(skipping: Driver, state: State, change: dict[str, Any]) -> None:
    old = {name: value for name, value in state.outputs.items() if name != "status"}
    assert skipping.check(state.urn, old | change, old) == old
    assert ["skipUpdateUnreachable is set" in warning for warning in skipping.engine.warnings] == [True]


def test_a_new_release_is_not_skipped(skipping: Driver) -> None:
    wanted = {"name": "shop", "namespace": "shop", "chart": "shop", "repositoryOpts": {"repo": "https://example.org"}}
    with pytest.raises(RefusedError, match="unreachable"):
        skipping.create(RELEASE.urn, wanted)
