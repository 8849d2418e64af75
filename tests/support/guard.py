"""End the processes that a killed test run leaves: control planes, engines and servers outlive their starter.

Every process of a run inherits an environment variable with the run's folder. `python -m tests.support.guard FOLDER`
waits for the end of its standard input, which comes however the run ends, then ends all processes with the variable.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

VARIABLE = "SACRED_COUNCIL_TEST_RUN"
_ROOT = Path(__file__).resolve().parents[2]
_GIVE_UP_SECONDS = 60.0


@contextmanager
def observing(folder: Path) -> Iterator[None]:
    """End the processes that the calling process starts in this block: afterwards, or when it is killed."""
    before = os.environ.get(VARIABLE)
    guard = subprocess.Popen(
        [sys.executable, "-m", "tests.support.guard", str(folder)],
        cwd=_ROOT,
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    os.environ[VARIABLE] = str(folder)
    try:
        yield
    finally:
        os.environ.pop(VARIABLE)
        if before is not None:
            os.environ[VARIABLE] = before
        guard.communicate()


def started_by(folder: str) -> list[psutil.Process]:
    """The running processes that the run with this folder started, directly or not."""
    return [process for process in psutil.process_iter() if process.pid != os.getpid() and _carries(process, folder)]


def _carries(process: psutil.Process, folder: str) -> bool:
    try:
        return process.environ().get(VARIABLE) == folder and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def end_all(folder: str) -> None:
    """Kill the processes, and those that they start meanwhile. The run owns their data, so nothing needs saving."""
    deadline = time.monotonic() + _GIVE_UP_SECONDS
    while (left := started_by(folder)) and time.monotonic() < deadline:
        for process in left:
            with suppress(psutil.Error):
                process.kill()
        time.sleep(0.1)


if __name__ == "__main__":
    sys.stdin.buffer.read()
    end_all(sys.argv[1])
