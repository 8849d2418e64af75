"""A test run that is killed leaves nothing running."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from tests.rendering import ROOT

KILLED = """
import os, signal, subprocess
import pytest

@pytest.mark.engine
def test_that_is_killed():
    sleeping = subprocess.Popen(["sh", "-c", "sleep 600 & wait"], start_new_session=True)
    print(sleeping.pid, flush=True)
    {end}
"""
ENDS = {"killed": "os.kill(os.getpid(), signal.SIGKILL)", "passed": "pass"}


def _run(folder: Path, end: str) -> list[psutil.Process]:
    """What a run of a test has left when it has ended: a shell in a session of its own, and its child."""
    (folder / "test_ends.py").write_text(KILLED.format(end=ENDS[end]))
    options = (
        "-p",
        "tests.conftest",
        "-p",
        "no:cacheprovider",
        "-c",
        str(ROOT / "pyproject.toml"),
        "--capture=no",
        "-q",
    )
    with subprocess.Popen(
        [sys.executable, "-m", "pytest", *options, "--basetemp", str(folder / "base"), str(folder / "test_ends.py")],
        cwd=ROOT,
        # Options of whoever runs the tests, such as -v, would write into the same line.
        env={**os.environ, "PYTHONWARNINGS": "ignore", "PYTEST_ADDOPTS": ""},
        stdout=subprocess.PIPE,
        text=True,
    ) as run:
        assert run.stdout
        shell = psutil.Process(int(next(line for line in run.stdout if line.strip().isdigit())))
        family = [shell]
        while shell.is_running() and len(family) < 2:
            family = [shell, *shell.children()]
        return family


@pytest.fixture(scope="module")
def families(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[psutil.Process]]:
    """What is left of a run with each end; both run at once."""
    with ThreadPoolExecutor() as pool:
        return dict(zip(ENDS, pool.map(_run, map(tmp_path_factory.mktemp, ENDS), ENDS), strict=True))


@pytest.mark.parametrize("end", ENDS)
def test_what_a_run_started_ends_with_it(end: str, families: dict[str, list[psutil.Process]]) -> None:
    _, alive = psutil.wait_procs(families[end], timeout=20)
    assert alive == []
