"""The volumes of a pod, as files below the pod's directory."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sandbox.controllers import references

_SHARED = 0o2777
_VISIBLE = 0o755


def write(directory: Path, files: Mapping[str, bytes] | None, mode: int, group: int) -> bool:
    """Make a volume's files what they should be, each in one step; whether any changed. None: an empty volume.

    Raises ValueError for a path that leads out of the volume.
    """
    if not directory.exists():
        directory.mkdir(parents=True)
        os.chown(directory, -1, group)
        directory.chmod(_SHARED if files is None else _VISIBLE)
    if files is None:
        return False
    changed = [_write(directory, path, content, mode, group) for path, content in files.items()]
    kept = {(directory / path).resolve() for path in files}
    stale = [path for path in directory.rglob("*") if path.is_file() and path.resolve() not in kept]
    for path in stale:
        path.unlink()
    return any(changed) or bool(stale)


def _write(directory: Path, path: str, content: bytes, mode: int, group: int) -> bool:
    target = directory / path
    if not target.resolve().is_relative_to(directory.resolve()):
        raise ValueError(f"a volume cannot have the path {path!r}")
    if target.is_file() and target.read_bytes() == content:
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.new")
    temporary.write_bytes(content)
    os.chown(temporary, -1, group)
    temporary.chmod(mode)
    temporary.replace(target)
    return True


def mode_of(volume: Mapping[str, Any], group: int) -> int:
    """The permissions of a volume's files. As with a kubelet, a pod's file system group can read them."""
    sources: list[Mapping[str, Any]] = [value or {} for key, value in volume.items() if key != "name"]
    mode = int(sources[0].get("defaultMode", 0o644)) if sources else 0o644
    return mode | 0o440 if group else mode


def mount(root: Path, container: Mapping[str, Any], volumes: Path, variables: Mapping[str, str]) -> None:
    """Make the container's volumes appear below `root`, under their mount paths.

    By links that do not leave the pod's directory: its processes may have no way to where that lies.
    """
    mounts = sorted(container.get("volumeMounts") or [], key=lambda each: str(each["mountPath"]))
    root.mkdir(parents=True, exist_ok=True)
    for each in mounts:
        path = each.get("subPath") or references.expand(each.get("subPathExpr", ""), variables)
        source = volumes / each["name"] / path
        if not source.exists():
            source.mkdir(parents=True)
            source.chmod(_SHARED)
        link = root / str(each["mountPath"]).strip("/")
        if link.is_symlink():
            link.unlink()
        elif link.is_dir():
            shutil.rmtree(link)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(os.path.relpath(source, link.parent))


def prepare(directory: Path) -> None:
    """Make an empty directory; removes what was there."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    directory.chmod(_VISIBLE)
