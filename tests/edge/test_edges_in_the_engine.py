"""An edge on each simulated cloud, with the real engine: created, grown by a region, shrunk again, removed."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.support.sandboxes import Sandbox

pytestmark = [pytest.mark.engine, pytest.mark.campaign, pytest.mark.timeout(1800)]

PROGRAM = Path(__file__).parents[1] / "programs" / "edges_with_keys.py"
FEW, MANY = ["us-central1", "europe-west1"], ["europe-west1", "asia-east1", "us-central1"]


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """The program in `PROGRAM`, deployed in front of two regions. The program needs no control plane."""
    sandbox = Sandbox.of(tmp_path_factory.mktemp("edges") / "project", "local", saves_once=True)
    (sandbox.folder / "Pulumi.yaml").write_text("name: sacred-council\nruntime: python\n")
    (sandbox.folder / "__main__.py").write_text(PROGRAM.read_text())
    try:
        sandbox.run("exec", "--", "pulumi", "stack", "init", "local")
        # The engine drops a configuration that is empty.
        (sandbox.folder / "Pulumi.local.yaml").write_text(yaml.safe_dump({"config": {}}))
        up(sandbox, FEW)
        yield sandbox
    finally:
        sandbox.run("clean")


def up(sandbox: Sandbox, regions: list[str]) -> dict[str, set[str]]:
    """Deploy with these regions; return the names of the changed resources by operation."""
    sandbox.configure({"origins": regions})
    steps = json.loads(sandbox.pulumi("preview", "--json"))["steps"]
    sandbox.pulumi("up", "--yes", "--skip-preview")
    return {
        step["op"]: {one["urn"].rpartition("::")[2] for one in steps if one["op"] == step["op"]}
        for step in steps
        if step["op"] != "same"
    }


def clouds(sandbox: Sandbox) -> list[Path]:
    """List the records of the resources in the simulated clouds."""
    return list((sandbox.folder / ".sandbox" / "clouds" / "local").rglob("*.json"))


def test_a_second_run_changes_nothing_and_neither_does_a_refresh(deployed: Sandbox) -> None:
    assert clouds(deployed)
    deployed.pulumi("preview", "--refresh", "--expect-no-changes")


def test_no_key_and_no_token_is_in_the_state_in_plain(deployed: Sandbox) -> None:
    state, shown = deployed.pulumi("stack", "export"), deployed.pulumi("stack", "export", "--show-secrets")
    # Every token begins with the last letters: {"alg":
    for secret in ("PRIVATE KEY", "eyJhbGciOi"):
        assert secret in shown
        assert secret not in state


def test_the_edge_grows_and_shrinks_by_a_region_without_a_replacement(deployed: Sandbox) -> None:
    grown = up(deployed, MANY)
    assert grown.keys() == {"create", "update"}
    assert all(name.startswith("asia-east1-") for name in grown["create"])
    assert grown["update"] == {"google-origins"}
    shrunk = up(deployed, FEW)
    assert shrunk.keys() == {"delete", "update"}
    assert shrunk["delete"] == grown["create"]
    assert shrunk["update"] == {"google-origins"}


def test_nothing_is_left_in_the_clouds_after_a_destroy(deployed: Sandbox) -> None:
    said = deployed.pulumi("destroy", "--yes", "--skip-preview")
    assert re.search(r"- \d+ deleted", said)
    assert clouds(deployed) == []
