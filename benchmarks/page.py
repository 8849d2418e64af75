"""Writes docs/benchmarks.md from the last measurements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks import circles, overhead, results
from benchmarks.overhead import FLAT, PHASES, STRUCTURED
from sandbox.layout import PROJECT

PAGE: Final = PROJECT / "docs" / "benchmarks.md"
_INTRODUCTION: Final = """# Benchmarks

This page says what the program costs: its time and memory against a program without components, how both grow with the
number of regions, and whether the longest chain of resources grows, too. The last part says how many people a server
of [circles](circles.md) carries.

`make bench` measures all of this, prints it and writes `benchmarks/results/*.json`.
`.venv/bin/python -m benchmarks overhead`, `growth`, `path` or `circles` measures one part; `forecast` is about
replicas, and [scaling](scaling.md#what-it-gains) has its figures. `.venv/bin/python -m benchmarks page`
writes this page from the results. All but `circles` runs in the sandbox: the real engine, the official Kubernetes
provider, real Kubernetes API servers, and stand-ins for the clouds.
"""
_GREW: Final = "2026-12-01 02:59 UTC"
"""When f8e13a9 was made, in the form in which results say when they were measured."""
_SMALLER: Final = """**Not all figures are about the stacks of today.** What was measured before {grew} is about smaller
stacks: commit f8e13a9 switched streaming, live collaboration, matching and KEDA on in `multiregion` and `planetary`.
By the golden lists of these commits, `multiregion` had 1,066 resources before and 1,483 after, `planetary` 2,197 and
3,061. The trust ledger, circles and edge sites of `planetary` came later. (The tables count the entries of the state:
also the stack itself and default providers.)
"""
_OVERHEAD: Final = """## Against a flat program

A flat program registers the same resources, with the recorded values and dependencies, with the SDKs' classes, and
without components. It sets the garbage collector as the program does, and knows the kubeconfig of a cluster only once
the cluster is there. Both run in turn in the same engine; times are medians in seconds. CPU is that of engine and
language host; memory is the peak. In brackets: the flat program. The state is written for each resource of `up`, as
usual; with several regions once, at the end, or it would take most of the time of both."""
_WHERE: Final = """Where the time goes, in CPU seconds. Each run begins with loading modules: those of the SDKs and, in
the program, its own. In `up` of one region the difference is mostly the engine's: it writes the whole state after each
entry, components included, so this takes time that grows with the square of the entries. The backend of Pulumi Cloud
keeps a journal instead; that was not measured."""
_GROWTH: Final = """## More regions

Stacks of N regions with the settings of the planetary stack, Google Cloud, AWS and Azure in turn. Times in seconds,
memory in MiB at the peak of the preview. The state is written once, at the end of `up`: written for each resource,
which is usual, it takes a time that grows with the square of the number of regions, whatever the program."""
_PATH: Final = """## Critical path

The longest path over the dependency graph that the engine plans for the real program (dependencies, parents,
providers), with modelled durations: those of the clouds from the sandbox's tables, those of Kubernetes assumed;
`benchmarks/durations.py` has them all. It is computed, not waited for: it says how the path grows with the number of
regions, not how long a cloud takes. Several clouds are compared with one region of the slowest."""

_CIRCLES: Final = """## Participants of circles

The real LiveKit server on one machine with the people: LiveKit's own client, which really encodes and decodes. All
speak noise without a pause, and everybody gets what all others in the room send, so nobody can cost more with these
codecs and sizes. With video, each sends {video}. The CPU time is the server's alone, by the system's accounts; a busy
core has one second of it a second. Each figure is the median of {rounds} windows of {seconds:.0f} s. On a busy machine
packets wait and are then sent together, which takes less time for each: look at the load before the run."""


def write(page: Path = PAGE) -> Path:
    """Write the page; return its path."""
    stacks = [figures for name in results.names("overhead") if (figures := results.read(name))]
    page.write_text(text(stacks, results.read("growth"), results.read("path"), results.read("circles")))
    return page


def text(
    stacks: Sequence[Mapping[str, Any]],
    growth: Mapping[str, Any] | None,
    path: Mapping[str, Any] | None,
    people: Mapping[str, Any] | None,
) -> str:
    """The page; a part that was not measured says so."""
    ordered = sorted(stacks, key=lambda figures: int(figures["resources"][STRUCTURED]))
    sections = (
        _overhead(ordered) if stacks else [_unmeasured("overhead")],
        _growth(growth) if growth else [_unmeasured("growth")],
        _path(path) if path else [_unmeasured("path")],
        _circles(people) if people else [_unmeasured("circles")],
    )
    introduction = [_INTRODUCTION, *_smaller([*stacks, *(part for part in (growth, path) if part)])]
    return "\n".join([*introduction, *("\n".join([*lines, ""]) for lines in sections)])


def _smaller(measured: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say which stacks the figures are about, as long as some are older than a change of the stacks."""
    return [_SMALLER.format(grew=_GREW)] if any(figures["measured"] < _GREW for figures in measured) else []


def _unmeasured(part: str) -> str:
    return f"The part `{part}` was not measured."


def _when(figures: Mapping[str, Any]) -> str:
    machine = figures["machine"]
    return (
        f"Measured {figures['measured']} at {figures['commit']}, on {machine['cores']} cores ({machine['processor']}), "
        f"{machine['memory GiB']} GiB, {machine['system']}, Python {machine['python']}; "
        f"load before the run {figures['load before']}."
    )


def _overhead(stacks: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = [
        _OVERHEAD,
        f"Aim: a ratio of {overhead.AIM}; no more than {overhead.LIMIT}.",
        "",
        "| Stack | Resources | | Program | Flat | Ratio | CPU ratio | Engine MiB | Language host MiB | Runs |",
        "|---|--:|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    lines += [_overhead_row(figures, phase) for figures in stacks for phase in PHASES]
    missing = sorted({*overhead.stack_names()} - {figures["stack"] for figures in stacks})
    unmeasured = ["", f"Not measured: {', '.join(missing)}."] if missing else []
    when = [f"- {figures['stack']}: {_when(figures)}" for figures in stacks]
    return [*lines, "", *when, *unmeasured, "", *_where(stacks), "", *_above(stacks)]


def _where(stacks: Sequence[Mapping[str, Any]]) -> list[str]:
    head = ["| Stack | | Engine | Language host | Providers |", "|---|---|--:|--:|--:|"]
    return [_WHERE, "", *head, *(row for figures in stacks for row in _cpu_rows(figures))]


def _cpu_rows(figures: Mapping[str, Any]) -> list[str]:
    stack, loading = figures["stack"], figures.get("loading cpu")
    first = [f"| {stack} | loading modules | | {loading[STRUCTURED]:.2f} ({loading[FLAT]:.2f}) | |"] if loading else []
    cells = {phase: " | ".join(_cpu_of(figures, phase, role) for role in overhead.ROLES) for phase in PHASES}
    return [*first, *(f"| {stack} | {phase} | {cells[phase]} |" for phase in PHASES)]


def _above(stacks: Sequence[Mapping[str, Any]]) -> list[str]:
    """The ratios above the limit, with the CPU time that the program takes more there."""
    above = [
        f"- {figures['stack']}, {phase}, {figures['ratio'][phase]['seconds']:.2f}: {_more(figures, phase)}."
        for figures in stacks
        for phase in PHASES
        if round(figures["ratio"][phase]["seconds"], 2) > overhead.LIMIT
    ]
    said = "These ratios are above" if above else "No ratio is above"
    return [f"{said} {overhead.LIMIT}{', and this is what the program takes more:' if above else '.'}", "", *above]


def _more(figures: Mapping[str, Any], phase: str) -> str:
    one, other = figures[STRUCTURED][phase], figures[FLAT][phase]
    parts = [f"{role} {one[f'{role} cpu'] - other[f'{role} cpu']:+.2f} s" for role in overhead.ROLES]
    return ", ".join(parts)


def _cpu_of(figures: Mapping[str, Any], phase: str, role: str) -> str:
    one, other = (figures[name][phase][f"{role} cpu"] for name in (STRUCTURED, FLAT))
    return f"{one:.2f} ({other:.2f})"


def _overhead_row(row: Mapping[str, Any], phase: str) -> str:
    one, other, ratio = row[STRUCTURED][phase], row[FLAT][phase], row["ratio"][phase]
    cells = [
        row["stack"],
        f"{row['resources'][STRUCTURED]} ({row['resources'][FLAT]})",
        phase,
        f"{one['seconds']:.2f}",
        f"{other['seconds']:.2f}",
        f"{ratio['seconds']:.2f}",
        f"{ratio['cpu seconds']:.2f}",
        f"{one['engine MiB']:.0f} ({other['engine MiB']:.0f})",
        f"{one['language host MiB']:.0f} ({other['language host MiB']:.0f})",
        str(one["runs"]),
    ]
    return f"| {' | '.join(cells)} |"


def _growth(figures: Mapping[str, Any]) -> list[str]:
    lines = [
        _GROWTH,
        "",
        _when(figures),
        "",
        "| Regions | Resources | Preview | Up | Unchanged preview | Engine | Language host |",
        "|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for row in figures["rows"]:
        times = [
            f"{row[name]['seconds']:.1f}" if name in row else "" for name in ("preview", "up", "unchanged preview")
        ]
        memory = [f"{row['preview'][name]:.0f}" for name in ("engine MiB", "language host MiB")]
        lines.append(f"| {' | '.join([str(row['regions']), str(row['resources']), *times, *memory])} |")
    lines += [
        "",
        "Each further region adds (CPU: that of engine, language host and providers):",
        "",
        "| From | To | Resources | Preview s | Preview CPU s | Up s | Up CPU s |",
        "|--:|--:|--:|--:|--:|--:|--:|",
    ]
    columns = ("from", "to", "resources", "preview", "preview CPU", "up", "up CPU")
    lines += [f"| {' | '.join(str(row.get(name, '')) for name in columns)} |" for row in figures["per region"]]
    return lines


def _path(figures: Mapping[str, Any]) -> list[str]:
    lines = [
        _PATH,
        f"Aim: a ratio of {figures['aim']}; no more than {figures['limit']} at ten regions.",
        "",
        _when(figures),
        "",
        "| Clouds | Regions | Minutes | Ratio |",
        "|---|--:|--:|--:|",
    ]
    for cloud, rows in figures["series"].items():
        lines += [f"| {cloud} | {row['regions']} | {row['minutes']:.2f} | {row['ratio']:.3f} |" for row in rows]
    longest = max((rows[-1] for rows in figures["series"].values()), key=lambda row: row["minutes"])
    lines += [
        "",
        f"The longest chain ({longest['regions']} regions):",
        "",
        "| Ready at | Takes | Resource |",
        "|--:|--:|---|",
    ]
    lines += [
        f"| {step['ready']:.2f} | {step['minutes']:.2f} | `{step['name']}` ({step['type']}) |"
        for step in longest["chain"]
    ]
    return lines


def _circles(figures: Mapping[str, Any]) -> list[str]:
    about = _CIRCLES.format(
        video=figures["video"], rounds=figures["rows"][0]["rounds"], seconds=float(figures["seconds"])
    )
    failed = (
        [f"Not measured, because this machine was too slow: {', '.join(figures['failed'])}."]
        if figures.get("failed")
        else []
    )
    return [about, "", f"{_when(figures)} {figures['server']}.", *failed, "", *circles.lines(figures)]
