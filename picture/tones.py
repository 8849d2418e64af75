"""The light and dark colours of each kind of element in a picture. Pure.

Light colours are plain attributes, which every renderer supports. Dark colours are in a style sheet for renderers that
support the reader's preference, such as browsers. Other renderers ignore it.
"""

from collections.abc import Mapping
from typing import Final

LIGHT: Final = {
    "paper": "#ffffff",
    "card": "#f6f8fb",
    "edge": "#dbe3ec",
    "ink": "#16202c",
    "soft": "#526071",
    "sea": "#e4eef8",
    "deep": "#cfe0f0",
    "grid": "#c3d5e6",
    "land": "#fbfcfa",
    "shore": "#a9bccd",
    "line": "#64758a",
    "next": "#c2185b",
    "gcp": "#1667c9",
    "aws": "#b45309",
    "azure": "#6d3fc0",
    "existing": "#0f766e",
    "a": "#e5effb",
    "b": "#e3f4ea",
    "c": "#fcf1dc",
    "d": "#f2e8fa",
    "a-bar": "#1667c9",
    "b-bar": "#1a7f4b",
    "c-bar": "#b45309",
    "d-bar": "#6d3fc0",
}
DARK: Final = {
    "paper": "#0e141b",
    "card": "#161e28",
    "edge": "#2a3644",
    "ink": "#e8eef5",
    "soft": "#a6b4c4",
    "sea": "#16273a",
    "deep": "#0f1c2b",
    "grid": "#23394f",
    "land": "#31404f",
    "shore": "#4a5d71",
    "line": "#8fa3b8",
    "next": "#ff7aa8",
    "gcp": "#74b4ff",
    "aws": "#ffb066",
    "azure": "#c3a2ff",
    "existing": "#5eead4",
    "a": "#182c45",
    "b": "#17352a",
    "c": "#3b2f18",
    "d": "#302248",
    "a-bar": "#74b4ff",
    "b-bar": "#5fd39b",
    "c-bar": "#ffb066",
    "d-bar": "#c3a2ff",
}
"""Has the same names as LIGHT."""

_PAINTS: Final = ("fill", "stroke", "stop-color")
KINDS: Final[Mapping[str, Mapping[str, str]]] = {
    "paper": {"fill": "paper"},
    "card": {"fill": "card", "stroke": "edge"},
    "sea": {"fill": "url(#sea)", "stroke": "shore"},
    "sea-middle": {"stop-color": "sea"},
    "sea-rim": {"stop-color": "deep"},
    "grid": {"fill": "none", "stroke": "grid", "stroke-width": "0.7"},
    "land": {"fill": "land", "stroke": "shore", "stroke-width": "0.7", "stroke-linejoin": "round"},
    "joint": {"fill": "none", "stroke": "line", "stroke-width": "1.2", "stroke-opacity": "0.55"},
    "next": {"fill": "none", "stroke": "next", "stroke-width": "2", "stroke-linecap": "round"},
    "tip": {"fill": "next"},
    "pill": {"fill": "paper", "fill-opacity": "0.92", "stroke": "edge"},
    "title": {"fill": "ink", "font-size": "26", "font-weight": "700"},
    "head": {"fill": "ink", "font-size": "14", "font-weight": "600"},
    "name": {"fill": "ink", "font-size": "12", "font-weight": "600"},
    "text": {"fill": "ink", "font-size": "13"},
    "soft": {"fill": "soft", "font-size": "13"},
    "small": {"fill": "soft", "font-size": "11"},
    **{
        f"dot-{cloud}": {"fill": cloud, "stroke": "paper", "stroke-width": "2"}
        for cloud in ("gcp", "aws", "azure", "existing")
    },
    **{f"glow-{cloud}": {"fill": cloud, "fill-opacity": "0.22"} for cloud in ("gcp", "aws", "azure", "existing")},
    **{
        f"ring-{cloud}": {"fill": "none", "stroke": cloud, "stroke-width": "2"}
        for cloud in ("gcp", "aws", "azure", "existing")
    },
    "column": {"fill": "card"},
    **{f"box-{tone}": {"fill": tone, "stroke": f"{tone}-bar", "stroke-opacity": "0.45"} for tone in "abcd"},
    **{f"bar-{tone}": {"fill": f"{tone}-bar"} for tone in "abcd"},
    **{
        f"wait-{tone}": {"fill": "none", "stroke": f"{tone}-bar", "stroke-width": "1.4", "stroke-opacity": "0.5"}
        for tone in "abcd"
    },
}
"""Attributes of each kind. A paint is the name of a colour here, or an SVG paint."""


def attributes(kind: str) -> str:
    """A kind's attributes, in light colours, and its name for the style sheet."""
    known = KINDS[kind].items()
    return f'class="{kind}" ' + " ".join(f'{name}="{_paint(name, value, LIGHT)}"' for name, value in known)


def dark_rules() -> str:
    """The style sheet: the same kinds in dark colours. A rule overrides an attribute."""
    rules = []
    for kind, known in KINDS.items():
        paints = [f"{name}: {DARK[value]};" for name, value in known.items() if name in _PAINTS and value in DARK]
        rules.append(f".{kind} {{ {' '.join(paints)} }}")
    return "\n".join(rules)


def _paint(name: str, value: str, colours: Mapping[str, str]) -> str:
    return colours.get(value, value) if name in _PAINTS else value
