"""Cost of more regions: preview and up of 1, 3 and 10 regions on three clouds, and the preview of 20."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

from benchmarks import regions
from benchmarks.measure import ENGINE, LANGUAGE, Run
from benchmarks.path import planned_resources
from benchmarks.results import middle
from benchmarks.workplace import Workplace, stack_document, workplace
from sandbox import progress

COUNTS: Final = (1, 3, 10)
PREVIEW_ONLY: Final = 20
"""With more, the addresses of the other regions are more than the 40 networks that EKS admits to its API."""
RUNS: Final = 3


def measure(
    counts: Sequence[int] = COUNTS, preview_only: int = PREVIEW_ONLY, runs: int = RUNS, cloud: str = regions.MIXED
) -> dict[str, Any]:
    """Times in seconds (median of `runs` previews; one up), resources, memory in MiB.

    The engine writes the state only at the end. By default it writes the state for each resource, which takes time that
    grows with the square of the number of regions for any program.
    """
    with workplace() as place:
        # First, because it fails soonest if the settings refuse so many regions.
        planned = [_row(place, cloud, preview_only, runs, deploy=False)] if preview_only else []
        rows = [*(_row(place, cloud, count, runs, deploy=True) for count in counts), *planned]
    return {"clouds": cloud, "runs": runs, "rows": rows, "per region": _per_region(rows)}


def _row(place: Workplace, cloud: str, count: int, runs: int, *, deploy: bool) -> dict[str, Any]:
    stack = f"growth-{count}"
    place.write_stack(stack, regions.document(stack_document("planetary"), cloud, count))
    with progress.step(f"{count} region(s): {runs} previews"):
        previews = [place.pulumi(stack, "preview") for _ in range(runs)]
        planned = planned_resources(place.pulumi(stack, "preview", "--json").output)
    row = {"regions": count, "resources": len(planned), **_timed("preview", previews)}
    if deploy:
        row |= _deployed(place, stack, count)
    place.forget(stack)
    return row


def _deployed(place: Workplace, stack: str, count: int) -> dict[str, Any]:
    place.start_control_planes(stack)
    with progress.step(f"{count} region(s): up"):
        up = place.pulumi(stack, "up", "--yes", "--skip-preview", saves_once=True)
    with progress.step(f"{count} region(s): unchanged preview"):
        again = place.pulumi(stack, "preview", "--expect-no-changes")
    return {**_timed("up", [up]), **_timed("unchanged preview", [again]), "deployed": len(place.resources(stack))}


def _timed(name: str, runs: Sequence[Run]) -> dict[str, Any]:
    return {
        name: {
            "seconds": middle([run.seconds for run in runs]),
            "cpu seconds": middle([sum(run.cpu.values()) for run in runs]),
            "engine MiB": middle([run.peak.get(ENGINE, 0.0) for run in runs], 0),
            "language host MiB": middle([run.peak.get(LANGUAGE, 0.0) for run in runs], 0),
        }
    }


def _per_region(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Resources and seconds that each further region adds, between one count and the next."""
    return [_added(before, after) for before, after in pairwise(rows)]


def _added(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    more = after["regions"] - before["regions"]
    times = [name for name in ("preview", "up", "unchanged preview") if name in before and name in after]
    return {
        "from": before["regions"],
        "to": after["regions"],
        "resources": round((after["resources"] - before["resources"]) / more, 2),
        **{name: round((after[name]["seconds"] - before[name]["seconds"]) / more, 2) for name in times},
        **{
            f"{name} CPU": round((after[name]["cpu seconds"] - before[name]["cpu seconds"]) / more, 2) for name in times
        },
    }


def lines(figures: Mapping[str, Any]) -> list[str]:
    """The figures as text."""
    told = [f"Growth, regions of {figures['clouds']} clouds"]
    for row in figures["rows"]:
        times = ", ".join(
            f"{name} {row[name]['seconds']} s" for name in ("preview", "up", "unchanged preview") if name in row
        )
        memory = f"engine {row['preview']['engine MiB']} MiB, language host {row['preview']['language host MiB']} MiB"
        told.append(f"  {row['regions']:3} regions: {row['resources']} resources, {times}; in preview {memory}")
    told += [f"  each region from {row['from']} to {row['to']}: {json.dumps(row)}" for row in figures["per region"]]
    return told
