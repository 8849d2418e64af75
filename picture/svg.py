"""Just enough of SVG: plain elements, in colours that suit light and dark. The same input gives the same text. Pure."""

from collections.abc import Iterable, Sequence
from typing import Final
from xml.sax.saxutils import escape, quoteattr

Point = tuple[float, float]

LIGHT: Final = {
    "paper": "#ffffff",
    "ink": "#1f2933",
    "soft": "#56636f",
    "land": "#dfe5ea",
    "line": "#8796a5",
    "one": "#0b6bcb",
    "two": "#b3420f",
    "a": "#e3eefb",
    "b": "#e4f3e6",
    "c": "#fbf0dc",
    "d": "#f1e6f8",
}
DARK: Final = {
    "paper": "#14191f",
    "ink": "#e6ebf0",
    "soft": "#aab7c4",
    "land": "#2b343d",
    "line": "#6d7c8b",
    "one": "#6db3ff",
    "two": "#ff9d66",
    "a": "#1c3047",
    "b": "#1c3826",
    "c": "#40331a",
    "d": "#36264a",
}

_RULES: Final = """
    .paper { fill: var(--paper); } .land { fill: var(--land); } .grid { stroke: var(--land); fill: none; }
    .a { fill: var(--a); } .b { fill: var(--b); } .c { fill: var(--c); } .d { fill: var(--d); }
    .edged { stroke: var(--line); } .joint { stroke: var(--line); fill: none; stroke-width: 1.2; }
    .next { stroke: var(--two); fill: none; stroke-width: 2; stroke-dasharray: 6 4; } .tip { fill: var(--two); }
    .dot { fill: var(--one); } .ring { stroke: var(--one); fill: none; stroke-width: 2; }
    text { fill: var(--ink); font: 13px system-ui, sans-serif; } .soft { fill: var(--soft); }
    .head { font-weight: 600; } .title { font-size: 18px; font-weight: 600; }
    .halo { paint-order: stroke; stroke: var(--paper); stroke-width: 4px; stroke-linejoin: round; }
"""


def _style() -> str:
    light, dark = (" ".join(f"--{name}: {colour};" for name, colour in tones.items()) for tones in (LIGHT, DARK))
    return f"\n    svg {{ {light} }}\n    @media (prefers-color-scheme: dark) {{ svg {{ {dark} }} }}{_RULES}"


def document(width: int, height: int, title: str, elements: Iterable[str]) -> str:
    """A whole picture with its own background; `title` is also what is read out to those who do not see it."""
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
            f'height="{height}" role="img" aria-label={quoteattr(title)}>',
            f"  <title>{escape(title)}</title>",
            f"  <style>{_style()}  </style>",
            f'  <rect class="paper" width="{width}" height="{height}"/>',
            *(f"  {element}" for element in elements),
            "</svg>\n",
        ]
    )


def text(x: float, y: float, words: str, kind: str = "", *, anchor: str = "start") -> str:
    """Words at a point, which is their `anchor`: start, middle or end."""
    shown = f' class="{kind}"' if kind else ""
    placed = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text x="{number(x)}" y="{number(y)}"{shown}{placed}>{escape(words)}</text>'


def rectangle(x: float, y: float, width: float, height: float, kind: str) -> str:
    """A box with round corners."""
    size = f'width="{number(width)}" height="{number(height)}"'
    return f'<rect class="{kind}" x="{number(x)}" y="{number(y)}" {size} rx="6"/>'


def circle(center: Point, radius: float, kind: str) -> str:
    """A circle."""
    return f'<circle class="{kind}" cx="{number(center[0])}" cy="{number(center[1])}" r="{number(radius)}"/>'


def polygon(points: Sequence[Point], kind: str) -> str:
    """A filled shape."""
    return f'<polygon class="{kind}" points="{" ".join(map(pair, points))}"/>'


def line(points: Sequence[Point], kind: str) -> str:
    """A line through points."""
    return f'<polyline class="{kind}" points="{" ".join(map(pair, points))}"/>'


def pair(point: Point) -> str:
    """A point as SVG writes it."""
    return f"{number(point[0])},{number(point[1])}"


def number(value: float) -> str:
    """A number with one decimal at most, and no minus before a zero."""
    return f"{round(value, 1) + 0.0:g}"
