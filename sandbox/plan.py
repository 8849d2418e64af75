"""What a deployment of a stack from nothing would make, and what the policy pack says of it. It starts nothing."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from sandbox import binaries, deployment, engine, kubeconfig, made_up, regions
from sandbox.layout import Layout, SandboxError
from sandbox.shim import CONFIG_FILE_VARIABLE

PACK = "policy"
"""The policy pack's folder in the project."""
_NOWHERE = "https://127.0.0.1:9"
"""Port 9 discards: nothing listens there, so every region is one that cannot be reached."""


def plan(layout: Layout, stack: str) -> str:
    """The output of `pulumi preview --json` on a state of its own, with every resource in it."""
    with _empty_state(layout, stack) as mine:
        run = _preview(mine, stack, "--json")
    if run.returncode != 0:
        raise SandboxError(f"Stack {stack} cannot be planned: {problem(run.stdout) or run.stderr.strip()}")
    return run.stdout


def policy(layout: Layout, stack: str, config: Path | None = None) -> int:
    """Prints what the policy pack says of all that a stack consists of; the engine's exit status."""
    options = ["--policy-pack", PACK, "--suppress-outputs", "--color=never"]
    if config is not None:
        options += ["--policy-pack-config", str(config.absolute())]
    with _empty_state(layout, stack) as mine:
        run = _preview(mine, stack, *options)
    found = findings(run.stdout)
    if run.returncode != 0 and not found:
        raise SandboxError(f"Stack {stack} cannot be checked: {(run.stdout + run.stderr).strip()}")
    verdict = "breaks mandatory rules" if run.returncode else "keeps to the mandatory rules"
    print("\n".join([*found, f"Stack {stack} {verdict} of the policy pack."]))
    return run.returncode


def findings(printed: str) -> list[str]:
    """The lines in which the engine tells of policies; empty when there is nothing to tell."""
    lines = printed.splitlines()
    if "Policies:" not in lines:
        return []
    told = lines[lines.index("Policies:") :]
    return told[: told.index("")] if "" in told else told


@contextmanager
def _empty_state(layout: Layout, stack: str) -> Iterator[Layout]:
    """A sandbox of its own in which nothing is deployed and no region can be reached."""
    wanted = regions.read_regions(layout.stack_file(stack))
    own_engine = [] if engine.official() else [binaries.ENGINE]
    binaries.ensure(layout, [*own_engine, binaries.KUBERNETES_PROVIDER])
    with tempfile.TemporaryDirectory(prefix="sacred-council-plan-") as folder:
        mine = replace(layout, home=Path(folder))
        engine.prepare(mine)
        unreachable = [_unreachable(region.context) for region in wanted]
        kubeconfig.write(mine.kubeconfig, kubeconfig.merge(unreachable, wanted[0].context))
        deployment.initialise(mine, stack)
        made_up.write(mine, stack)
        yield mine


def _preview(layout: Layout, stack: str, *options: str) -> subprocess.CompletedProcess[str]:
    return _pulumi(layout, stack, "preview", *options)


def _pulumi(layout: Layout, stack: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(layout.shims / "pulumi"), *arguments, "--stack", stack, "--non-interactive"]
    return subprocess.run(
        command,
        cwd=layout.project,
        env={**engine.environment(layout), CONFIG_FILE_VARIABLE: str(made_up.configuration(layout, stack))},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


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
