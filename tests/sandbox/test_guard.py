"""A test run that is killed leaves nothing running."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.support.rendering import ROOT

pytestmark = pytest.mark.unit

# Like a control plane's servers, the shell has its own session, and no parent after the run has ended.
KILLED = """
import os, signal, subprocess
import pytest

@pytest.mark.engine
def test_that_is_killed():
    shell = subprocess.Popen(["sh", "-c", "sleep 600 & echo $!; wait"], start_new_session=True, stdout=subprocess.PIPE)
    print(shell.pid, int(shell.stdout.readline()), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""
OPTIONS = ("-q", "--capture=no", "-p", "tests.conftest", "-p", "no:cacheprovider", "-c", str(ROOT / "pyproject.toml"))


@pytest.mark.timeout(60)
def test_what_a_killed_run_started_ends_with_it(tmp_path: Path) -> None:
    (tmp_path / "test_ends.py").write_text(KILLED)
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            *OPTIONS,
            "--basetemp",
            str(tmp_path / "base"),
            str(tmp_path / "test_ends.py"),
        ],
        cwd=ROOT,
        # The user's own options, such as -v, would write into the same line.
        env={**os.environ, "PYTHONWARNINGS": "ignore", "PYTEST_ADDOPTS": ""},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    started = [int(word) for line in run.stdout.splitlines() for word in line.split() if line[:1].isdigit()]
    assert len(started) == 2, run.stdout
    _, alive = psutil.wait_procs([one for one in psutil.process_iter() if one.pid in started], timeout=20)
    assert alive == []
