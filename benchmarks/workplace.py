"""A separate sandbox for a benchmark, in a temporary folder, with given stacks."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from benchmarks import measure
from sandbox import binaries, control_planes, deployment, engine, regions
from sandbox.layout import PROJECT, Layout

_LINKED = ("Pulumi.yaml", "__main__.py", "components", "stacks", "charts")


@dataclass(frozen=True)
class Workplace:
    """A project folder with one sandbox. `layout.project` has links to the program, and its own stack files."""

    folder: Path
    layout: Layout

    def write_stack(self, stack: str, document: Mapping[str, Any]) -> None:
        """Write the stack's configuration and create the stack."""
        self.layout.stack_file(stack).write_text(yaml.safe_dump(dict(document), sort_keys=False))
        deployment.initialise(self.layout, stack)

    def start_control_planes(self, stack: str) -> None:
        """Start a control plane for each region of the stack."""
        deployment.start(self.layout, stack)

    def stop_control_planes(self, stack: str) -> None:
        """Stop the stack's control planes and delete their data and that of the simulated clouds."""
        control_planes.remove(self.layout, stack)
        self.forget_clouds(stack)

    def forget_clouds(self, stack: str) -> None:
        """Delete the data of the simulated clouds, including backups, which a destroy leaves there."""
        shutil.rmtree(self.layout.clouds / stack, ignore_errors=True)

    def forget(self, stack: str) -> None:
        """Stop the control planes and delete the state, even if resources are deployed."""
        self.stop_control_planes(stack)
        self.pulumi(stack, "stack", "rm", "--yes", "--force", "--preserve-config")

    def pulumi(self, stack: str, *arguments: str, project: Path | None = None, saves_once: bool = False) -> measure.Run:
        """Run the engine on the stack with the program in `project` (default: the real one).

        The engine writes the state for each resource or, with `saves_once`, only at the end.
        """
        command = [str(self.layout.shims / "pulumi"), *arguments, "--stack", stack, "--non-interactive"]
        once = {deployment.SKIP_CHECKPOINTS: "true"} if saves_once else {}
        environment = keeping_compiled({**engine.environment(self.layout), **once})
        return measure.run(command, project or self.layout.project, environment)

    def region_count(self, stack: str) -> int:
        """Number of regions of the stack."""
        return len(regions.read_regions(self.layout.stack_file(stack)))

    def resources(self, stack: str, *options: str) -> list[dict[str, Any]]:
        """The resources in the stack's state, in order of creation."""
        document = json.loads(self.pulumi(stack, "stack", "export", *options).output)
        found: list[dict[str, Any]] = document["deployment"].get("resources") or []
        return found


@contextmanager
def workplace() -> Iterator[Workplace]:
    """A temporary workplace, removed at the end together with its control planes."""
    folder = Path(tempfile.mkdtemp(prefix="sacred-council-bench-"))
    layout = replace(Layout.from_environment(), project=folder / "project", home=folder / "sandbox")
    link_program(layout.project)
    binaries.ensure(layout, deployment.needed_binaries())
    engine.prepare(layout)
    try:
        yield Workplace(folder, layout)
    finally:
        with control_planes.alone(layout):
            control_planes.clear(layout)
        shutil.rmtree(folder, ignore_errors=True)


def keeping_compiled(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment as under `make`: otherwise each run would compile the SDKs and the program again."""
    return {key: value for key, value in environment.items() if key != "PYTHONDONTWRITEBYTECODE"}


def link_program(folder: Path, names: tuple[str, ...] = _LINKED) -> None:
    """Make a project folder with links to the parts of this project."""
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).symlink_to(PROJECT / name)


def stack_document(stack: str) -> dict[str, Any]:
    """The configuration of one of the project's stacks."""
    document: dict[str, Any] = yaml.safe_load((PROJECT / f"Pulumi.{stack}.yaml").read_text())
    return document
