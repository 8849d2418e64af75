"""Checks of the machine: needs of the sandbox, findings and remedies."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from importlib import metadata

from sandbox import binaries, engine, golang
from sandbox.layout import PROJECT, Layout, SandboxError

_GIBIBYTE = 1024**3
_NEEDED_DISK = 8 * _GIBIBYTE
_NEEDED_MEMORY = 2 * _GIBIBYTE


@dataclass(frozen=True, kw_only=True)
class Check:
    """One finding."""

    name: str
    finding: str
    remedy: str = ""
    """Empty if nothing is missing."""
    blocks: bool = True
    """Whether nothing works without it."""


def examine(layout: Layout) -> list[Check]:
    """All checks, in the order in which to fix problems."""
    return [_python(), _packages(), _go(layout), _engine(layout), _built(layout), _disk(layout), _memory()]


def report(layout: Layout) -> int:
    """Print every check; return 1 if something is missing."""
    checks = examine(layout)
    for check in checks:
        print(f"{'missing' if check.remedy else 'ok':8} {check.name}: {check.finding}")
        if check.remedy:
            print(f"{'':8} {check.remedy}")
    return 1 if any(check.remedy for check in checks) else 0


def require(layout: Layout) -> None:
    """Raise `SandboxError` with the remedies of all blocking checks."""
    blocking = [check for check in examine(layout) if check.remedy and check.blocks]
    if blocking:
        raise SandboxError("\n".join(f"{check.name}: {check.finding}. {check.remedy}" for check in blocking))


def _python() -> Check:
    version = ".".join(str(part) for part in sys.version_info[:3])
    good = sys.version_info >= (3, 11)
    return Check(name="Python", finding=version, remedy="" if good else "Install Python 3.11 or newer.")


def _packages() -> Check:
    wrong = [line for line in pinned_requirements() if not _is_installed(line)]
    remedy = "Run `make venv` and use the virtual environment's Python." if wrong else ""
    return Check(
        name="Python packages", finding=f"not as pinned: {', '.join(wrong)}" if wrong else "as pinned", remedy=remedy
    )


def pinned_requirements() -> list[str]:
    """The `name==version` lines of the program's and the sandbox's requirements."""
    lines = [
        line.strip()
        for file in ("requirements.txt", "requirements-dev.txt")
        for line in (PROJECT / file).read_text().splitlines()
    ]
    return [line for line in lines if "==" in line and not line.startswith("#")]


def _is_installed(requirement: str) -> bool:
    name, _, version = requirement.partition("==")
    try:
        return metadata.version(name) == version
    except metadata.PackageNotFoundError:
        return False


def _go(layout: Layout) -> Check:
    found = golang.find()
    if found:
        return Check(name="Go", finding=str(found))
    if not binaries.outdated(layout, binaries.CONTROL_PLANE):
        return Check(name="Go", finding=f"{golang.why_none()}; not needed: everything is built")
    remedy = f"{golang.remedy()} `make up` tries the latter."
    return Check(name="Go", finding=golang.why_none(), remedy=remedy, blocks=False)


def _engine(layout: Layout) -> Check:
    pinned = ".".join(str(part) for part in engine.pinned_version())
    official = engine.official()
    if official:
        return Check(name="Pulumi", finding=f"the official CLI, {official}")
    other = engine.on_path()
    unsuitable = f"; {other} is not used, it is older than {pinned} or of another major version" if other else ""
    if binaries.is_current(layout, binaries.ENGINE):
        return Check(name="Pulumi", finding=f"built here, {pinned}{unsuitable}")
    remedy = "`make up` builds it in a few minutes; or install the CLI from https://www.pulumi.com/docs/install/."
    return Check(name="Pulumi", finding=f"not built yet{unsuitable}", remedy=remedy, blocks=False)


def _built(layout: Layout) -> Check:
    missing = binaries.outdated(layout, [*binaries.CONTROL_PLANE, binaries.KUBERNETES_PROVIDER])
    names = ", ".join(binary.name for binary in missing)
    if not missing:
        return Check(name="Kubernetes binaries", finding="built")
    return Check(
        name="Kubernetes binaries", finding=f"not built yet: {names}", remedy="`make up` builds them.", blocks=False
    )


def _disk(layout: Layout) -> Check:
    free = shutil.disk_usage(layout.project).free
    finding = f"{free / _GIBIBYTE:.0f} GiB free"
    enough = free >= _NEEDED_DISK or not binaries.outdated(layout, binaries.CONTROL_PLANE)
    remedy = "" if enough else f"Building needs about {_NEEDED_DISK // _GIBIBYTE} GiB."
    return Check(name="Disk", finding=finding, remedy=remedy)


def _memory() -> Check:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    remedy = "" if total >= _NEEDED_MEMORY else "A build or a control plane needs more; 4 GiB are enough."
    return Check(name="Memory", finding=f"{total / _GIBIBYTE:.0f} GiB", remedy=remedy, blocks=False)
