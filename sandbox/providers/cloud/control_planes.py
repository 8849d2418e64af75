"""Find the sandbox's control planes for a simulated cloud, by region and by URL."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from sandbox.providers.base import ProviderError
from sandbox.providers.cloud.kinds import ControlPlane


def regions(folder: Path) -> dict[str, Path]:
    """The kubeconfig of each region that has a control plane."""
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def find(folder: Path, candidates: Iterable[str]) -> ControlPlane:
    """The control plane of the first of the candidates that has one.

    Raises `ProviderError` with the candidates and the existing regions.
    """
    known = regions(folder)
    wanted = [name for name in dict.fromkeys(candidates) if name]
    for name in wanted:
        if name in known:
            return _read(known[name])
    raise ProviderError(
        f"the sandbox has no control plane for region {' or '.join(wanted) or '(none)'}; it has: "
        f"{', '.join(known) or 'none'}. Start those of a stack with `python -m sandbox start STACK`"
    )


def _read(path: Path) -> ControlPlane:
    cluster: dict[str, Any] = yaml.safe_load(path.read_text())["clusters"][0]["cluster"]
    return ControlPlane(cluster["server"], cluster["certificate-authority-data"])
