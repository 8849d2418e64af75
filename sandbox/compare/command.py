"""`python -m sandbox compare`: brings a commit up, previews the work tree over it, and reports stack by stack.

Each stack gets a sandbox of its own in a temporary folder, which is taken away again. Both trees run on the engine, the
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
"""Exit statuses: there is no comparison to rely on; a resource of a protected type would be replaced or deleted."""
_SAID_CHARACTERS = 3000


@dataclass(frozen=True, kw_only=True)
class Request:
    """What to compare: the commit, some stacks (none: all), where the Markdown goes, and what is protected."""

    base: str
    stacks: Sequence[str] = ()
    output: Path | None = None
    protect: tuple[str, ...] = ()


def compare(layout: Layout, request: Request) -> int:
    """Print the comparison; 0 unless a preview failed, a protected resource goes, or nobody can tell if one does."""
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
    """Over a commit that did not come up nothing is replaced, so nothing that is protected would be seen to go."""
    blind = bool(report.protect) and any(comparison.base_error for comparison in report.comparisons)
    if blind or any(comparison.failed for comparison in report.comparisons):
        return FAILED
    return PROTECTED if any(item.protected(report.protect) for item in report.comparisons) else 0


@contextmanager
def _workplace() -> Iterator[Path]:
    """A temporary folder. A request to end is taken like Ctrl-C, so that nothing is left running."""
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = Path(tempfile.mkdtemp(prefix="sacred-council-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        signal.signal(signal.SIGTERM, previous)


def _stack(base: Layout, head: Layout, stack: Stack, folder: Path) -> Comparison:
    """Compare one stack, in a sandbox that ends with it."""
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
    """Deploy the old tree; what went wrong, if anything did."""
    try:
        deployment.start(layout, stack)
        deployment.initialise(layout, stack)
        configured = made_up.write(layout, stack)
    except SandboxError as error:
        return str(error)
    with progress.step(f"Stack {stack}: bringing the commit up"):
        # This sandbox ends with the comparison. Writing the state of many regions for each resource takes very long.
        once = {deployment.SKIP_CHECKPOINTS: "true"}
        run = _pulumi(layout, stack, "up", "--yes", "--skip-preview", extra={**configured, **once})
    return "" if run.returncode == 0 else (run.stdout + run.stderr).strip()[-_SAID_CHARACTERS:]


def _preview(old: Layout, new: Layout, stack: Stack) -> changes.Preview:
    """Preview the work tree; the control planes of both region lists run meanwhile."""
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
