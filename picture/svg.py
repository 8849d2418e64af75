"""A small part of SVG: plain elements with colours from `tones`. The same input gives the same text. Pure."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from picture import tones

Point = tuple[float, float]

_FONTS: Final = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'DejaVu Sans', sans-serif"
_SEA: Final = (
    '<radialGradient id="sea" cx="0.5" cy="0.42" r="0.62">'
    f'<stop offset="0.35" {tones.attributes("sea-middle")}/><stop offset="1" {tones.attributes("sea-rim")}/>'
    "</radialGradient>"
)


def document(width: int, height: int, title: str, elements: Iterable[str]) -> str:
    """A whole picture with its own background. Screen readers read `title`."""
    dark = tones.dark_rules().replace("\n", "\n      ")
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
            f'height="{height}" role="img" aria-label={quoteattr(title)} font-family="{_FONTS}">',
            f"  <title>{escape(title)}</title>",
            f"  <style>\n    @media (prefers-color-scheme: dark) {{\n      {dark}\n    }}\n  </style>",
            f"  <defs>{_SEA}</defs>",
            f'  <rect {tones.attributes("paper")} width="{width}" height="{height}"/>',
            *(f"  {element}" for element in elements),
            "</svg>\n",
        ]
    )


def text(x: float, y: float, words: str, kind: str = "text", *, anchor: str = "start") -> str:
    """Words at a point. `anchor` says which part of them is there: start, middle or end."""
    placed = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text x="{number(x)}" y="{number(y)}" {tones.attributes(kind)}{placed}>{escape(words)}</text>'


def rectangle(x: float, y: float, width: float, height: float, kind: str, *, corner: float = 8) -> str:
    """A box with round corners."""
    size = f'width="{number(width)}" height="{number(height)}"'
    return f'<rect {tones.attributes(kind)} x="{number(x)}" y="{number(y)}" {size} rx="{number(corner)}"/>'


def circle(center: Point, radius: float, kind: str) -> str:
    """A circle."""
    return f'<circle {tones.attributes(kind)} cx="{number(center[0])}" cy="{number(center[1])}" r="{number(radius)}"/>'


def polygon(points: Sequence[Point], kind: str) -> str:
    """A filled shape."""
    return f'<polygon {tones.attributes(kind)} points="{" ".join(map(pair, points))}"/>'


def line(points: Sequence[Point], kind: str) -> str:
    """A line through points."""
    return f'<polyline {tones.attributes(kind)} points="{" ".join(map(pair, points))}"/>'


def path(steps: str, kind: str) -> str:
    """A line or shape from SVG path commands."""
    return f'<path {tones.attributes(kind)} d="{steps}"/>'


def shape(rings: Iterable[Sequence[Point]]) -> str:
    """Path commands around several rings. Relative steps halve the text."""
    return "".join(f"{_ring(points)}z" for points in rings)


def _ring(points: Sequence[Point]) -> str:
    # Count in whole tenths, so that rounding errors do not add up.
    tenths = [(round(x * 10), round(y * 10)) for x, y in points]
    steps = [(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(tenths) if a != b]
    first = f"M{number(tenths[0][0] / 10)},{number(tenths[0][1] / 10)}"
    return first + "l" + " ".join(f"{number(x / 10)},{number(y / 10)}" for x, y in steps)


def pair(point: Point) -> str:
    """A point in SVG syntax."""
    return f"{number(point[0])},{number(point[1])}"


def number(value: float) -> str:
    """A number with at most one decimal, and no minus before a zero."""
    return f"{round(value, 1) + 0.0:g}"
