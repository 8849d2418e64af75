"""Reads the sandbox's state backend without starting the engine."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import psutil
import yaml

from sandbox.layout import Layout


@dataclass(frozen=True, kw_only=True)
class Lock:
    """An engine's lock on a stack, with its process id if it is known to run on this machine."""

    file: Path
    pid: int | None


def project_name(layout: Layout) -> str:
    """The project's name in Pulumi.yaml."""
    return str(yaml.safe_load((layout.project / "Pulumi.yaml").read_text())["name"])


def _file(layout: Layout, stack: str) -> Path:
    return layout.state / ".pulumi" / "stacks" / project_name(layout) / f"{stack}.json"


def exists(layout: Layout, stack: str) -> bool:
    """Whether the stack was initialised."""
    return _file(layout, stack).is_file()


def delete(layout: Layout, stack: str) -> None:
    """Delete the stack's file and the backend's copies of it."""
    for path in _file(layout, stack).parent.glob(f"{stack}.json*"):
        path.unlink()


def stacks(layout: Layout) -> list[str]:
    """The initialised stacks of this project."""
    folder = layout.state / ".pulumi" / "stacks" / project_name(layout)
    return sorted(path.stem for path in folder.glob("*.json"))


def selected(layout: Layout) -> str:
    """The stack that `pulumi stack select` chose; empty if none is, or several projects have chosen one."""
    files = (layout.pulumi_home / "workspaces").glob("*-workspace.json")
    try:
        (name,) = (str(name) for file in files for name in json.loads(file.read_text()).get("stacks", {}).values())
    except ValueError:
        return ""
    return name.rpartition("/")[2]


def latest(layout: Layout, stack: str) -> dict[str, Any]:
    """The stack's state with all its fields; empty if there is none."""
    try:
        document = json.loads(_file(layout, stack).read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return document.get("checkpoint", {}).get("latest") or {}


def resources(layout: Layout, stack: str) -> list[dict[str, Any]]:
    """The deployed resources that the engine counts; empty if the stack or its state is missing.

    Includes providers that the program made, but not those that the engine made itself.
    """
    recorded = latest(layout, stack).get("resources") or ()
    return [item for item in recorded if not _is_default_provider(item)]


def unfinished(layout: Layout, stack: str) -> list[dict[str, Any]]:
    """The operations in the state that a killed engine had begun."""
    return list(latest(layout, stack).get("pending_operations") or ())


Behind = Literal["destroy", "refresh"]
"""A run that left the state behind: what it did is not in the state."""


def behind(layout: Layout, stack: str) -> Behind | None:
    """The killed run because of which the state may list what is gone, or not know a change; None if there is none.

    That is a run that saves the state only at its end (`mark_behind`), or any run that was changing or deleting a
    resource when it was killed ("refresh"). What a run was only creating is not listed, so nothing is wrong about it.
    """
    mark = layout.behind(stack)
    if mark.is_file():
        return "destroy" if mark.read_text().strip() == "destroy" else "refresh"
    return "refresh" if left_behind(latest(layout, stack)) else None


def left_behind(deployment: Mapping[str, Any]) -> bool:
    """Whether a killed engine was changing or deleting a resource in this state. A later run drops such operations."""
    return any(operation["type"] != "creating" for operation in deployment.get("pending_operations") or ())


def mark_behind(layout: Layout, stack: str, run: Behind) -> None:
    """Note that this run begins. A note of a destroy stays: only that one may also have deleted clusters."""
    if behind(layout, stack) != "destroy":
        mark = layout.behind(stack)
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.write_text(f"{run}\n")


def clear_behind(layout: Layout, stack: str) -> None:
    """Note that the state is right again."""
    layout.behind(stack).unlink(missing_ok=True)


def _is_default_provider(item: dict[str, Any]) -> bool:
    kind, name = str(item["type"]), str(item["urn"]).rpartition("::")[2]
    return kind.startswith("pulumi:providers:") and name.startswith("default")


def locks(layout: Layout, stack: str) -> list[Lock]:
    """The locks on the stack."""
    folder = layout.state / ".pulumi" / "locks" / "organization" / project_name(layout) / stack
    return [_lock(file) for file in sorted(folder.glob("*.json"))]


def _lock(file: Path) -> Lock:
    try:
        content = json.loads(file.read_text())
    except ValueError:
        return Lock(file=file, pid=None)
    same_machine = content.get("hostname") == socket.gethostname()
    pid = content.get("pid") if same_machine else None
    return Lock(file=file, pid=pid if pid and _is_engine(pid) else None)


def _is_engine(pid: int) -> bool:
    """Whether this process id still belongs to an engine that runs: the system reuses ids, and lists killed ones."""
    try:
        process = psutil.Process(pid)
        return process.name().startswith("pulumi") and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
