"""Draws the resources by component, in order of creation from left to right. Pure."""

from collections.abc import Iterator, Mapping
from typing import Final

from picture import svg
from picture.parts import Part, Parts
from picture.svg import Point

_MARGIN: Final = 24
_TOP: Final = 150
_BOX: Final = (196, 50)
_STEP: Final = (264, 66)
_NARROWEST: Final = 1080
_ROUNDS: Final = 6
"""Number of passes that improve the order in the columns."""
_TONES: Final = {"Platform": "a", "Cloud": "b", "RegionBase": "c", "Region": "d"}
_SAID: Final = {
    "Platform": "shared by all regions",
    "Cloud": "a region's cloud adapter",
    "RegionBase": "cluster, namespaces, authorities, peer endpoints",
    "Region": "the region itself",
}

Rows = dict[Part, float]


def draw(stack: str, found: Parts) -> str:
    """The picture as SVG."""
    places = _places(found)
    bottom = max(y for _, y in places.values()) + _BOX[1]
    width = int(max(x for x, _ in places.values()) + _BOX[0] + _MARGIN)
    total = sum(found.sizes.values())
    return svg.document(
        max(width, _NARROWEST),
        int(bottom) + 2 * _MARGIN,
        f"Resources of the stack {stack} by component",
        [
            svg.text(_MARGIN, 44, f"Sacred Council, stack {stack}", "title"),
            svg.text(_MARGIN, 70, f"{total} resources by component. Lines lead to what waits.", "soft"),
            *_legend(found),
            *_columns(found, bottom),
            *(drawn for part in sorted(found.sizes) for drawn in _lines(part, found, places)),
            *(drawn for part in sorted(found.sizes) for drawn in _box(part, found.sizes[part], places[part])),
        ],
    )


def _places(found: Parts) -> Mapping[Part, Point]:
    """The upper left corner of each box: a column for each rank, near the box's dependencies and dependants."""
    columns = [sorted(part for part in found.sizes if found.ranks[part] == rank) for rank in range(_last(found) + 1)]
    tallest = max(map(len, columns))
    rows: Rows = {}
    for _ in range(_ROUNDS):
        for column in [*columns, *reversed(columns)]:
            column.sort(key=lambda part: (_wish(part, found, rows), part))
            above = (tallest - len(column)) / 2
            rows.update({part: above + row for row, part in enumerate(column)})
    return {part: (_MARGIN + found.ranks[part] * _STEP[0], _TOP + row * _STEP[1]) for part, row in rows.items()}


def _last(found: Parts) -> int:
    return max(found.ranks.values())


def _wish(part: Part, found: Parts, rows: Mapping[Part, float]) -> float:
    after = [one for one in found.sizes if part in found.needed[one]]
    near = [rows[one] for one in [*found.needed[part], *after] if one in rows]
    return sum(near) / len(near) if near else 0.0


def _legend(found: Parts) -> Iterator[str]:
    x = float(_MARGIN)
    there = {part.group for part in found.sizes}
    for group, tone in [(group, tone) for group, tone in _TONES.items() if group in there]:
        words = f"{group}: {_SAID[group]}"
        yield svg.rectangle(x, 90, 14, 14, f"bar-{tone}", corner=4)
        yield svg.text(x + 22, 102, words, "soft")
        x += 50 + 6.7 * len(words)


def _columns(found: Parts, bottom: float) -> Iterator[str]:
    for rank in range(_last(found) + 1):
        left = _MARGIN + rank * _STEP[0] - 12
        yield svg.rectangle(left, _TOP - 30, _BOX[0] + 24, bottom - _TOP + 42, "column", corner=12)
        words = "first" if rank == 0 else "last" if rank == _last(found) else ""
        if words:
            yield svg.text(left + 12, _TOP - 12, words, "small")


def _lines(part: Part, found: Parts, places: Mapping[Part, Point]) -> Iterator[str]:
    x, y = places[part]
    for other in found.needed[part]:
        left, top = places[other]
        start, end = (left + _BOX[0], top + _BOX[1] / 2), (x, y + _BOX[1] / 2)
        bend = max(34.0, (end[0] - start[0]) / 2)
        a, b = (start[0] + bend, start[1]), (end[0] - bend, end[1])
        steps = f"M{svg.pair(start)} C{svg.pair(a)} {svg.pair(b)} {svg.pair(end)}"
        yield svg.path(steps, f"wait-{_TONES[other.group]}")


def _box(part: Part, size: int, place: Point) -> Iterator[str]:
    x, y = place
    tone = _TONES[part.group]
    yield svg.rectangle(x, y, *_BOX, "paper", corner=8)
    yield svg.rectangle(x, y, *_BOX, f"box-{tone}", corner=8)
    yield svg.rectangle(x, y, 6, _BOX[1], f"bar-{tone}", corner=3)
    yield svg.text(x + 17, y + 21, part.kind, "head")
    yield svg.text(x + 17, y + 39, "1 resource" if size == 1 else f"{size} resources", "small")
