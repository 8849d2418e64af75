"""The text below the map: a legend, and a card for each region. Pure."""

import textwrap
from collections.abc import Iterator
from typing import Final

from components.cluster.settings import CLOUD_NAMES
from picture import svg
from picture.world import PEERINGS, Marker, World

_COLUMNS: Final = 3
_GAP: Final = 18
_LINE: Final = 19
_LETTERS: Final = 52
"""Longest line in a card, in letters."""
CLOUDS: Final = {**CLOUD_NAMES, "existing": "your own cluster"}


def legend(world: World, x: float, y: float) -> Iterator[str]:
    """Explain the points, lines and arrows that the map has."""
    for cloud in [one for one in CLOUDS if any(marker.cloud == one for marker in world.markers)]:
        yield svg.circle((x + 6, y - 4), 6, f"dot-{cloud}")
        yield svg.text(x + 18, y, CLOUDS[cloud], "soft")
        x += 44 + 7.3 * len(CLOUDS[cloud])
    if not _several(world):
        return
    cloud = next((one.cloud for one in world.markers if "primary region" in one.notes), "existing")
    yield svg.circle((x + 6, y - 4), 7, f"ring-{cloud}")
    yield svg.text(x + 20, y, "home of the database", "soft")
    yield svg.line([(x + 196, y - 4), (x + 224, y - 4)], "joint")
    yield svg.text(x + 232, y, f"peering: {', '.join(_peerings(world))}", "soft")
    x += 270 + 7.0 * len(f"peering: {', '.join(_peerings(world))}")
    yield svg.line([(x, y - 4), (x + 20, y - 4)], "next")
    yield svg.polygon([(x + 30, y - 4), (x + 19, y - 9), (x + 19, y + 1)], "tip")
    yield svg.text(x + 38, y, "takes over first", "soft")


def _several(world: World) -> bool:
    return any(one.peerings for one in world.markers)


def _peerings(world: World) -> list[str]:
    return [words for words in PEERINGS if any(words in marker.peerings for marker in world.markers)]


def cards(world: World, left: float, top: float, width: float) -> tuple[list[str], float]:
    """The cards of all regions, row by row, and the y coordinate where the last row ends."""
    wide = (width - _GAP * (_COLUMNS - 1)) / _COLUMNS
    drawn: list[str] = []
    for first in range(0, len(world.markers), _COLUMNS):
        row = world.markers[first : first + _COLUMNS]
        tall = max(len(_lines(one)) for one in row) * _LINE + 46
        for column, one in enumerate(row):
            drawn += _card(one, left + column * (wide + _GAP), top, wide, tall)
        top += tall + _GAP
    return drawn, top - _GAP


def _card(one: Marker, x: float, y: float, wide: float, tall: float) -> Iterator[str]:
    yield svg.rectangle(x, y, wide, tall, "card", corner=10)
    yield svg.circle((x + 21, y + 23), 6, f"dot-{one.cloud}")
    yield svg.text(x + 36, y + 28, one.name, "head")
    yield svg.text(x + wide - 16, y + 28, _place(one), "small", anchor="end")
    for line, (words, kind) in enumerate(_lines(one)):
        yield svg.text(x + 16, y + 53 + line * _LINE, words, kind)


def _place(one: Marker) -> str:
    return one.city if one.longitude is not None else "a cluster of yours"


def _lines(one: Marker) -> list[tuple[str, str]]:
    endpoints = [f"{one.endpoints} peer endpoints"] if one.endpoints else []
    gateways = [f"gateways: {' and '.join(one.gateways)}"] if one.gateways else []
    there = ", ".join([*gateways, *endpoints]) or "no gateway"
    order = f"If it fails: {', then '.join(one.failover)}." if one.failover else ""
    paragraphs = ((there, "text"), (", ".join(one.notes), "text"), (order, "soft"))
    # Never break a region's name at its hyphens.
    return [
        (line, kind) for words, kind in paragraphs for line in textwrap.wrap(words, _LETTERS, break_on_hyphens=False)
    ]
