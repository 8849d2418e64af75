"""`python -m sandbox controllers start | stop | status STACK`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil

from sandbox import binaries, control_planes, progress
from sandbox.controllers import mesh, netns
from sandbox.controllers.network import prefix_of
from sandbox.controllers.stack import clean
from sandbox.controllers.supervisor import record_of
from sandbox.layout import PROJECT, Layout, SandboxError

_MODULE = "sandbox.controllers.supervisor"
_START_SECONDS = 300.0
_STOP_SECONDS = 60.0
_POLL_SECONDS = 0.2


def run(layout: Layout, verb: str, stack: str) -> int:
    """Run the verb; return the exit status."""
    verbs = {"start": start, "stop": stop, "status": status}
    return verbs[verb](layout, stack)


def start(layout: Layout, stack: str) -> int:
    """Start the controllers in the background, wait until they run, and print what can be tried."""
    netns.require()
    if _supervisor(layout, stack) is None:
        running = [cluster for cluster in control_planes.clusters(layout, stack) if cluster.servers]
        if not running:
            raise SandboxError(f"No control plane of stack {stack} runs; `make up STACK={stack}` starts them.")
        binaries.ensure(layout, [*binaries.NETWORK, *mesh.programs(running)])
        with progress.step(f"Stack {stack}: starting networks, kube-proxies, containers and the mesh"):
            _launch(layout, stack)
    return status(layout, stack)


def _launch(layout: Layout, stack: str) -> None:
    log = record_of(layout, stack).with_suffix(".log")
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", _MODULE, stack],
            cwd=layout.project,
            env={**os.environ, "PYTHONPATH": str(PROJECT)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    deadline = time.monotonic() + _START_SECONDS
    while not _record(layout, stack).get("ready"):
        if process.poll() is not None or time.monotonic() > deadline:
            process.terminate()
            raise SandboxError(f"Stack {stack}: its controllers do not start.\n{_end_of(log)}")
        time.sleep(_POLL_SECONDS)


def _end_of(log: Path) -> str:
    return "\n".join([f"{log}:", *log.read_text(errors="replace").splitlines()[-20:]])


def stop(layout: Layout, stack: str) -> int:
    """End the controllers, and take away what killed ones left."""
    supervisor = _supervisor(layout, stack)
    if supervisor is not None:
        supervisor.terminate()
        _, alive = psutil.wait_procs([supervisor], timeout=_STOP_SECONDS)
        for process in alive:
            process.kill()
    # Also without networks, which a restart of the machine removes: marked pods would never be deleted.
    clean(layout, stack, [cluster for cluster in control_planes.clusters(layout, stack) if cluster.servers])
    record_of(layout, stack).unlink(missing_ok=True)
    return 0


def status(layout: Layout, stack: str) -> int:
    """Print what runs and what can be tried; return 1 if nothing runs."""
    record = _record(layout, stack)
    if _supervisor(layout, stack) is None:
        left = netns.listed(prefix_of(layout, stack))
        print(f"Stack {stack}: no controllers run{', but networks of killed ones are left' if left else ''}.")
        return 1
    for region, found in (record.get("regions") or {}).items():
        ended = f"; kube-proxies that have ended: {len(found['ended'])}" if found["ended"] else ""
        print(f"{region}: {len(found['pods'])} pods run as processes{ended}")
        for line in [*found["pods"], *found["urls"]]:
            print(f"  {line}")
    return 0


def _record(layout: Layout, stack: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(record_of(layout, stack).read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return found


def _supervisor(layout: Layout, stack: str) -> psutil.Process | None:
    """The process of the record, if it still runs and is ours."""
    try:
        process = psutil.Process(int(_record(layout, stack).get("pid", 0)))
        return process if _MODULE in process.cmdline() and stack in process.cmdline() else None
    except psutil.Error:
        return None
