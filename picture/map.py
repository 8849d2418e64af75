"""The regions on a map of the world. Pure."""

import math
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Final

from picture import cards, labels, sphere, svg
from picture.land import outlines
from picture.svg import Point
from picture.world import Marker, World

_MARGIN: Final = 24
_TOP: Final = 92
_BOW: Final = 0.13
"""Distance of an arrow from the shortest way, as a share of its length."""
_TIP: Final = 12.0
_SHORT: Final = 9.0
"""Distance between the tip of an arrow and its point."""


def draw(world: World) -> str:
    """The picture as SVG."""
    below = _TOP + sphere.HEIGHT + 44
    drawn, end = cards.cards(world, _MARGIN, below + 24, sphere.WIDTH)
    return svg.document(
        int(sphere.WIDTH) + 2 * _MARGIN,
        int(end) + _MARGIN,
        f"Regions of the stack {world.stack}",
        [
            svg.text(_MARGIN, 44, f"Sacred Council, stack {world.stack}", "title"),
            svg.text(_MARGIN, 70, _summary(world), "soft"),
            f'<g transform="translate({_MARGIN},{_TOP})">',
            *_map(world),
            "</g>",
            *cards.legend(world, _MARGIN, below),
            *drawn,
        ],
    )


def _summary(world: World) -> str:
    number = sum(one.home is None for one in world.markers)
    sites = len(world.markers) - number
    regions = "one region" if number == 1 else f"{number} regions"
    clouds = len({one.cloud for one in world.markers if one.home is None})
    where = f" on {clouds} clouds" if clouds > 1 else ""
    cdn = "straight" if world.cdn == "none" else f"through the CDN of {cards.CLOUDS[world.cdn]}"
    beside = f" with {sites} edge site{'s' if sites > 1 else ''}" if sites else ""
    return f"{regions.capitalize()}{where}{beside}, stage {world.stage}. Users come {cdn} to the public gateways."


def _map(world: World) -> Iterator[str]:
    yield svg.polygon(sphere.edge(), "sea")
    yield from _grid()
    yield svg.path(svg.shape([[sphere.project(*point) for point in one] for one in outlines()]), "land")
    yield from _joints(world)
    yield from _arrows(world)
    yield from _points(world)
    yield from _names(world)


def _grid() -> Iterator[str]:
    for longitude in range(-150, 180, 30):
        yield svg.line([sphere.project(longitude, latitude) for latitude in range(-90, 91, 5)], "grid")
    for latitude in range(-60, 90, 30):
        yield svg.line([sphere.project(-180, latitude), sphere.project(180, latitude)], "grid")


def _placed(world: World) -> dict[str, tuple[Marker, Point]]:
    return {
        one.name: (one, (one.longitude, one.latitude))
        for one in world.markers
        if one.longitude is not None and one.latitude is not None
    }


def _joints(world: World) -> Iterator[str]:
    for (one, start), (other, end) in combinations(_placed(world).values(), 2):
        if set(one.peerings) & set(other.peerings) or one.home == other.name or other.home == one.name:
            yield from (svg.line(way, "joint") for way in sphere.ways(start, end))


def _arrows(world: World) -> Iterator[str]:
    """An arrow from each region to the one that takes over first."""
    for *first, last in _takeovers(world):
        short = _shortened(last, _SHORT + _TIP - 2)
        yield from (svg.line(way, "next") for way in [*first, short])
        yield _tip(short[-1], _shortened(last, _SHORT)[-1])


def _takeovers(world: World) -> Iterator[list[list[Point]]]:
    placed = _placed(world)
    for one, place in placed.values():
        if one.failover and "mesh" in one.peerings and one.failover[0] in placed:
            yield sphere.ways(place, placed[one.failover[0]][1], _BOW)


def _shortened(way: Sequence[Point], by: float) -> list[Point]:
    """The way without its last part of length `by`."""
    end = way[-1]
    kept = [point for point in way if math.dist(point, end) > by] or [way[0]]
    beyond = way[len(kept)] if len(kept) < len(way) else end
    inner, outer = math.dist(beyond, end), math.dist(kept[-1], end)
    share = (outer - by) / (outer - inner) if outer > by and outer > inner else 0.0
    return [*kept, _part(kept[-1], beyond, share)]


def _part(start: Point, end: Point, share: float) -> Point:
    return start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])


def _tip(start: Point, end: Point) -> str:
    across, along = end[0] - start[0], end[1] - start[1]
    length = math.hypot(across, along) or 1.0
    x, y = across / length, along / length
    back = (end[0] - _TIP * x, end[1] - _TIP * y)
    return svg.polygon([end, (back[0] - 5.5 * y, back[1] + 5.5 * x), (back[0] + 5.5 * y, back[1] - 5.5 * x)], "tip")


def _points(world: World) -> Iterator[str]:
    for one, place in _placed(world).values():
        at = sphere.project(*place)
        yield svg.circle(at, 15, f"glow-{one.cloud}")
        if "primary region" in one.notes:
            yield svg.circle(at, 11, f"ring-{one.cloud}")
        yield svg.circle(at, 6.5, f"dot-{one.cloud}")


def _names(world: World) -> Iterator[str]:
    points = [(one.name, sphere.project(*place)) for one, place in _placed(world).values()]
    frame = (0.0, 0.0, sphere.WIDTH, sphere.HEIGHT)
    arrows = [point for ways in _takeovers(world) for way in ways for point in way]
    for (name, _), (left, top, right, bottom) in zip(points, labels.places(points, arrows, frame), strict=True):
        yield svg.rectangle(left, top, right - left, bottom - top, "pill", corner=labels.HEIGHT / 2)
        yield svg.text((left + right) / 2, bottom - 5.8, name, "name", anchor="middle")
    nowhere = [one.name for one in world.markers if one.longitude is None]
    if nowhere:
        words = f"{', '.join(nowhere)}: wherever your cluster is"
        wide = labels.width(words)
        yield svg.rectangle((sphere.WIDTH - wide) / 2, sphere.HEIGHT * 0.455, wide, 24, "pill", corner=12)
        yield svg.text(sphere.WIDTH / 2, sphere.HEIGHT * 0.455 + 16.5, words, "name", anchor="middle")
