"""The workflows against actionlint, which knows GitHub's syntax, contexts and shells."""

import pytest

from tests.support.binaries import run
from tests.support.rendering import ROOT

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(60)]


def test_actionlint_finds_nothing() -> None:
    workflows = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
    assert len(workflows) >= 3
    result = run("actionlint", "-no-color", *workflows)
    assert (result.returncode, result.stdout + result.stderr) == (0, "")


def test_actionlint_would_find_a_mistake() -> None:
    steps = "    steps:\n      - run: echo ${{ nothing.here }}\n"
    broken = f"on: pull_request\njobs:\n  one:\n    runs-on: ubuntu-24.04\n{steps}"
    result = run("actionlint", "-no-color", "-", stdin=broken)
    assert result.returncode != 0
    assert "undefined variable" in result.stdout
