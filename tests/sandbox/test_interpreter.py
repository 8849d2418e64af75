"""The Python that runs the sandbox's commands: always the virtual environment's."""

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from sandbox import __main__ as command

pytestmark = pytest.mark.unit


class BecomesError(Exception):
    """The command would replace its process."""


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The path of the virtual environment, which does not exist yet."""
    folder = tmp_path / ".venv"
    monkeypatch.setattr(command, "_VENV", folder)
    monkeypatch.setattr(command, "_VENV_PYTHON", folder / "bin" / "python")
    monkeypatch.setattr(sys, "argv", ["sandbox", "env"])

    def become(program: str, words: Sequence[str]) -> None:
        raise BecomesError(program, list(words[3:]))

    monkeypatch.setattr("os.execv", become)
    return folder


def _make(environment: Path) -> Path:
    python = environment / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    return python


def test_another_python_gives_way_though_it_has_all_packages(environment: Path) -> None:
    python = _make(environment)
    with pytest.raises(BecomesError) as became:
        command._continue_in_virtual_environment()
    assert became.value.args == (str(python), ["env"])


@pytest.mark.parametrize("by", ["executable", "prefix", "link"])
def test_the_environments_own_python_goes_on(environment: Path, monkeypatch: pytest.MonkeyPatch, by: str) -> None:
    python = _make(environment)
    if by == "link":
        (environment.parent / "link").symlink_to(environment)
    wanted = {"executable": python, "prefix": environment, "link": environment.parent / "link"}[by]
    monkeypatch.setattr(sys, "executable" if by == "executable" else "prefix", str(wanted))
    command._continue_in_virtual_environment()


def test_without_an_environment_a_python_with_the_packages_goes_on(environment: Path) -> None:
    command._continue_in_virtual_environment()


def test_without_an_environment_missing_packages_are_said(environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "_NEEDED_MODULES", ("no_such_module",))
    with pytest.raises(SystemExit, match="run `make venv` first"):
        command._continue_in_virtual_environment()
