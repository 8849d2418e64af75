"""The regions on a map of the world. Pure."""

import textwrap
from collections.abc import Iterator
from itertools import combinations
from typing import Final

from picture import sphere, svg
from picture.land import outlines
from picture.svg import Point
from picture.world import Marker, World

_MARGIN: Final = 20
_TOP: Final = 60
_ROW: Final = 22
_LETTERS: Final = 140
"""Of a line below the map."""
_COLUMNS: Final = (("Region", 0), ("Place", 170), ("Gateways and doors", 400), ("Also there", 620))
_FAR: Final = 40
"""Half the height of an arrow's bow, at most."""


def draw(world: World) -> str:
    """The picture as SVG."""
    below = _TOP + sphere.HEIGHT + 40
    told = below + (1.6 + sum(1 + len(_order(one)) for one in world.markers)) * _ROW
    legend = [svg.text(_MARGIN, told + row * _ROW, words, "soft") for row, words in enumerate(_legend(world))]
    title = f"Stack {world.stack}: {_count(world)}, stage {world.stage}"
    return svg.document(
        int(sphere.WIDTH) + 2 * _MARGIN,
        int(told + len(legend) * _ROW),
        f"Regions of the stack {world.stack}",
        [svg.text(_MARGIN, 34, title, "title"), *_map(world), *_table(world, below), *legend],
    )


def _map(world: World) -> Iterator[str]:
    size = f'width="{svg.number(sphere.WIDTH)}" height="{svg.number(sphere.HEIGHT)}"'
    yield f'<clipPath id="map"><rect {size}/></clipPath>'
    yield f'<g transform="translate({_MARGIN},{_TOP})"><g clip-path="url(#map)">'
    yield from _earth()
    yield from _joints(world)
    yield from _arrows(world)
    yield "</g>"
    yield from _points(world)
    yield "</g>"


def _count(world: World) -> str:
    return "one region" if len(world.markers) == 1 else f"{len(world.markers)} regions"


def _earth() -> Iterator[str]:
    for longitude in range(-180, 181, 30):
        yield svg.line([sphere.project(longitude, sphere.NORTH), sphere.project(longitude, sphere.SOUTH)], "grid")
    for latitude in range(-30, 61, 30):
        yield svg.line([sphere.project(-180, latitude), sphere.project(180, latitude)], "grid")
    for outline in outlines():
        yield svg.polygon([sphere.project(*point) for point in outline], "land")


def _placed(world: World) -> dict[str, tuple[Marker, Point]]:
    return {
        one.name: (one, (one.longitude, one.latitude))
        for one in world.markers
        if one.longitude is not None and one.latitude is not None
    }


def _joints(world: World) -> Iterator[str]:
    for (one, start), (other, end) in combinations(_placed(world).values(), 2):
        if set(one.joined) & set(other.joined):
            yield from (svg.line(way, "joint") for way in sphere.ways(start, end))


def _arrows(world: World) -> Iterator[str]:
    """From each region to the one that takes over first."""
    placed = _placed(world)
    for one, place in placed.values():
        if one.failover and "mesh" in one.joined and one.failover[0] in placed:
            end = sphere.project(*placed[one.failover[0]][1])
            yield from _arrow(sphere.project(*place), end)


def _arrow(start: Point, end: Point) -> Iterator[str]:
    # The shorter way around; its copy on the other side of the map is clipped to what shows.
    turn = round((start[0] - end[0]) / sphere.WIDTH) * sphere.WIDTH
    for shift in {0.0, -turn}:
        a, b = (start[0] + shift, start[1]), (end[0] + turn + shift, end[1])
        across, along = b[0] - a[0], b[1] - a[1]
        length = (across**2 + along**2) ** 0.5 or 1.0
        bow = min(_FAR, length / 5)
        middle = ((a[0] + b[0]) / 2 + along / length * bow, (a[1] + b[1]) / 2 - across / length * bow)
        yield f'<path class="next" d="M{svg.pair(a)} Q{svg.pair(middle)} {svg.pair(b)}"/>'
        yield _tip(middle, b)


def _tip(start: Point, end: Point) -> str:
    across, along = end[0] - start[0], end[1] - start[1]
    length = (across**2 + along**2) ** 0.5 or 1.0
    x, y = across / length, along / length
    top = (end[0] - 7 * x, end[1] - 7 * y)
    back = (top[0] - 11 * x, top[1] - 11 * y)
    return svg.polygon([top, (back[0] - 5 * y, back[1] + 5 * x), (back[0] + 5 * y, back[1] - 5 * x)], "tip")


def _points(world: World) -> Iterator[str]:
    taken: list[Point] = []
    for one, place in _placed(world).values():
        at = sphere.project(*place)
        yield svg.circle(at, 5, "dot")
        if "founder" in one.notes:
            yield svg.circle(at, 9, "ring")
        label = _free(at, taken)
        taken.append(label)
        yield svg.text(*label, one.name, "head halo", anchor="start" if label[0] > at[0] else "end")


def _free(at: Point, taken: list[Point]) -> Point:
    """Where a label meets no other: to the right of its point, else to the left or a little lower."""
    side = 12 if at[0] < sphere.WIDTH - 140 else -12
    spots = [(at[0] + side, at[1] + 5 + 16 * step) for step in range(8)]
    return next(
        (spot for spot in spots if all(abs(spot[1] - y) > 15 or abs(spot[0] - x) > 140 for x, y in taken)), spots[0]
    )


def _table(world: World, top: float) -> Iterator[str]:
    for title, x in _COLUMNS:
        yield svg.text(_MARGIN + x, top, title, "head")
    line = 1
    for one in world.markers:
        for (_, x), words in zip(_COLUMNS, _row(one), strict=True):
            yield svg.text(_MARGIN + x, top + line * _ROW, words)
        for words in _order(one):
            line += 1
            yield svg.text(_MARGIN + _COLUMNS[1][1], top + line * _ROW - 4, words, "soft")
        line += 1


def _row(one: Marker) -> tuple[str, ...]:
    place = f"{one.city} ({one.cloud})" if one.longitude is not None else "a cluster of yours"
    ways = [*one.gateways, *([f"{one.doors} doors"] if one.doors else [])]
    return one.name, place, ", ".join(ways) or "none", ", ".join(one.notes)


def _order(one: Marker) -> list[str]:
    """The lines that say who takes over."""
    return textwrap.wrap(f"If it fails: {', then '.join(one.failover)}.", _LETTERS) if one.failover else []


def _legend(world: World) -> Iterator[str]:
    joined = [
        words for words in ("database", "messaging", "metrics", "mesh") if any(words in m.joined for m in world.markers)
    ]
    if joined:
        yield f"Lines: every region with every other ({', '.join(joined)}). Ring: where the database is at home."
        yield "Arrows: the region that takes over first. The whole order is below each region."
    else:
        yield "One region: nothing joins it to others, and nothing takes over."
    cdn = "no CDN" if world.cdn == "none" else f"the CDN of {world.cdn} is in front of all regions"
    yield f"Users come to the public gateways; {cdn}."
