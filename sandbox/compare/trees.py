"""The two trees to compare: a commit's files in a separate folder, and the stacks of both."""

from __future__ import annotations

import subprocess
import tarfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from io import BytesIO
from pathlib import Path

from sandbox.layout import SandboxError


class Kind(Enum):
    """Which trees have a stack's file: both, only the new one, or only the old one."""

    KEPT = "kept"
    NEW = "new"
    GONE = "gone"


@dataclass(frozen=True)
class Stack:
    """A stack and the trees with its file."""

    name: str
    kind: Kind


def resolve(project: Path, ref: str) -> str:
    """The full id of commit `ref`."""
    run = _git(project, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    if run.returncode != 0:
        raise SandboxError(f"{ref!r} is not a commit here; fetch it first, for example `git fetch origin main`.")
    return run.stdout.decode().strip()


def extract(project: Path, commit: str, folder: Path) -> None:
    """Write the project's files of the commit into the folder."""
    run = _git(project, "archive", "--format=tar", commit)
    if run.returncode != 0:
        raise SandboxError(f"git archive failed: {run.stderr.decode().strip()}")
    with tarfile.open(fileobj=BytesIO(run.stdout)) as archive:
        archive.extractall(folder, filter="data")
    if not (folder / "Pulumi.yaml").is_file():
        raise SandboxError(f"commit {commit[:12]} has no Pulumi.yaml, so it cannot be compared.")


def stack_names(project: Path) -> set[str]:
    """The stacks with a file in the project."""
    return {path.name.split(".")[1] for path in project.glob("Pulumi.*.yaml")}


def select(old: Iterable[str], new: Iterable[str], wanted: Sequence[str] = ()) -> list[Stack]:
    """The stacks to compare, sorted: the `wanted` ones, else all of both trees."""
    before, after = set(old), set(new)
    if unknown := sorted(set(wanted) - before - after):
        known = ", ".join(sorted(before | after)) or "none"
        raise SandboxError(f"Neither tree has Pulumi.{unknown[0]}.yaml; the stacks are: {known}.")
    return [Stack(name, _kind(name in before, name in after)) for name in sorted(set(wanted) or before | after)]


def _kind(before: bool, after: bool) -> Kind:
    if before and after:
        return Kind.KEPT
    return Kind.NEW if after else Kind.GONE


def _git(project: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(["git", "-C", str(project), *arguments], capture_output=True, stdin=subprocess.DEVNULL)
    except FileNotFoundError:
        raise SandboxError("A comparison needs `git`, which is not installed.") from None
