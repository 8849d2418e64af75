"""Volumes of a running data service grow as in docs/runbooks/volume-filling.md, without ending any of its pods.

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
class DataService:
    """A data service with volumes."""

    key: str
    """Key in the configuration."""
    settings: dict[str, object]
    """Settings in this stack."""
    name: str
    """Name of the StatefulSet and of its namespace."""
    restarts: bool = False
    """Whether a new size restarts the pods, because the data service's own settings contain the size."""


DATA_SERVICES = (
    DataService("database", {"nodes": 3}, "cockroachdb"),
    DataService("cache", {"replicas": 3}, "redis"),
    DataService("messaging", {"servers": 3}, "nats", restarts=True),
)
of_each_data_service = pytest.mark.parametrize("data_service", DATA_SERVICES, ids=lambda data_service: data_service.key)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A running stack with three pods of each data service, and little else."""
    made = Sandbox.of(tmp_path_factory.mktemp("volumes") / "project", "local", saves_once=True)
    made.configure({"mesh": {"enabled": False}, "monitoring": {"enabled": False}})
    made.configure({data_service.key: data_service.settings for data_service in DATA_SERVICES})
    made.run("up")
    yield made
    made.run("down")


@of_each_data_service
def test_the_setting_alone_would_replace_the_statefulset(sandbox: Sandbox, data_service: DataService) -> None:
    sandbox.configure({data_service.key: {**data_service.settings, "storage": SIZE}})
    preview = sandbox.preview()
    sandbox.configure({data_service.key: data_service.settings})
    assert [change.name for change in preview.of(Operation.REPLACE)] == [f"local-{data_service.key}-statefulset"]


@of_each_data_service
def test_volumes_grow_under_pods_that_stay(sandbox: Sandbox, data_service: DataService) -> None:
    pods = uids(sandbox, "pods", data_service)
    claims = uids(sandbox, "persistentvolumeclaims", data_service)
    assert len(pods) == len(claims) == 3

    for claim in claims:
        sandbox.kubectl("-n", data_service.name, "patch", "persistentvolumeclaim", claim, "--patch", LARGER)
    sandbox.kubectl("-n", data_service.name, "delete", "statefulset", data_service.name, "--cascade=orphan")
    sandbox.pulumi("refresh", "--yes", "--target", f"**::local-{data_service.key}-statefulset")
    sandbox.configure({data_service.key: {**data_service.settings, "storage": SIZE}})
    assert uids(sandbox, "pods", data_service) == pods
    sandbox.pulumi("up", "--yes", "--target", f"**::local-{data_service.key}-**")

    assert uids(sandbox, "persistentvolumeclaims", data_service) == claims
    assert {asked_for(claim) for claim in of(sandbox, "persistentvolumeclaims", data_service)} == {SIZE}
    assert {
        owner["name"] for pod in of(sandbox, "pods", data_service) for owner in pod["metadata"]["ownerReferences"]
    } == {data_service.name}
    if not data_service.restarts:
        assert uids(sandbox, "pods", data_service) == pods
    preview = sandbox.preview()
    assert (preview.errors, preview.changes) == ((), ())


def of(sandbox: Sandbox, kind: str, data_service: DataService) -> list[dict[str, Any]]:
    """List the objects of the data service's StatefulSet. Pods of Jobs have other labels."""
    return sandbox.objects(kind, "-n", data_service.name, "-l", f"app.kubernetes.io/name={data_service.name}")


def uids(sandbox: Sandbox, kind: str, data_service: DataService) -> dict[str, str]:
    """Return the uid of each object, by name."""
    return {item["metadata"]["name"]: item["metadata"]["uid"] for item in of(sandbox, kind, data_service)}


def asked_for(claim: dict[str, Any]) -> str:
    return str(claim["spec"]["resources"]["requests"]["storage"])
