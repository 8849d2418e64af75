"""A real API server, for tests that need nothing else of the sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sandbox.binaries import CONTROL_PLANE
from sandbox.controlplane import Cluster
from sandbox.layout import PROJECT, Layout
from sandbox.regions import ControlPlane

_NEEDED = [binary.name for binary in CONTROL_PLANE]


@contextmanager
def running(directory: Path, name: str, slot: int) -> Iterator[Cluster]:
    """Start a control plane under `directory`, and remove it afterwards. Skips the test without binaries."""
    default = Layout.from_environment()
    missing = [binary for binary in _NEEDED if not (default.bin / binary).is_file()]
    if missing:
        pytest.skip(f"the sandbox's binaries are not built ({', '.join(missing)}); `make up` builds them")
    layout = Layout(project=PROJECT, home=directory, binaries=default.binaries)
    cluster = Cluster(layout, ControlPlane(name=name, context=name, slot=slot, stacks=()))
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.remove()
