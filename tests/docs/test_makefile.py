"""The virtual environment that `make` makes, mends and deletes. A script replaces Python and records its arguments."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.rendering import ROOT

pytestmark = [pytest.mark.unit, pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")]

SYSTEM = """\
#!/bin/sh
echo "system $*" >> calls
[ "$2" = venv ] && mkdir -p .venv/bin && cp whole .venv/bin/python
exit 0
"""
WHOLE = '#!/bin/sh\necho "own $*" >> calls\n'
HALF_MADE = "#!/bin/sh\nexit 1\n"
ASKED = "-m pip --version"
MADE = "-m venv --clear .venv"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project with only the Makefile, and a Python without packages."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("requirements.txt", "requirements-dev.txt"):
        (tmp_path / name).touch()
    for name, script in (("system", SYSTEM), ("whole", WHOLE)):
        _write(tmp_path / name, script)
    return tmp_path


def _write(path: Path, script: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(script)
    path.chmod(0o755)


def _make(folder: Path, target: str) -> subprocess.CompletedProcess[str]:
    command = ["make", target, "PYTHON=./system"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL)


def _calls(folder: Path) -> list[str]:
    return (folder / "calls").read_text().splitlines()


@pytest.mark.parametrize("half_made", [False, True])
def test_an_environment_without_pip_is_made_anew(folder: Path, half_made: bool) -> None:
    if half_made:
        _write(folder / ".venv" / "bin" / "python", HALF_MADE)
    assert _make(folder, "venv").returncode == 0
    assert f"system {MADE}" in _calls(folder)
    assert _calls(folder)[-1].startswith("own -m pip install")
    assert (folder / ".venv" / ".requirements-installed").exists()


def test_a_whole_environment_is_kept(folder: Path) -> None:
    _write(folder / ".venv" / "bin" / "python", WHOLE)
    assert _make(folder, "venv").returncode == 0
    assert f"own {ASKED}" in _calls(folder)
    assert f"system {MADE}" not in _calls(folder)


def test_clean_deletes_a_half_made_environment_and_says_what_it_could_not_do(folder: Path) -> None:
    _write(folder / ".venv" / "bin" / "python", HALF_MADE)
    run = _make(folder, "clean")
    assert run.returncode != 0
    assert not (folder / ".venv").exists()
    assert "The sandbox could not be cleaned, and may still run: make venv clean" in run.stderr


FAILING = '#!/bin/sh\necho "own $*" >> calls\ncase "$*" in *"not campaign") exit 1;; esac\n'


@pytest.mark.parametrize("shard", [[], ["SHARD=2/4"]])
def test_campaigns_run_although_another_test_has_failed(folder: Path, shard: list[str]) -> None:
    _write(folder / "whole", FAILING)
    command = ["make", "test-all", "PYTHON=./system", *shard]
    assert subprocess.run(command, cwd=folder, capture_output=True, stdin=subprocess.DEVNULL).returncode != 0
    part = " --shard 2/4" if shard else ""
    always = "own -m pytest --dist loadfile --no-loadscope-reorder --durations=10"
    assert _calls(folder)[-3:] == [
        "own -m sandbox build --tests --campaigns",
        f"{always}{part} -n 4 -m not campaign",
        f"{always}{part} -n 2 -m campaign",
    ]
