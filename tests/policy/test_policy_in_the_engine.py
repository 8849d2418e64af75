"""The policy pack and the report on the engine's plan of every stack. Each plan is made once, for both.

`tests/platform/test_local_stack.py` shows what the pack does to a deployment.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from report.document import document
from sandbox import empty_state
from sandbox.layout import HOME_VARIABLE, Layout
from tests.conftest import STACKS
from tests.support.plans import preview_of
from tests.support.rendering import ROOT, render
from tests.support.sandboxes import PATIENCE_SECONDS

pytestmark = [pytest.mark.engine, pytest.mark.campaign, pytest.mark.timeout(1800)]


@dataclass(frozen=True)
class Checked:
    """The engine's plan of a stack, made under the policy pack."""

    stack: str
    plan: Path
    """Output of `pulumi preview --json`."""


@pytest.fixture(scope="module", params=STACKS)
def checked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Checked:
    """Each stack in turn. The preview fails if the stack breaks a mandatory rule."""
    folder = tmp_path_factory.mktemp("plan")
    layout = replace(Layout.from_environment(), project=ROOT, home=folder / "home")
    made = Checked(stack=str(request.param), plan=folder / "plan.json")
    made.plan.write_text(empty_state.preview(layout, made.stack, "--policy-pack", empty_state.PACK))
    return made


def _run(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a module of the project with its own sandbox."""
    environment = {**os.environ, HOME_VARIABLE: str(tmp_path / "home"), "NO_COLOR": "1"}
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS
    )


def require_the_programs_report(stack: str, file: Path) -> None:
    """The report has the figures that follow from the program under mocks."""
    written = json.loads(file.read_text())
    expected = document(preview_of(stack, render(stack)))
    for part in ("stage", "regions", "budget", "capacity", "carbon"):
        assert written[part] == expected[part]
    assert written["cost"]["total"] == expected["cost"]["total"]


def test_every_stack_keeps_to_the_mandatory_rules(checked: Checked) -> None:
    assert len(json.loads(checked.plan.read_text())["steps"]) > 150


def test_the_report_of_the_engines_plan_is_that_of_the_program(checked: Checked, tmp_path: Path) -> None:
    run = _run(tmp_path, "report", checked.stack, "--plan", str(checked.plan), "--folder", str(tmp_path / "out"))
    assert run.returncode == 0, run.stderr
    require_the_programs_report(checked.stack, tmp_path / "out" / f"{checked.stack}.json")


def test_the_command_for_the_pack_says_that_the_rules_are_kept(tmp_path: Path) -> None:
    run = _run(tmp_path, "sandbox", "policy", "local")
    assert run.returncode == 0, run.stdout + run.stderr
    assert "Stack local keeps to the mandatory rules" in run.stdout
    assert "[mandatory]" not in run.stdout


def test_a_configured_budget_can_be_mandatory(tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"budget": {"enforcementLevel": "mandatory", "countGrowth": True}}))
    run = _run(tmp_path, "sandbox", "policy", "regional", "--config", str(config))
    assert run.returncode == 1
    assert "[mandatory]  budget" in run.stdout
    assert "Stack regional breaks mandatory rules" in run.stdout


def test_the_report_plans_by_itself_and_deploys_nothing(tmp_path: Path) -> None:
    run = _run(tmp_path, "report", "local", "--folder", str(tmp_path / "out"))
    assert run.returncode == 0, run.stderr
    require_the_programs_report("local", tmp_path / "out" / "local.json")
    assert not (tmp_path / "home" / "state").exists()
