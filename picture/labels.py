"""Places the names of regions on the map so that none hides another. Pure."""

from collections.abc import Iterator, Sequence
from typing import Final

from picture.svg import Point

Box = tuple[float, float, float, float]
"""Left, top, right and bottom."""

HEIGHT: Final = 20.0
_LETTER: Final = 7.7
"""Average width of a bold 12 px letter, rounded up."""
_SIDE: Final = 16.0
_APART: Final = 11.0
"""Distance from a point to its label."""
_DOT: Final = 9.0


def width(words: str) -> float:
    """Width of a label."""
    return len(words) * _LETTER + _SIDE


def places(points: Sequence[tuple[str, Point]], lines: Sequence[Point], frame: Box) -> list[Box]:
    """A place for the label of each point: clear of other labels and points, and of `lines` as far as possible."""
    dots = [(x - _DOT, y - _DOT, x + _DOT, y + _DOT) for _, (x, y) in points]
    found: list[Box] = []
    for words, at in points:
        spots = list(_spots(width(words), at))
        found.append(min(spots, key=lambda spot: _hidden(spot, [*dots, *found], lines, frame)))
    return found


def _hidden(spot: Box, taken: Sequence[Box], lines: Sequence[Point], frame: Box) -> float:
    """Penalty for a label in this place."""
    on_lines = sum(spot[0] < x < spot[2] and spot[1] < y < spot[3] for x, y in lines)
    return 1000 * _meets(spot, taken) + 100 * (not _within(spot, frame)) + on_lines


def _spots(wide: float, at: Point) -> Iterator[Box]:
    x, y = at
    for down in (0.0, -18.0, 18.0, -36.0, 36.0, -54.0, 54.0):
        for left in (x + _APART, x - _APART - wide, x - wide / 2):
            # Above or below its own point, a label may be centred.
            if left + wide / 2 != x or down:
                yield left, y + down - HEIGHT / 2, left + wide, y + down + HEIGHT / 2


def _within(box: Box, outer: Box) -> bool:
    return box[0] >= outer[0] and box[1] >= outer[1] and box[2] <= outer[2] and box[3] <= outer[3]


def _meets(box: Box, others: Sequence[Box]) -> bool:
    return any(box[0] < o[2] and o[0] < box[2] and box[1] < o[3] and o[1] < box[3] for o in others)
