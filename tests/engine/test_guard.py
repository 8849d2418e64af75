"""Control planes that a test run started end with it, also when it is killed."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sandbox import processes
from tests.rendering import ROOT

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]

RUN = """
import time
import pytest
from tests.engine import apiserver

@pytest.mark.engine
def test_that_takes_long(tmp_path_factory):
    with apiserver.running(tmp_path_factory.mktemp("plane"), "guarded", 46):
        print("ready", flush=True)
        time.sleep(600)
"""


def test_control_planes_end_within_seconds_after_the_run_was_killed(tmp_path: Path) -> None:
    (tmp_path / "test_long.py").write_text(RUN)
    options = ("-p", "tests.conftest", "-p", "no:cacheprovider", "-c", str(ROOT / "pyproject.toml"), "--capture=no")
    with subprocess.Popen(
        [
            sys.executable,
            "-m",
            "pytest",
            *options,
            "--basetemp",
            str(tmp_path / "base"),
            str(tmp_path / "test_long.py"),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
        stdout=subprocess.PIPE,
        text=True,
    ) as run:
        assert run.stdout
        printed = next((line for line in run.stdout if "ready" in line), "the run ended early")
        assert "ready" in printed
        before = {processes.server_name(server) for server in processes.servers_of(tmp_path)}
        run.kill()
    assert {"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"} <= before
    deadline = time.monotonic() + 20
    while processes.servers_of(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert processes.servers_of(tmp_path) == []
