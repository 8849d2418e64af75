"""`python -m picture.atlas land-50m.json`: make land.txt from the npm package world-atlas (TopoJSON).

The outlines leave out tiny islands and points that make no visible difference.
"""

import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from picture.land import FILE, Outline
from picture.svg import Point

_TOLERANCE: Final = 0.22
"""Largest error of an outline, in degrees."""
_SMALLEST: Final = 1.2
"""Smallest island that is kept, in square degrees."""
_EDGE: Final = 5.0
"""Degrees between points on the curved edge of the map."""
_HEAD: Final = """\
# Outlines of land: longitude,latitude in degrees, a ring a line. Lakes and borders are not shown.
# Source: Natural Earth, 1:50m land (naturalearthdata.com), public domain, as in the npm package world-atlas 2.0.2.
# Made by: python -m picture.atlas land-50m.json
"""


def main(path: str) -> None:
    """Write the outlines."""
    found = [kept for ring in rings(json.loads(Path(path).read_text())) if (kept := _kept(ring))]
    FILE.write_text(_HEAD + "".join(" ".join(f"{x:.1f},{y:.1f}" for x, y in ring) + "\n" for ring in found))


def rings(atlas: Mapping[str, Any]) -> Iterator[Outline]:
    """The coasts of an atlas, cut where the map ends."""
    arcs = [list(_arc(arc, **atlas["transform"])) for arc in atlas["arcs"]]
    for shape in atlas["objects"]["land"]["geometries"]:
        for polygon in shape["arcs"] if shape["type"] == "MultiPolygon" else [shape["arcs"]]:
            # The first ring is the coast; the others are inland seas.
            points: Outline = []
            for number in polygon[0]:
                part = arcs[number] if number >= 0 else arcs[~number][::-1]
                points += part[1:] if points else part
            yield from _cut(_unrolled(points))


def _unrolled(ring: Outline) -> Outline:
    """The same ring with continuous longitudes. A ring around a pole runs there and back along the edge."""
    points = [ring[0]]
    for longitude, latitude in ring[1:]:
        turns = round((points[-1][0] - longitude) / 360)
        points.append((longitude + 360 * turns, latitude))
    if abs(points[-1][0] - points[0][0]) > 1:
        pole = math.copysign(90.0, points[0][1])
        points += [(points[-1][0], pole), (points[0][0], pole), points[0]]
    return points


def _cut(ring: Outline) -> Iterator[Outline]:
    """The parts of a ring between -180 and 180 degrees."""
    for turn in (-1, 0, 1):
        moved = [(longitude + 360 * turn, latitude) for longitude, latitude in ring]
        part = _side(_side(moved, 1), -1)
        if part:
            yield [*part, part[0]] if part[0] != part[-1] else part


def _side(ring: Outline, sign: int) -> Outline:
    """The part of a ring on this side of the edge (Sutherland-Hodgman)."""
    edge, kept = 180.0 * sign, []
    for start, end in pairwise(ring):
        within, stays = (sign * (point[0] - edge) <= 0 for point in (start, end))
        if within:
            kept.append(start)
        if within != stays:
            share = (edge - start[0]) / (end[0] - start[0])
            kept.append((edge, start[1] + share * (end[1] - start[1])))
    return [*kept, kept[0]] if kept else []


def _arc(arc: Sequence[Sequence[int]], scale: Sequence[float], translate: Sequence[float]) -> Iterator[Point]:
    x = y = 0
    for across, along in arc:
        x, y = x + across, y + along
        yield x * scale[0] + translate[0], y * scale[1] + translate[1]


def _kept(ring: Outline) -> Outline:
    if _area(ring) < _SMALLEST:
        return []
    # The algorithm needs end points, so a ring is simplified in halves.
    half = max(range(len(ring)), key=lambda at: math.dist(ring[at], ring[0]))
    points = [*_simple(ring[: half + 1]), *_simple(ring[half:])[1:]]
    return [point for start, end in pairwise(points) for point in _along(start, end)] + points[-1:]


def _area(ring: Outline) -> float:
    """Apparent area, in square degrees at the equator."""
    return abs(
        sum((a[0] * b[1] - b[0] * a[1]) * math.cos(math.radians((a[1] + b[1]) / 2)) for a, b in pairwise(ring)) / 2
    )


def _simple(points: Outline) -> Outline:
    """The line without points that are nearly on it (Douglas-Peucker)."""
    if len(points) < 3:
        return points
    far = max(range(1, len(points) - 1), key=lambda at: _off(points[at], points[0], points[-1]))
    if _off(points[far], points[0], points[-1]) <= _TOLERANCE:
        return [points[0], points[-1]]
    return [*_simple(points[: far + 1]), *_simple(points[far:])[1:]]


def _off(point: Point, start: Point, end: Point) -> float:
    (x, y), (a, b) = (end[0] - start[0], end[1] - start[1]), (point[0] - start[0], point[1] - start[1])
    length = math.hypot(x, y)
    share = max(0.0, min(1.0, (a * x + b * y) / length**2)) if length else 0.0
    return math.hypot(a - share * x, b - share * y)


def _along(start: Point, end: Point) -> Iterator[Point]:
    on_the_edge = abs(start[0]) > 179.9 and abs(end[0]) > 179.9 and start[0] * end[0] > 0
    steps = max(1, round(abs(end[1] - start[1]) / _EDGE)) if on_the_edge else 1
    for step in range(steps):
        share = step / steps
        yield start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])


if __name__ == "__main__":
    main(sys.argv[1])
