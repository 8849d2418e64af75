"""The real istiod takes what the program deployed: one region, and three regions that know each other."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from components.namespaces import INGRESS, SERVICES
from components.services import NAMES
from sandbox.controllers.istio import Istiod
from tests.support import mesh_sandboxes
from tests.support.growing import settings
from tests.support.regions import MIXED
from tests.support.sandboxes import Sandbox
from tests.support.servers import eventually

pytestmark = [pytest.mark.engine, pytest.mark.campaign, pytest.mark.timeout(1800)]

EXPECTED: dict[str, str] = {}
"""Warnings of istiod that are no fault of the program, with the reason."""
ANALYSED = {"PILOT_ENABLE_ANALYSIS": "true", "PILOT_ANALYSIS_INTERVAL": "1s"}
"""Let istiod look at its configuration like `istioctl analyze`, and write what it finds into the objects' status."""
KINDS = (
    "authorizationpolicies.security.istio.io,destinationrules.networking.istio.io,envoyfilters.networking.istio.io,"
    "gateways.networking.istio.io,peerauthentications.security.istio.io,requestauthentications.security.istio.io,"
    "telemetries.telemetry.istio.io,virtualservices.networking.istio.io"
)


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with mesh_sandboxes.deployed(tmp_path_factory.mktemp("istiod"), "local") as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def istiod(local: Sandbox) -> Iterator[Istiod]:
    with mesh_sandboxes.control_planes_of_the_mesh(local, **ANALYSED) as started:
        yield started["local"]


def pods(istiod: Istiod, namespace: str) -> list[dict[str, Any]]:
    found = istiod.cluster.kubectl("get", "pods", f"--namespace={namespace}", "--output=json")
    assert found.returncode == 0, found.stderr
    return [pod for pod in json.loads(found.stdout)["items"] if "deletionTimestamp" not in pod["metadata"]]


def test_istiod_complains_about_nothing(istiod: Istiod) -> None:
    assert mesh_sandboxes.complaints(istiod, EXPECTED) == []


def test_istiods_analysis_finds_nothing(istiod: Istiod) -> None:
    eventually(lambda: istiod.debug("configz"), seconds=30, what="configuration")
    listed = istiod.cluster.kubectl("get", KINDS, "--all-namespaces", "--output=json")
    objects = json.loads(listed.stdout)["items"]
    assert len(objects) > 10
    messages = {
        f"{each['kind']}/{each['metadata']['name']}": each.get("status", {}).get("validationMessages", [])
        for each in objects
    }
    assert {name: found for name, found in messages.items() if found} == {}
