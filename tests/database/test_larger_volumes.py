"""Volumes of a running store grow as in docs/runbooks/volume-filling.md, without ending any pod of the store.

The claims of a StatefulSet cannot change, so a new size alone would replace the StatefulSet and end all its pods.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from sandbox.compare.changes import Operation
from tests.support.sandboxes import Sandbox

pytestmark = [pytest.mark.engine, pytest.mark.campaign, pytest.mark.timeout(1800)]

SIZE = "20Gi"
LARGER = json.dumps({"spec": {"resources": {"requests": {"storage": SIZE}}}})


@dataclass(frozen=True)
class Store:
    """A store with volumes."""

    key: str
    """Key in the configuration."""
    settings: dict[str, object]
    """Settings in this stack."""
    name: str
    """Name of the StatefulSet and of its namespace."""
    restarts: bool = False
    """Whether a new size restarts the pods, because the store's own settings contain the size."""


STORES = (
    Store("database", {"nodes": 3}, "cockroachdb"),
    Store("cache", {"replicas": 3}, "redis"),
    Store("messaging", {"servers": 3}, "nats", restarts=True),
)
of_each_store = pytest.mark.parametrize("store", STORES, ids=lambda store: store.key)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A running stack with three pods of each store, and little else."""
    made = Sandbox.of(tmp_path_factory.mktemp("volumes") / "project", "local", saves_once=True)
    made.configure({"mesh": {"enabled": False}, "monitoring": {"enabled": False}})
    made.configure({store.key: store.settings for store in STORES})
    made.run("up")
    yield made
    made.run("down")


@of_each_store
def test_the_setting_alone_would_replace_the_statefulset(sandbox: Sandbox, store: Store) -> None:
    sandbox.configure({store.key: {**store.settings, "storage": SIZE}})
    preview = sandbox.preview()
    sandbox.configure({store.key: store.settings})
    assert [change.name for change in preview.of(Operation.REPLACE)] == [f"local-{store.key}-statefulset"]


@of_each_store
def test_volumes_grow_under_pods_that_stay(sandbox: Sandbox, store: Store) -> None:
    pods = uids(sandbox, "pods", store)
    claims = uids(sandbox, "persistentvolumeclaims", store)
    assert len(pods) == len(claims) == 3

    for claim in claims:
        sandbox.kubectl("-n", store.name, "patch", "persistentvolumeclaim", claim, "--patch", LARGER)
    sandbox.kubectl("-n", store.name, "delete", "statefulset", store.name, "--cascade=orphan")
    sandbox.pulumi("refresh", "--yes", "--target", f"**::local-{store.key}-statefulset")
    sandbox.configure({store.key: {**store.settings, "storage": SIZE}})
    assert uids(sandbox, "pods", store) == pods
    sandbox.pulumi("up", "--yes", "--target", f"**::local-{store.key}-**")

    assert uids(sandbox, "persistentvolumeclaims", store) == claims
    assert {asked_for(claim) for claim in of(sandbox, "persistentvolumeclaims", store)} == {SIZE}
    assert {owner["name"] for pod in of(sandbox, "pods", store) for owner in pod["metadata"]["ownerReferences"]} == {
        store.name
    }
    if not store.restarts:
        assert uids(sandbox, "pods", store) == pods
    preview = sandbox.preview()
    assert (preview.errors, preview.changes) == ((), ())


def of(sandbox: Sandbox, kind: str, store: Store) -> list[dict[str, Any]]:
    """List the objects of the store's StatefulSet. Pods of Jobs have other labels."""
    return sandbox.objects(kind, "-n", store.name, "-l", f"app.kubernetes.io/name={store.name}")


def uids(sandbox: Sandbox, kind: str, store: Store) -> dict[str, str]:
    """Return the uid of each object, by name."""
    return {item["metadata"]["name"]: item["metadata"]["uid"] for item in of(sandbox, kind, store)}


def asked_for(claim: dict[str, Any]) -> str:
    return str(claim["spec"]["resources"]["requests"]["storage"])
