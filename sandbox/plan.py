"""What a deployment of a stack from nothing would make, as the engine's own JSON. No control plane is needed."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from sandbox import binaries, deployment, engine, kubeconfig, regions
from sandbox.layout import Layout, SandboxError

_NOWHERE = "https://127.0.0.1:9"
"""Port 9 discards: nothing listens there, so every region is one that cannot be reached."""


def plan(layout: Layout, stack: str) -> str:
    """The output of `pulumi preview --json` on a state of its own, with every resource in it."""
    wanted = regions.read_regions(layout.stack_file(stack))
    own_engine = [] if engine.official() else [binaries.ENGINE]
    binaries.ensure(layout, [*own_engine, binaries.HELM])
    with tempfile.TemporaryDirectory(prefix="sacred-council-plan-") as folder:
        mine = replace(layout, home=Path(folder))
        engine.prepare(mine)
        unreachable = [_unreachable(region.context) for region in wanted]
        kubeconfig.write(mine.kubeconfig, kubeconfig.merge(unreachable, wanted[0].context))
        deployment.initialise(mine, stack)
        return _preview(mine, stack)


def _preview(layout: Layout, stack: str) -> str:
    command = [str(layout.shims / "pulumi"), "preview", "--json", "--stack", stack, "--non-interactive"]
    run = subprocess.run(
        command,
        cwd=layout.project,
        env=engine.environment(layout),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if run.returncode != 0:
        raise SandboxError(f"Stack {stack} cannot be planned: {problem(run.stdout) or run.stderr.strip()}")
    return run.stdout


def problem(printed: str) -> str:
    """The errors in the engine's JSON, without its colours' marks; empty when there are none."""
    try:
        said = json.loads(printed).get("diagnostics") or []
    except ValueError:
        return ""
    errors = [str(one.get("message", "")).strip() for one in said if one.get("severity") == "error"]
    return "\n".join(error.removeprefix("error: ") for error in errors)


def _unreachable(context: str) -> Mapping[str, Any]:
    return {
        "clusters": [{"name": context, "cluster": {"server": _NOWHERE}}],
        "users": [{"name": context, "user": {"token": "none"}}],
        "contexts": [{"name": context, "context": {"cluster": context, "user": context}}],
    }
