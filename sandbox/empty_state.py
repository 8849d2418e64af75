"""Previews a stack from an empty state, and checks the preview with the policy pack.

The Kubernetes provider plans nothing for a cluster that it cannot reach, unless the stack makes that cluster itself. So
an empty API server of the sandbox stands in for each existing cluster.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from sandbox import binaries, deployment, engine, kubeconfig, made_up, regions
from sandbox.controlplane import Cluster
from sandbox.layout import Layout, SandboxError
from sandbox.regions import ControlPlane
from sandbox.shim import CONFIG_FILE_VARIABLE

PACK = "policy"
"""The policy pack's folder in the project."""
_EMPTY = "empty"


def preview(layout: Layout, stack: str, *options: str) -> str:
    """The output of `pulumi preview --json OPTIONS` on an empty state, with every resource.

    Raises `SandboxError` if the engine fails. With a policy pack among the options, a mandatory violation is a failure.
    """
    with _empty_state(layout, stack) as mine:
        run = _preview(mine, stack, "--json", *options)
    if run.returncode != 0:
        raise SandboxError(f"Stack {stack} could not be planned: {problem(run.stdout) or run.stderr.strip()}")
    return run.stdout


def policy(layout: Layout, stack: str, config: Path | None = None) -> int:
    """Check all resources of a stack with the policy pack; print the result; return the engine's exit status."""
    options = ["--policy-pack", PACK, "--suppress-outputs", "--color=never"]
    if config is not None:
        options += ["--policy-pack-config", str(config.absolute())]
    with _empty_state(layout, stack) as mine:
        run = _preview(mine, stack, *options)
    found = findings(run.stdout)
    if run.returncode != 0 and not found:
        raise SandboxError(f"Stack {stack} could not be checked: {(run.stdout + run.stderr).strip()}")
    verdict = "breaks mandatory rules" if run.returncode else "keeps to the mandatory rules"
    print("\n".join([*found, f"Stack {stack} {verdict} of the policy pack."]))
    return run.returncode


def findings(printed: str) -> list[str]:
    """The engine's output lines about policies; empty if there are none."""
    lines = printed.splitlines()
    if "Policies:" not in lines:
        return []
    told = lines[lines.index("Policies:") :]
    return told[: told.index("")] if "" in told else told


@contextmanager
def _empty_state(layout: Layout, stack: str) -> Iterator[Layout]:
    """A separate, empty sandbox."""
    wanted = regions.read_regions(layout.stack_file(stack))
    own_engine = [] if engine.official() else [binaries.ENGINE]
    binaries.ensure(layout, [*own_engine, *binaries.CONTROL_PLANE, binaries.KUBERNETES_PROVIDER])
    with tempfile.TemporaryDirectory(prefix="sacred-council-plan-") as folder:
        mine = replace(layout, home=Path(folder))
        engine.prepare(mine)
        deployment.initialise(mine, stack)
        made_up.write(mine, stack)
        with _answering(mine, [region.context for region in wanted if region.cloud == "existing"]):
            yield mine


@contextmanager
def _answering(layout: Layout, contexts: list[str]) -> Iterator[None]:
    """Run an empty API server that answers for these contexts; none without contexts."""
    if not contexts:
        kubeconfig.write(layout.kubeconfig, kubeconfig.merge([], ""))
        yield
        return
    cluster = Cluster(layout, ControlPlane(name=_EMPTY, context=_EMPTY, slot=0, stacks=()))
    try:
        cluster.start()
        copies = [cluster.kubeconfig_for(context) for context in contexts]
        kubeconfig.write(layout.kubeconfig, kubeconfig.merge(copies, contexts[0]))
        yield
    finally:
        cluster.remove()


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
    """The errors in the engine's JSON, without colour marks; empty if there are none."""
    try:
        said = json.loads(printed).get("diagnostics") or []
    except ValueError:
        return ""
    errors = [str(one.get("message", "")).strip() for one in said if one.get("severity") == "error"]
    return "\n".join(error.removeprefix("error: ") for error in errors)
