"""The policy pack in the real engine: every stack passes, and a violation of a mandatory rule changes nothing."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from report.document import document
from sandbox.layout import HOME_VARIABLE
from tests.conftest import STACKS
from tests.support.plans import preview_of
from tests.support.rendering import ROOT, render
from tests.support.sandboxes import PATIENCE_SECONDS, Sandbox, wait_until_gone

pytestmark = [pytest.mark.engine, pytest.mark.campaign, pytest.mark.timeout(1800)]

WITH_PACK = ("--policy-pack", "policy")
PUBLIC_BUCKET = """
import pulumi_gcp as gcp

cloud = gcp.Provider("extra-gcp", project="some-project", region="europe-west1")
gcp.storage.Bucket("extra-bucket", location="europe-west1", opts=pulumi.ResourceOptions(provider=cloud))
"""


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox with the local stack's control plane. It is always taken down at the end."""
    made = Sandbox.of(tmp_path_factory.mktemp("policy") / "project", "local")
    made.run("start")
    yield made
    made.take_down()


@pytest.fixture(scope="module")
def deployed(sandbox: Sandbox) -> list[dict[str, Any]]:
    """The resources of the local stack, deployed under the pack."""
    sandbox.pulumi("up", "--yes", *WITH_PACK)
    return sandbox.resources()


def _replace(path: Path, old: str, new: str) -> str:
    """Replace a text in a file of the program; return the original."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return text


def _known(resources: list[dict[str, Any]]) -> dict[str, str]:
    """The state's resources, by URN with id. A stopped update may rewrite the state."""
    return {one["urn"]: one.get("id", "") for one in resources}


def _run(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a module of the project with its own sandbox."""
    environment = {**os.environ, HOME_VARIABLE: str(tmp_path / "home"), "NO_COLOR": "1"}
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS
    )


def test_the_local_stack_goes_up_under_the_pack(sandbox: Sandbox, deployed: list[dict[str, Any]]) -> None:
    assert len(deployed) > 150
    sandbox.pulumi("preview", "--expect-no-changes", *WITH_PACK)


def test_an_image_without_a_tag_stops_the_update_and_nothing_is_changed(
    sandbox: Sandbox, deployed: list[dict[str, Any]]
) -> None:
    versions = sandbox.folder / "components" / "versions.py"
    before = _replace(versions, "library/redis:8.10.1", "library/redis")
    preview = sandbox.pulumi("preview", *WITH_PACK, fails=True)
    update = sandbox.pulumi("up", "--yes", *WITH_PACK, fails=True)
    unseen = sandbox.pulumi("up", "--yes", "--skip-preview", *WITH_PACK, fails=True)
    versions.write_text(before)
    for said in (preview, update, unseen):
        assert "[mandatory]  pinned-images" in said
        assert "container redis has image docker.io/library/redis" in said
    (redis,) = sandbox.objects("statefulsets", "-n", "redis")
    images = [one["image"] for one in redis["spec"]["template"]["spec"]["containers"]]
    assert "docker.io/library/redis:8.10.1" in images
    assert _known(sandbox.resources()) == _known(deployed)
    sandbox.pulumi("preview", "--expect-no-changes", *WITH_PACK)


def test_a_public_bucket_stops_the_update_and_is_not_made(sandbox: Sandbox, deployed: list[dict[str, Any]]) -> None:
    program = sandbox.folder / "__main__.py"
    before = program.read_text()
    program.write_text(before + PUBLIC_BUCKET)
    said = sandbox.pulumi("up", "--yes", *WITH_PACK, fails=True)
    program.write_text(before)
    assert "[mandatory]  no-public-exposure" in said
    assert "publicAccessPrevention is missing" in said
    assert "[mandatory]  required-labels" in said
    assert _known(sandbox.resources()) == _known(deployed)


def test_a_rule_that_is_switched_off_lets_it_pass(sandbox: Sandbox, deployed: list[dict[str, Any]]) -> None:
    versions = sandbox.folder / "components" / "versions.py"
    before = _replace(versions, "library/redis:8.10.1", "library/redis")
    config = sandbox.folder / "off.json"
    config.write_text(json.dumps({"pinned-images": "disabled"}))
    said = sandbox.pulumi("preview", *WITH_PACK, "--policy-pack-config", str(config))
    versions.write_text(before)
    assert "pinned-images" not in said


def test_a_configuration_that_fits_no_schema_is_refused(sandbox: Sandbox, deployed: list[dict[str, Any]]) -> None:
    config = sandbox.folder / "bad.json"
    config.write_text(json.dumps({"carbon-intensity": {"gramsPerKwh": "many"}}))
    assert "gramsPerKwh" in sandbox.pulumi("preview", *WITH_PACK, "--policy-pack-config", str(config), fails=True)


def test_a_pack_that_does_not_start_says_why(sandbox: Sandbox, deployed: list[dict[str, Any]]) -> None:
    pack = sandbox.folder / "policy" / "pack.py"
    before = _replace(pack, "from policy.rule import Rule", "import nothing_of_that_name")
    said = sandbox.pulumi("preview", *WITH_PACK, fails=True)
    pack.write_text(before)
    assert "nothing_of_that_name" in said


def test_nothing_of_the_pack_runs_on(sandbox: Sandbox, deployed: list[dict[str, Any]]) -> None:
    sandbox.run("down")
    assert wait_until_gone(sandbox, 10) == []


@pytest.mark.parametrize("stack", STACKS)
def test_every_stack_keeps_to_the_mandatory_rules(stack: str, tmp_path: Path) -> None:
    run = _run(tmp_path, "sandbox", "policy", stack)
    assert run.returncode == 0, run.stdout + run.stderr
    assert f"Stack {stack} keeps to the mandatory rules" in run.stdout
    assert "[mandatory]" not in run.stdout


def test_a_configured_budget_can_be_mandatory(tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"budget": {"enforcementLevel": "mandatory", "countGrowth": True}}))
    run = _run(tmp_path, "sandbox", "policy", "regional", "--config", str(config))
    assert run.returncode == 1
    assert "[mandatory]  budget" in run.stdout
    assert "Stack regional breaks mandatory rules" in run.stdout


@pytest.mark.parametrize("stack", STACKS)
def test_the_report_of_the_engines_plan_is_that_of_the_program(stack: str, tmp_path: Path) -> None:

    run = _run(tmp_path, "report", stack, "--folder", str(tmp_path / "out"))
    assert run.returncode == 0, run.stderr
    written = json.loads((tmp_path / "out" / f"{stack}.json").read_text())
    expected = document(preview_of(stack, render(stack)))
    for part in ("stage", "regions", "budget", "capacity", "carbon"):
        assert written[part] == expected[part]
    assert written["cost"]["total"] == expected["cost"]["total"]
    assert not (tmp_path / "home" / "state").exists()
