"""Waits for objects that a killed run was deleting: the API server goes on with them.

To a refresh they still exist. The update after it would count on them, and find them gone.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence

from sandbox import binaries, progress
from sandbox.layout import Layout
from sandbox.releases import KUBECTL, Access

# The kinds whose deletion takes time, because of finalizers or of what they contain.
_KINDS = "namespaces,deployments,statefulsets,daemonsets,jobs,services,persistentvolumeclaims,pods"
_NAMES = (
    'jsonpath={range .items[?(@.metadata.deletionTimestamp)]}{.kind} {.metadata.namespace}/{.metadata.name}{"\\n"}{end}'
)
_PATIENCE_SECONDS = 120.0
_PAUSE_SECONDS = 0.5


def wait(layout: Layout, clusters: Sequence[Access], patience: float = _PATIENCE_SECONDS) -> None:
    """Wait until nothing is being deleted in the clusters. After `patience` seconds, name what is left and go on."""
    binaries.ensure(layout, [KUBECTL])
    deadline = time.monotonic() + patience
    for access in clusters:
        while left := _going(layout, access):
            if time.monotonic() > deadline:
                progress.say(f"{access.name}: still being deleted: {', '.join(left)}.")
                break
            time.sleep(_PAUSE_SECONDS)


def _going(layout: Layout, access: Access) -> list[str]:
    """What is being deleted in the cluster, as `Kind namespace/name`; empty if the cluster does not answer."""
    kubectl = str(binaries.path_of(layout, KUBECTL))
    options = ["get", _KINDS, "--all-namespaces", f"--output={_NAMES}", "--request-timeout=10s"]
    command = [kubectl, *options, *access.options("--context")]
    run = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    return run.stdout.splitlines() if run.returncode == 0 else []
