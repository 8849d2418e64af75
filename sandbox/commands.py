"""The verbs of `python -m sandbox`."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from sandbox import binaries, charts, context, control_planes, deployment, doctor, engine, state
from sandbox.controllers import command as controllers
from sandbox.empty_state import policy, preview
from sandbox.layout import Layout, SandboxError


def run(layout: Layout, arguments: argparse.Namespace) -> int:
    """Run the verb; return the exit status."""
    verbs: dict[str, Callable[[], int]] = {
        "up": lambda: _up(layout, arguments.stack, arguments.context),
        "down": lambda: _down(layout, arguments.stack, arguments.context),
        "recover": lambda: recover(layout, arguments.stack, official=arguments.official),
        "start": lambda: start(layout, arguments.stack),
        "plan": lambda: print_plan(layout, arguments.stack),
        "policy": lambda: policy(layout, arguments.stack, arguments.config),
        "compare": lambda: _compare(layout, arguments),
        "controllers": lambda: controllers.run(layout, arguments.action, arguments.stack),
        "status": lambda: status(layout),
        "doctor": lambda: doctor.report(layout),
        "env": lambda: env(layout),
        "build": lambda: build(layout, tests=arguments.tests, campaigns=arguments.campaigns),
        "exec": lambda: execute(layout, arguments.command),
        "charts": lambda: charts.fill(layout, arguments.folder),
        "clean": lambda: clean(layout),
    }
    return verbs[arguments.verb]()


def _up(layout: Layout, stack: str, kube_context: str | None) -> int:
    return context.up(layout, stack, kube_context) if kube_context else deployment.up(layout, stack)


def _down(layout: Layout, stack: str, kube_context: str | None) -> int:
    if kube_context:
        return context.down(layout, stack, kube_context)
    controllers.stop(layout, stack)
    return deployment.down(layout, stack)


def _compare(layout: Layout, arguments: argparse.Namespace) -> int:
    # It loads all settings, with the SDKs: a second that the other verbs need not wait.
    from sandbox.compare.command import Request, compare

    request = Request(
        base=arguments.base, stacks=arguments.stacks, output=arguments.output, protect=tuple(arguments.protect)
    )
    return compare(layout, request)


def start(layout: Layout, stack: str) -> int:
    """Prepare a deployment, like the first part of `up`; return the exit status."""
    wanted = deployment.start(layout, stack)
    deployment.initialise(layout, stack)
    print(f"Running: {', '.join(region.name for region in wanted)}.")
    return 0


def recover(layout: Layout, stack: str, *, official: bool) -> int:
    """Make plain `pulumi up` go on after a killed run: its lock, its Helm releases, what the state does not know.

    In a backend of the user's (`official`), only the Helm releases: there an engine may work on another machine.
    """
    found = context.recover(layout, stack) if official else deployment.recover(layout, stack)
    if not found:
        print(f"Stack {stack}: no Helm release needs repair.")
    return 0


def print_plan(layout: Layout, stack: str) -> int:
    """Print the plan, and nothing else, to standard output."""
    print(preview(layout, stack), end="")
    return 0


def build(layout: Layout, *, tests: bool, campaigns: bool = False) -> int:
    """Build the missing programs."""
    binaries.ensure(layout, deployment.needed_binaries())
    if tests or campaigns:
        binaries.ensure(layout, binaries.FOR_TESTS)
    if campaigns:
        binaries.ensure(layout, binaries.FOR_CAMPAIGNS)
    return 0


def env(layout: Layout) -> int:
    """Print shell commands, and nothing else, to standard output."""
    engine.prepare(layout)
    print(engine.exports(layout))
    return 0


def execute(layout: Layout, command: Sequence[str]) -> NoReturn:
    """Replace this process with the command, in the sandbox's environment."""
    words = list(command[1:] if command[:1] == ["--"] else command)
    if not words:
        raise SandboxError("exec needs a command, for example `python -m sandbox exec -- pulumi preview -s local`.")
    engine.prepare(layout)
    environment = engine.environment(layout)
    program = shutil.which(words[0], path=environment["PATH"])
    if program is None:
        raise SandboxError(f"{words[0]}: command not found.")
    sys.stdout.flush()
    os.execve(program, words, environment)  # noqa: S606 - it becomes the command


def status(layout: Layout) -> int:
    """Print the regions and the stacks."""
    clusters = control_planes.clusters(layout)
    print("Regions" if clusters else "No region has a control plane; `make up` starts one.")
    for cluster in clusters:
        servers = ", ".join(cluster.servers) or "stopped"
        used = ", ".join(cluster.plane.stacks)
        print(f"  {cluster.plane.name}: context {cluster.plane.context}, used by {used}; {servers}")
    stacks = state.stacks(layout)
    print("Stacks" if stacks else "No stack is deployed.")
    for stack in stacks:
        print(f"  {stack}: {len(state.resources(layout, stack))} resources{_condition(layout, stack)}")
    return 0


def clean(layout: Layout) -> int:
    """Stop every control plane and delete everything except built or downloaded files."""
    folders = {layout.bin.name, layout.engine.name, binaries.PLUGIN_DIRECTORY, charts.FOLDER}
    kept = folders | {"stamps", "build.lock"}
    for stack in {stack for cluster in control_planes.clusters(layout) for stack in cluster.plane.stacks}:
        controllers.stop(layout, stack)
    built = kept if layout.home == layout.binaries else set()
    with control_planes.alone(layout):
        control_planes.clear(layout)
        for path in layout.home.iterdir():
            if path.name not in built | {layout.registry_lock.name}:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    return 0


def _condition(layout: Layout, stack: str) -> str:
    locks = state.locks(layout, stack)
    running = [str(lock.pid) for lock in locks if lock.pid]
    if running:
        return f", an engine is at work (process {', '.join(running)})"
    return ", locked by an engine that has ended: `make up` goes on from there" if locks else ""
