"""The programs that conformance tests run: the sandbox's own builds, else those on PATH."""

import shutil
import subprocess
from pathlib import Path

import pytest

from sandbox.layout import Layout

TIME_LIMIT = 120
"""Time limit in seconds for a program that checks files."""


def binary(name: str) -> Path:
    """The program `name`. Skips the test when there is none."""
    built = Layout.from_environment().bin / name
    found = built if built.is_file() else shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not there: `make test` builds it")
    return Path(found)


def run(
    name: str, *arguments: str | Path, stdin: str | None = None, directory: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `name` with `arguments` and return its exit code and output, whatever the code."""
    command = [str(binary(name)), *map(str, arguments)]
    return subprocess.run(
        command, input=stdin, cwd=directory, capture_output=True, text=True, timeout=TIME_LIMIT, check=False
    )
