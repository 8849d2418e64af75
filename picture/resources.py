"""The resources by component, from what is made first on the left to what is made last on the right. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from picture import svg
from picture.parts import Part, Parts
from picture.svg import Point

_MARGIN: Final = 20
_TOP: Final = 100
_BOX: Final = (185, 44)
_STEP: Final = (275, 66)
_TONES: Final = {"Platform": "a", "Ground": "b", "Foundation": "c", "Region": "d"}
_SAID: Final = {
    "Platform": "shared by all regions",
    "Ground": "what a region stands on",
    "Foundation": "cluster, namespaces, authorities, doors",
    "Region": "the region itself",
}


def draw(stack: str, found: Parts) -> str:
    """The picture as SVG."""
    places = _places(found)
    width = int(max(x for x, _ in places.values()) + _BOX[0] + _MARGIN)
    height = int(max(y for _, y in places.values()) + _BOX[1] + 2 * _MARGIN)
    return svg.document(
        max(width, 900),
        height,
        f"Resources of the stack {stack} by component",
        [
            svg.text(_MARGIN, 34, f"Stack {stack}: resources by component", "title"),
            svg.text(_MARGIN, 54, "A line leads from what is made first to what waits for it.", "soft"),
            *_legend(),
            *(drawn for part in sorted(found.sizes) for drawn in _lines(part, found, places)),
            *(drawn for part in sorted(found.sizes) for drawn in _box(part, found.sizes[part], places[part])),
        ],
    )


def _places(found: Parts) -> Mapping[Part, Point]:
    """The upper left corner of each box: a column for each rank, near to what it waits for."""
    rows: dict[Part, float] = {}
    tallest = max(Counter(found.ranks.values()).values())
    for rank in range(max(found.ranks.values()) + 1):
        column = sorted(part for part in found.sizes if found.ranks[part] == rank)
        column.sort(key=lambda part: (_wish(part, found, rows), part))
        above = (tallest - len(column)) / 2
        rows.update({part: above + row for row, part in enumerate(column)})
    return {part: (_MARGIN + found.ranks[part] * _STEP[0], _TOP + row * _STEP[1]) for part, row in rows.items()}


def _wish(part: Part, found: Parts, rows: Mapping[Part, float]) -> float:
    before = [rows[one] for one in found.needed(part) if one in rows]
    return sum(before) / len(before) if before else 0.0


def _legend() -> Iterator[str]:
    x = float(_MARGIN)
    for group, tone in _TONES.items():
        words = f"{group}: {_SAID[group]}"
        yield svg.rectangle(x, 68, 14, 14, f"{tone} edged")
        yield svg.text(x + 20, 80, words, "soft")
        x += 40 + 6.6 * len(words)


def _lines(part: Part, found: Parts, places: Mapping[Part, Point]) -> Iterator[str]:
    x, y = places[part]
    for other in found.needed(part):
        left, top = places[other]
        start, end = (left + _BOX[0], top + _BOX[1] / 2), (x, y + _BOX[1] / 2)
        bend = max(40.0, (end[0] - start[0]) / 2)
        a, b = (start[0] + bend, start[1]), (end[0] - bend, end[1])
        yield f'<path class="joint" d="M{svg.pair(start)} C{svg.pair(a)} {svg.pair(b)} {svg.pair(end)}"/>'


def _box(part: Part, size: int, place: Point) -> Iterator[str]:
    x, y = place
    yield svg.rectangle(x, y, *_BOX, f"{_TONES[part.group]} edged")
    yield svg.text(x + 10, y + 19, part.kind, "head")
    yield svg.text(x + 10, y + 36, "1 resource" if size == 1 else f"{size} resources", "soft")
