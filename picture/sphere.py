"""From the earth to the paper: positions, and the shortest way between two. Pure."""

import math
from collections.abc import Sequence
from typing import Final

from picture.svg import Point

WIDTH: Final = 1080.0
"""Of the map: three units a degree."""
NORTH, SOUTH = 78.0, -58.0
HEIGHT: Final = (NORTH - SOUTH) * WIDTH / 360
_STEPS: Final = 32

Vector = tuple[float, float, float]


def project(longitude: float, latitude: float) -> Point:
    """The point on the map, whose upper left corner is 0,0. Points beyond its edges lie beyond them."""
    return (longitude + 180) * WIDTH / 360, (NORTH - latitude) * WIDTH / 360


def ways(start: Point, end: Point) -> list[list[Point]]:
    """The shortest way between two places (longitude, latitude), as lines on the map.

    There are two lines where the way leaves the map on one side and comes back on the other: clip them to the map.
    """
    points = _unrolled([_place(_between(_vector(*start), _vector(*end), step / _STEPS)) for step in range(_STEPS + 1)])
    drawn = [project(*point) for point in points]
    return [drawn, *(_moved(drawn, turn * WIDTH) for turn in (-1, 1) if _shows(drawn, turn * WIDTH))]


def _shows(points: Sequence[Point], shift: float) -> bool:
    return any(0 <= x + shift <= WIDTH for x, _ in points)


def _moved(points: Sequence[Point], shift: float) -> list[Point]:
    return [(x + shift, y) for x, y in points]


def _unrolled(points: Sequence[Point]) -> list[Point]:
    """The same points with longitudes that do not jump."""
    found = [points[0]]
    for longitude, latitude in points[1:]:
        turns = round((found[-1][0] - longitude) / 360)
        found.append((longitude + 360 * turns, latitude))
    return found


def _vector(longitude: float, latitude: float) -> Vector:
    a, b = math.radians(longitude), math.radians(latitude)
    return math.cos(b) * math.cos(a), math.cos(b) * math.sin(a), math.sin(b)


def _place(vector: Vector) -> Point:
    x, y, z = vector
    return math.degrees(math.atan2(y, x)), math.degrees(math.atan2(z, math.hypot(x, y)))


def _between(one: Vector, other: Vector, share: float) -> Vector:
    angle = math.acos(min(1.0, max(-1.0, sum(a * b for a, b in zip(one, other, strict=True)))))
    if math.sin(angle) < 1e-9:
        return one
    a, b = math.sin((1 - share) * angle) / math.sin(angle), math.sin(share * angle) / math.sin(angle)
    return one[0] * a + other[0] * b, one[1] * a + other[1] * b, one[2] * a + other[2] * b
