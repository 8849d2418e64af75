"""Deploys a stack in the sandbox and takes it down."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from sandbox import (
    binaries,
    charts,
    child,
    control_planes,
    deletions,
    doctor,
    engine,
    progress,
    regions,
    releases,
    state,
)
from sandbox.controlplane import Cluster
from sandbox.layout import Layout, SandboxError
from sandbox.regions import Region

_DELETE_UNREACHABLE = "PULUMI_K8S_DELETE_UNREACHABLE"
SKIP_CHECKPOINTS = "PULUMI_SKIP_CHECKPOINTS"
"""Makes the engine write the state only at the end, for runs that need not resume after a kill."""


def needed_binaries() -> list[binaries.Binary]:
    """The programs for `up`: the engine (without an official CLI), the Kubernetes provider and the control plane."""
    own_engine = [] if engine.official() else [binaries.ENGINE]
    return [*own_engine, *binaries.CONTROL_PLANE, binaries.KUBERNETES_PROVIDER]


def start(layout: Layout, stack: str) -> list[Region]:
    """Prepare everything for a deployment; return the stack's regions. Quick if everything is ready."""
    wanted = regions.read_regions(layout.stack_file(stack))
    doctor.require(layout)
    official = engine.official()
    if official:
        progress.say(f"Using the official pulumi CLI at {official}.")
    binaries.ensure(layout, needed_binaries())
    control_planes.start(layout, stack, wanted)
    engine.prepare(layout)
    progress.say(simulated(layout))
    return wanted


def simulated(layout: Layout) -> str:
    """One line about the simulated parts."""
    return " ".join(filter(None, ["Nodes, pods and clouds are simulated: docs/sandbox.md.", charts.note(layout)]))


def up(layout: Layout, stack: str) -> int:
    """Deploy the stack and print a summary; return the engine's exit status."""
    wanted = start(layout, stack)
    initialise(layout, stack)
    go_on(layout, stack)
    # Without a confirmation, a preview would only double the time. `make preview` shows one.
    status = child.run([str(layout.shims / "pulumi"), "up", "--yes", "--skip-preview", "--stack", stack], layout)
    if status == 0:
        forget_unfinished(layout, stack)
        retire(layout, stack, wanted)
        print(summary(layout, stack))
    return status


def retire(layout: Layout, stack: str, wanted: list[Region]) -> None:
    """Stop the control planes of regions that the stack no longer lists, once none of its objects are in them."""
    gone = control_planes.retire(layout, stack, wanted)
    if gone:
        progress.say(f"Stopped the control planes of removed regions: {', '.join(gone)}.")


def forget_unfinished(layout: Layout, stack: str) -> None:
    """After a complete deployment, clear the pending operations of a killed engine: every run would warn of them."""
    if state.unfinished(layout, stack):
        with progress.step(f"Stack {stack}: refreshing the state, because an earlier run was killed"):
            _pulumi(layout, "refresh", "--yes", "--skip-preview", "--clear-pending-creates", "--stack", stack)


def initialise(layout: Layout, stack: str) -> None:
    """Create the stack from a separate directory, because the CLI writes a salt into the stack file there.

    The engine finds the salt in the stack's state, so the tracked stack file stays without one.
    """
    if not state.exists(layout, stack):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "Pulumi.yaml").write_text(f"name: {state.project_name(layout)}\nruntime: python\n")
            _pulumi(layout, "stack", "init", stack, "--no-select", "--cwd", folder)
    if state.selected(layout) != stack:
        _pulumi(layout, "stack", "select", stack)


def release_stale_locks(layout: Layout, stack: str) -> bool:
    """Remove the lock of a killed engine; return whether there was one. Raises `SandboxError` if the engine runs."""
    locks = state.locks(layout, stack)
    running = [str(lock.pid) for lock in locks if lock.pid]
    if running:
        raise SandboxError(
            f"Stack {stack}: another engine is working on it (process {', '.join(running)}). "
            "Wait for it to finish, or interrupt it with Ctrl-C."
        )
    if locks:
        progress.say(f"Stack {stack}: an engine was killed while it worked; continuing from there.")
        _pulumi(layout, "cancel", "--yes", "--stack", stack)
    return bool(locks)


def recover(layout: Layout, stack: str) -> int:
    """Make plain `pulumi up` go on after a killed run; return the number of repaired Helm releases.

    Starts the control planes, because a machine that died took them along.
    """
    engine.prepare(layout)
    if state.exists(layout, stack):
        # Refuses while an engine works, before anything is touched.
        release_stale_locks(layout, stack)
    _revive(layout, stack)
    return go_on(layout, stack)


def go_on(layout: Layout, stack: str) -> int:
    """Release a killed run's lock, repair its Helm releases and correct the state; return the number of releases.

    The control planes must run. The releases come before the state: only the killed run's state says what it began.
    """
    release_stale_locks(layout, stack)
    clusters = _accesses(layout, stack)
    repaired = releases.recover(layout, clusters, state.latest(layout, stack))
    if any(release.was_going for release in repaired):
        state.mark_behind(layout, stack, "refresh")
    _catch_up(layout, stack, clusters)
    return len(repaired)


def _catch_up(layout: Layout, stack: str, clusters: list[releases.Access]) -> None:
    """Refresh the state if a killed run changed or deleted what the state does not know.

    Keeps pending creations: the next update lets the clouds' stand-ins adopt those resources.
    """
    run = state.behind(layout, stack)
    if run is None or not state.exists(layout, stack):
        return
    deletions.wait(layout, clusters)
    state.mark_behind(layout, stack, run)
    # A destroyed EKS cluster lets nobody log in, so only this variable drops what was in it.
    extra = {SKIP_CHECKPOINTS: "true", **({_DELETE_UNREACHABLE: "true"} if run == "destroy" else {})}
    with progress.step(f"Stack {stack}: refreshing the state, because a run was killed amid changes"):
        _pulumi(layout, "refresh", "--yes", "--skip-preview", "--skip-pending-creates", "--stack", stack, extra=extra)
    state.clear_behind(layout, stack)


def _accesses(layout: Layout, stack: str) -> list[releases.Access]:
    """How to reach the stack's running control planes."""
    return [
        releases.Access(
            name=f"Region {cluster.plane.name}", provider=f"{cluster.plane.name}-", kubeconfig=cluster.kubeconfig
        )
        for cluster in control_planes.clusters(layout, stack)
        if cluster.servers
    ]


def down(layout: Layout, stack: str) -> int:
    """Destroy the stack, delete its state and its control planes; return the status of the destroy.

    Discards resources that cannot be destroyed properly.
    """
    deployed = state.exists(layout, stack)
    problem = _destroy(layout, stack) if deployed else 0
    if problem == child.INTERRUPTED:
        return problem
    if problem:
        progress.say(f"Stack {stack}: destroy failed. Removing its control planes with everything in them.")
    removed = control_planes.remove(layout, stack)
    shutil.rmtree(layout.clouds / stack, ignore_errors=True)
    if deployed:
        _forget(layout, stack)
    state.clear_behind(layout, stack)
    stopped = f"stopped the control planes of {', '.join(removed)}" if removed else "no control plane was left to stop"
    failed = ", but its destroy failed" if problem else ""
    print(f"Stack {stack} is down: {stopped}{failed}." if deployed or removed else f"Stack {stack} was not up.")
    return problem


def _forget(layout: Layout, stack: str) -> None:
    """Delete the stack's state, through the engine if there is one."""
    if engine.command(layout).is_file():
        _pulumi(layout, "stack", "rm", stack, "--yes", "--force", "--preserve-config")
    else:
        state.delete(layout, stack)


def _destroy(layout: Layout, stack: str) -> int:
    """Destroy the resources; return the engine's exit status, or 0 without an engine or a control plane."""
    if not engine.command(layout).is_file():
        progress.say("Without an engine the stack cannot be destroyed; its state is discarded.")
        return 0
    engine.prepare(layout)
    killed = release_stale_locks(layout, stack)
    lost = _revive(layout, stack)
    # Helm fails to uninstall a release that is gone, or whose control plane is lost. Only a refresh makes the engine
    # forget such releases.
    again = lost or killed or state.behind(layout, stack) is not None
    extra = {SKIP_CHECKPOINTS: "true", **({_DELETE_UNREACHABLE: "true"} if again else {})}
    refresh = ["--refresh"] if again else []
    command = [str(layout.shims / "pulumi"), "destroy", "--yes", "--skip-preview", *refresh, "--stack", stack]
    # The state is saved at the end only, so a killed destroy leaves it wrong.
    state.mark_behind(layout, stack, "destroy")
    status = child.run(command, layout, extra)
    if status == 0:
        state.clear_behind(layout, stack)
    if status and status != child.INTERRUPTED and lost:
        progress.say("A control plane is lost, so the stack could not be destroyed completely; the rest is discarded.")
        return 0
    return status


def _revive(layout: Layout, stack: str) -> bool:
    """Restart the stack's control planes; return whether one of them is lost."""
    clusters = control_planes.clusters(layout, stack)
    running = [cluster for cluster in clusters if _runs_again(cluster)]
    return not clusters or len(running) < len(clusters)


def _runs_again(cluster: Cluster) -> bool:
    try:
        with control_planes.alone(cluster.layout):
            if cluster.exists:
                cluster.start()
    except SandboxError as error:
        progress.say(f"{error}")
        return False
    return cluster.exists


def _pulumi(layout: Layout, *arguments: str, extra: Mapping[str, str] | None = None) -> str:
    """Run a short command of the engine, with extra variables; return its output."""
    run = subprocess.run(
        [str(layout.shims / "pulumi"), *arguments, "--non-interactive"],
        cwd=layout.project,
        env={**engine.environment(layout), **(extra or {})},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    if run.returncode != 0:
        said = (run.stderr or run.stdout).strip()
        raise SandboxError(f"pulumi {' '.join(arguments[:2])} failed: {said.removeprefix('error: ')}")
    return run.stdout


def summary(layout: Layout, stack: str) -> str:
    """A summary: what is deployed where, how to inspect it and how to take it down."""
    kinds = Counter(item["type"].split(":")[0] for item in state.resources(layout, stack))
    counted = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    clusters = control_planes.clusters(layout, stack)
    first = clusters[0].plane.context
    return "\n".join(
        [
            "",
            f"Stack {stack} is up in the sandbox: {sum(kinds.values())} resources ({counted}).",
            *(
                f"  region {item.plane.name}: its own Kubernetes API server, context {item.plane.context}"
                for item in clusters
            ),
            "Its nodes are simulated: objects are real, containers do not run.",
            "",
            "Look at it:       " + 'eval "$(python -m sandbox env)"',
            f"                  kubectl --context {first} get pods --all-namespaces",
            f"                  pulumi stack output --stack {stack}",
            f"Change it:        pulumi up -s {stack}",
            "Take it down:     make down" + ("" if stack == "local" else f" STACK={stack}"),
        ]
    )
