"""The program against a flat one that registers the same resources, in the same engine and the same sandbox.

Both run in turn, each from an empty stack: up, unchanged previews, destroy; then previews of the empty stack. They
alternate in going first. The ratio is the median time of the program over that of the flat one.

In an `up` of several regions, the engine writes the state only at the end for both. By default it writes the state for
each resource. That takes most of the time, and a planetary round takes an hour.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from benchmarks import flat
from benchmarks.measure import ENGINE, LANGUAGE, PROVIDERS, Run, run
from benchmarks.results import middle
from benchmarks.workplace import Workplace, keeping_compiled, stack_document, workplace
from sandbox import progress
from sandbox.layout import PROJECT

AIM, LIMIT = 1.05, 1.10
ROUNDS: Final = 5
MINUTES: Final = 15
"""No further round of a stack begins after this time."""
PREVIEWS: Final = 3
PHASES: Final = ("preview", "unchanged preview", "up")
STRUCTURED, FLAT = "program", "flat"
ROLES: Final = (ENGINE, LANGUAGE, PROVIDERS)
_LOADS: Final = 5
_SDKS: Final = """import importlib, json
from pathlib import Path
for entry in json.loads(Path("resources.json").read_text()):
    importlib.import_module(entry["module"] or "pulumi")
"""
_MODULES: Final = {STRUCTURED: f"{_SDKS}import stacks.platform, stacks.settings", FLAT: _SDKS}
"""What loads the modules that each program needs, in the folder of the flat one."""


@dataclass
class Series:
    """All runs of one program by phase."""

    runs: dict[str, list[Run]] = field(default_factory=lambda: {phase: [] for phase in PHASES})

    def figures(self) -> dict[str, Any]:
        """Medians by phase."""
        return {phase: _medians(runs) for phase, runs in self.runs.items() if runs}


def _medians(runs: Sequence[Run]) -> dict[str, float]:
    return {
        "seconds": middle([run.seconds for run in runs]),
        "fastest": round(min(run.seconds for run in runs), 2),
        "cpu seconds": middle([run.cpu.get(ENGINE, 0.0) + run.cpu.get(LANGUAGE, 0.0) for run in runs]),
        **{f"{role} cpu": middle([run.cpu.get(role, 0.0) for run in runs]) for role in ROLES},
        "engine MiB": middle([run.peak.get(ENGINE, 0.0) for run in runs], 0),
        "language host MiB": middle([run.peak.get(LANGUAGE, 0.0) for run in runs], 0),
        "runs": len(runs),
    }


def stack_names() -> list[str]:
    """The stacks of the project, fewest regions first."""
    names = [path.name.split(".")[1] for path in PROJECT.glob("Pulumi.*.yaml")]
    return sorted(names, key=lambda name: (len(stack_document(name)["config"]["sacred-council:regions"]), name))


def saves_once(stack: str) -> bool:
    """Whether an `up` of the stack writes its state only at the end."""
    return len(stack_document(stack)["config"]["sacred-council:regions"]) > 1


def measure(stack: str, rounds: int = ROUNDS, minutes: float = MINUTES, previews: int = PREVIEWS) -> dict[str, Any]:
    """Times and memory of both programs, and the ratios. A round has so many previews of each kind and program."""
    with workplace() as place:
        both, counts = _run_both(place, stack, rounds, minutes, previews)
        loading = {name: loading_seconds(place.folder / "flat", modules) for name, modules in _MODULES.items()}
    return {
        "aim": AIM,
        "limit": LIMIT,
        "cpu seconds are of": [ENGINE, LANGUAGE],
        "stack": stack,
        "state written": "once" if saves_once(stack) else "for each resource",
        "loading cpu": loading,
        **_compared(both, counts),
    }


def loading_seconds(flat_project: Path, modules: str) -> float:
    """The median CPU seconds in which Python starts and loads `modules`, once they are compiled."""
    command = [sys.executable, "-c", f"import time\n{modules}\nprint(time.process_time())"]
    environment = keeping_compiled({**os.environ, "PYTHONPATH": str(PROJECT)})

    def load() -> float:
        return float(run(command, flat_project, environment).output)

    load()
    return middle([load() for _ in range(_LOADS)])


def _run_both(
    place: Workplace, stack: str, rounds: int, minutes: float, previews: int
) -> tuple[dict[str, Series], dict[str, int]]:
    place.write_stack(stack, stack_document(stack))
    place.start_control_planes(stack)
    both, project = {STRUCTURED: Series(), FLAT: Series()}, place.folder / "flat"
    counts: dict[str, int] = {}
    begin = time.monotonic()
    for number in range(rounds):
        order = (STRUCTURED, FLAT) if number % 2 == 0 else (FLAT, STRUCTURED)
        label = f"Stack {stack}, round {number + 1} of {rounds}"
        for name in order:
            with progress.step(f"{label}: up and down, {name}"):
                counts[name] = _deploy(place, stack, both[name], project, name, previews)
        with progress.step(f"{label}: previews of both in turn"):
            for name in order * previews:
                both[name].runs["preview"].append(place.pulumi(stack, "preview", project=_project(project, name)))
        if time.monotonic() - begin > minutes * 60:
            break
    return both, counts


def _project(flat_project: Path, name: str) -> Path | None:
    return flat_project if name == FLAT else None


def _deploy(place: Workplace, stack: str, series: Series, flat_project: Path, name: str, previews: int) -> int:
    """One round from empty stack to empty stack; return the number of resources. Records the first round."""
    project, once = _project(flat_project, name), saves_once(stack)
    series.runs["up"].append(place.pulumi(stack, "up", "--yes", "--skip-preview", project=project, saves_once=once))
    for _ in range(previews):
        again = place.pulumi(stack, "preview", "--expect-no-changes", project=project)
        series.runs["unchanged preview"].append(again)
    if name == STRUCTURED and not flat_project.exists():
        flat.write(flat_project, place.resources(stack, "--show-secrets"))
        (flat_project / f"Pulumi.{stack}.yaml").symlink_to(place.layout.stack_file(stack))
    count = len(place.resources(stack))
    place.pulumi(stack, "destroy", "--yes", "--skip-preview", project=project, saves_once=once)
    place.forget_clouds(stack)
    return count


def _compared(both: dict[str, Series], counts: dict[str, int]) -> dict[str, Any]:
    program, other = both[STRUCTURED].figures(), both[FLAT].figures()
    ratios = {
        phase: {
            figure: round(program[phase][figure] / other[phase][figure], 3) if other[phase][figure] else None
            for figure in ("seconds", "cpu seconds", "engine MiB", "language host MiB")
        }
        for phase in PHASES
    }
    return {"resources": counts, "ratio": ratios, STRUCTURED: program, FLAT: other}


def lines(figures: dict[str, Any]) -> list[str]:
    """The figures as text."""
    counts = figures["resources"]
    told = [f"{figures['stack']} against a flat program; aim {AIM}, no more than {LIMIT}"]
    told.append(f"  {counts[STRUCTURED]} entries in the state, flat {counts[FLAT]}; written {figures['state written']}")
    loading = figures["loading cpu"]
    told.append(f"  loading modules    {loading[STRUCTURED]:7.2f} s of CPU time against {loading[FLAT]:7.2f} s")
    for phase in PHASES:
        one, other, ratio = figures[STRUCTURED][phase], figures[FLAT][phase], figures["ratio"][phase]
        told.append(
            f"  {phase:18} {one['seconds']:7.2f} s against {other['seconds']:7.2f} s, ratio {ratio['seconds']}; "
            f"CPU ratio {ratio['cpu seconds']}; engine {one['engine MiB']} MiB against {other['engine MiB']}, "
            f"language host {one['language host MiB']} against {other['language host MiB']}"
        )
    return told
