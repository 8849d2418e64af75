"""`python -m sandbox compare`: deploy a commit, preview the work tree over it, and report each stack.

Each stack gets its own sandbox in a temporary folder, which is removed afterwards. Both trees use the engine, the
stand-ins and the packages of the work tree.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from sandbox import binaries, control_planes, deployment, doctor, engine, made_up, progress, regions
from sandbox.compare import changes, trees
from sandbox.compare.changes import Comparison
from sandbox.compare.report import Report
from sandbox.compare.trees import Kind, Stack
from sandbox.compare.worth import worth
from sandbox.layout import Layout, SandboxError

FAILED, PROTECTED = 1, 3
"""Exit statuses: the comparison is unreliable; a resource of a protected type would be replaced or deleted."""
_SAID_CHARACTERS = 3000


@dataclass(frozen=True, kw_only=True)
class Request:
    """What to compare: the commit, the stacks (empty: all), the file for the Markdown, and protected types."""

    base: str
    stacks: Sequence[str] = ()
    output: Path | None = None
    protect: tuple[str, ...] = ()


def compare(layout: Layout, request: Request) -> int:
    """Print the comparison. Return 0 unless a preview failed or may delete or replace protected resources."""
    commit = trees.resolve(layout.project, request.base)
    with _workplace() as folder:
        base = replace(layout, project=folder / "base")
        trees.extract(layout.project, commit, base.project)
        stacks = trees.select(trees.stack_names(base.project), trees.stack_names(layout.project), tuple(request.stacks))
        doctor.require(layout)
        binaries.ensure(layout, deployment.needed_binaries())
        comparisons = [_stack(base, layout, stack, folder) for stack in stacks]
    report = Report(base=request.base, commit=commit, comparisons=comparisons, protect=request.protect)
    if request.output is not None:
        request.output.write_text(report.markdown())
    print(report.plain())
    return _status(report)


def _status(report: Report) -> int:
    """The exit status. Without a deployed commit, replacements of protected resources cannot be determined."""
    blind = bool(report.protect) and any(comparison.base_error for comparison in report.comparisons)
    if blind or any(comparison.failed for comparison in report.comparisons):
        return FAILED
    return PROTECTED if any(item.protected(report.protect) for item in report.comparisons) else 0


@contextmanager
def _workplace() -> Iterator[Path]:
    """A temporary folder. SIGTERM acts like Ctrl-C, so that no process is left running."""
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = Path(tempfile.mkdtemp(prefix="sacred-council-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        signal.signal(signal.SIGTERM, previous)


def _stack(base: Layout, head: Layout, stack: Stack, folder: Path) -> Comparison:
    """Compare one stack in a temporary sandbox."""
    if stack.kind is Kind.GONE:
        return Comparison(stack=stack)
    home = folder / f"sandbox-{stack.name}"
    old, new = replace(base, home=home), replace(head, home=home)
    try:
        problem = _bring_up(old, stack.name) if stack.kind is Kind.KEPT else ""
        preview = _preview(old, new, stack)
        costs = "" if preview.errors else _worth(old, new, stack)
        return Comparison(stack=stack, preview=preview, base_error=problem, worth=costs)
    except SandboxError as error:
        failed = changes.Preview(errors=(str(error),))
        return Comparison(stack=stack, preview=failed)
    finally:
        control_planes.remove(new, stack.name)
        shutil.rmtree(home, ignore_errors=True)


def _worth(old: Layout, new: Layout, stack: Stack) -> str:
    with progress.step(f"Stack {stack.name}: what it costs"):
        return worth(old if stack.kind is Kind.KEPT else None, new, stack.name)


def _bring_up(layout: Layout, stack: str) -> str:
    """Deploy the old tree; return the error, or an empty text."""
    try:
        deployment.start(layout, stack)
        deployment.initialise(layout, stack)
        configured = made_up.write(layout, stack)
    except SandboxError as error:
        return str(error)
    with progress.step(f"Stack {stack}: bringing the commit up"):
        # Writing the state of many regions for each resource takes very long, and this sandbox is temporary.
        once = {deployment.SKIP_CHECKPOINTS: "true"}
        run = _pulumi(layout, stack, "up", "--yes", "--skip-preview", extra={**configured, **once})
    return "" if run.returncode == 0 else (run.stdout + run.stderr).strip()[-_SAID_CHARACTERS:]


def _preview(old: Layout, new: Layout, stack: Stack) -> changes.Preview:
    """Preview the work tree while the control planes of both region lists run."""
    wanted = regions.read_regions(new.stack_file(stack.name))
    known = {region.name for region in wanted}
    before = regions.read_regions(old.stack_file(stack.name)) if stack.kind is Kind.KEPT else []
    control_planes.start(new, stack.name, [*wanted, *(region for region in before if region.name not in known)])
    engine.prepare(new)
    deployment.initialise(new, stack.name)
    configured = made_up.write(new, stack.name)
    with progress.step(f"Stack {stack.name}: previewing this tree"):
        run = _pulumi(new, stack.name, "preview", "--json", extra=configured)
    return changes.parse(run.stdout, run.returncode, run.stderr[-_SAID_CHARACTERS:])


def _pulumi(layout: Layout, stack: str, *arguments: str, extra: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    command = [str(layout.shims / "pulumi"), *arguments, "--stack", stack, "--non-interactive", "--color=never"]
    return subprocess.run(
        command,
        cwd=layout.project,
        env={**engine.environment(layout), **extra},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
