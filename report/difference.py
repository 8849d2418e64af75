"""Effect of a change on cost, capacity and carbon: Markdown for the comment on a pull request. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from report.markdown import left_out, money, table

Document = Mapping[str, Any]

_NOTHING: Document = {"least": 0.0, "most": 0.0, "unknown": 0, "byUse": 0}


def difference(base: Document | None, head: Document) -> str:
    """The difference between two documents of one stack. Without a base, the stack is new."""
    before: Document = base["cost"] if base else {"total": _NOTHING, "byRegionAndComponent": {}, "lines": []}
    rows = [_row("all", before["total"], head["cost"]["total"]), *_changed(before, head["cost"])]
    blocks = [
        table(["Cost a month", "At least", "At most", "Not counted now"], rows),
        *_appeared(before, head["cost"]),
        *_others(base, head),
        f"Budget of stage {head['stage']}, {head['budget']['words']}: {head['budget']['verdict']} by known prices.",
    ]
    return "\n\n".join(blocks) + "\n"


def change(before: float, after: float) -> str:
    """An amount of money and how it changed."""
    gap = round(after - before, 2)
    sign = "+" if gap > 0 else "-"
    return money(after) if not gap else f"{money(after)} ({sign}{money(abs(gap))})"


def _row(name: str, before: Document, after: Document) -> list[str]:
    edges = [change(before[edge], after[edge]) for edge in ("least", "most")]
    return [name, *edges, left_out(after)]


def _changed(before: Document, after: Document) -> Iterator[list[str]]:
    olds, news = before["byRegionAndComponent"], after["byRegionAndComponent"]
    for name in sorted({*olds, *news}):
        old, new = olds.get(name, _NOTHING), news.get(name, _NOTHING)
        if old != new:
            yield _row(name, old, new)


def _appeared(before: Document, after: Document) -> Iterator[str]:
    known = {(line["region"], line["item"]) for line in before["lines"]}
    new = sorted(
        {
            f"{line['what']} ({line['region']})"
            for line in after["lines"]
            if line["kind"] == "unknown" and (line["region"], line["item"]) not in known
        }
    )
    if new:
        yield f"New, and without a known price: {', '.join(new)}."


def _others(base: Document | None, head: Document) -> Iterator[str]:
    rows = (
        ("Users", "capacity", "users"),
        ("kg CO2eq a year, at least", "carbon", "leastKg"),
        ("kg CO2eq a year, at most", "carbon", "mostKg"),
    )
    counted = [(title, base[part][key] if base else 0, head[part][key]) for title, part, key in rows]
    changed = [[title, f"{old:,}", f"{new:,}"] for title, old, new in counted if old != new]
    if changed:
        yield table(["", "Before", "After"], changed)
