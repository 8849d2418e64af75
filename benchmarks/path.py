"""Compares the critical path of N regions with that of one, with modelled times on the real dependency graph.

Nothing is deployed: the graph comes from a preview of the real program.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from benchmarks import durations, graph, regions
from benchmarks.workplace import Workplace, stack_document, workplace
from sandbox import progress

AIM, LIMIT = 1.02, 1.05
COUNTS: Final = (1, 3, 10)
SERIES: Final = (*regions.CLOUDS, regions.MIXED)


def measure(counts: Sequence[int] = COUNTS, grown: Sequence[str] = SERIES) -> dict[str, Any]:
    """Minutes of the critical path, its ratio to that of one region, and the longest chain, for each cloud and count.

    Measures one region of every cloud, and more regions of those in `grown`. Compares regions of several clouds with
    one region of the slowest cloud.
    """
    wanted = {cloud: [1, *(_more(counts) if cloud in grown else ())] for cloud in regions.CLOUDS}
    if regions.MIXED in grown:
        wanted[regions.MIXED] = _more(counts)
    with workplace() as place:
        found = {cloud: {count: _chain(place, cloud, count) for count in some} for cloud, some in wanted.items()}
    slowest = max((minutes(chains[1]) for chains in found.values() if 1 in chains), default=0.0)
    return {
        "aim": AIM,
        "limit": LIMIT,
        "model": "longest path over the engine's planned dependency graph, with the minutes of benchmarks/durations.py",
        "series": {cloud: _figures(chains, slowest) for cloud, chains in found.items()},
    }


def _more(counts: Sequence[int]) -> list[int]:
    return [count for count in counts if count > 1]


def _chain(place: Workplace, cloud: str, count: int) -> list[graph.Step]:
    stack = f"path-{cloud}-{count}"
    place.write_stack(stack, regions.document(stack_document("planetary"), cloud, count))
    with progress.step(f"Critical path of {count} region(s), {cloud}"):
        planned = planned_resources(place.pulumi(stack, "preview", "--json").output)
    place.forget(stack)
    return graph.longest(planned, durations.minutes)


def planned_resources(printed: str) -> list[dict[str, Any]]:
    """The state that a preview plans, in the order of registration."""
    steps = json.loads(printed[printed.index("{") :])["steps"]
    return [step["newState"] for step in steps if step.get("newState")]


def minutes(chain: Sequence[graph.Step]) -> float:
    """How long the chain takes."""
    return chain[-1].ready if chain else 0.0


def _figures(chains: Mapping[int, list[graph.Step]], slowest: float) -> list[dict[str, Any]]:
    one = minutes(chains[1]) if 1 in chains else slowest
    return [
        {
            "regions": count,
            "minutes": round(minutes(chain), 2),
            "ratio": round(minutes(chain) / one, 4) if one else None,
            "chain": [_told(step) for step in chain if step.minutes],
        }
        for count, chain in chains.items()
    ]


def _told(step: graph.Step) -> dict[str, Any]:
    return {
        "name": step.urn.split("::", 3)[3],
        "type": step.urn.split("::")[2].rpartition("$")[2],
        "minutes": round(step.minutes, 2),
        "ready": round(step.ready, 2),
    }


def lines(figures: Mapping[str, Any]) -> list[str]:
    """The figures as text, with the longest chain of the most regions."""
    told = ["Critical path, modelled minutes"]
    for cloud, rows in figures["series"].items():
        told += [
            f"  {cloud:6} {row['regions']:3} regions: {row['minutes']:6.2f} min, ratio {row['ratio']}" for row in rows
        ]
        told += ["         longest chain:"]
        told += [
            f"           {step['ready']:6.2f} {step['type']} {step['name']} ({step['minutes']})"
            for step in rows[-1]["chain"]
        ]
    return told
