"""Projects the earth onto the map: positions, and the shortest way between two. Pure.

The map is in the Equal Earth projection (Šavrič, Patterson, Jenny, 2018): areas are true.
"""

import math
from collections.abc import Sequence
from typing import Final

from picture.svg import Point

WIDTH: Final = 1152.0
"""Width of the map at the equator."""
_TERMS: Final = (1.340264, -0.081106, 0.000893, 0.003796)
_SLANT: Final = math.sqrt(3) / 2
_STEPS: Final = 48

Vector = tuple[float, float, float]


def _plane(longitude: float, latitude: float) -> Point:
    one, two, three, four = _TERMS
    slant = math.asin(_SLANT * math.sin(math.radians(latitude)))
    square = slant * slant
    stretch = one + 3 * two * square + square**3 * (7 * three + 9 * four * square)
    x = math.radians(longitude) * math.cos(slant) / (_SLANT * stretch)
    return x, slant * (one + two * square + square**3 * (three + four * square))


_SCALE: Final = WIDTH / 2 / _plane(180, 0)[0]
HEIGHT: Final = 2 * _plane(0, 90)[1] * _SCALE


def project(longitude: float, latitude: float) -> Point:
    """The point on the map. The upper left corner is (0, 0)."""
    x, y = _plane(longitude, latitude)
    return WIDTH / 2 + x * _SCALE, HEIGHT / 2 - y * _SCALE


def edge() -> list[Point]:
    """The outline of the whole earth on the map."""
    latitudes = range(-90, 91, 3)
    return [*(project(180, one) for one in latitudes), *(project(-180, one) for one in reversed(latitudes))]


def ways(start: Point, end: Point, bow: float = 0.0) -> list[list[Point]]:
    """The shortest way between two places (longitude, latitude), as lines on the map.

    If the way leaves the map on one side and returns on the other, the result has two lines. A `bow` moves the way to
    the left by that share of its length, so that the ways there and back differ.
    """
    one, other = _vector(*start), _vector(*end)
    aside = _scaled(_across(one, other), bow * _angle(one, other))
    places = []
    for step in range(_STEPS + 1):
        share = step / _STEPS
        places.append(_place(_sum(_between(one, other, share), _scaled(aside, math.sin(math.pi * share)))))
    return [[project(*place) for place in line] for line in _cut(places)]


def _cut(places: Sequence[Point]) -> list[list[Point]]:
    """The same places, split into lines that do not leave the map."""
    lines = [[places[0]]]
    for longitude, latitude in places[1:]:
        before, at = lines[-1][-1]
        if abs(longitude - before) > 180:
            side = math.copysign(180.0, before)
            beyond = longitude + 2 * side
            share = (side - before) / (beyond - before)
            cut = at + share * (latitude - at)
            lines[-1].append((side, cut))
            lines.append([(-side, cut)])
        lines[-1].append((longitude, latitude))
    return lines


def _vector(longitude: float, latitude: float) -> Vector:
    a, b = math.radians(longitude), math.radians(latitude)
    return math.cos(b) * math.cos(a), math.cos(b) * math.sin(a), math.sin(b)


def _place(vector: Vector) -> Point:
    x, y, z = vector
    return math.degrees(math.atan2(y, x)), math.degrees(math.atan2(z, math.hypot(x, y)))


def _angle(one: Vector, other: Vector) -> float:
    return math.acos(min(1.0, max(-1.0, sum(a * b for a, b in zip(one, other, strict=True)))))


def _between(one: Vector, other: Vector, share: float) -> Vector:
    angle = _angle(one, other)
    if math.sin(angle) < 1e-9:
        return one
    a, b = math.sin((1 - share) * angle) / math.sin(angle), math.sin(share * angle) / math.sin(angle)
    return _sum(_scaled(one, a), _scaled(other, b))


def _across(one: Vector, other: Vector) -> Vector:
    """Unit vector to the left of the way from one to the other; zero if they coincide."""
    x = one[1] * other[2] - one[2] * other[1]
    y = one[2] * other[0] - one[0] * other[2]
    z = one[0] * other[1] - one[1] * other[0]
    length = math.sqrt(x * x + y * y + z * z)
    return _scaled((x, y, z), 1 / length) if length > 1e-9 else (0.0, 0.0, 0.0)


def _sum(one: Vector, other: Vector) -> Vector:
    return one[0] + other[0], one[1] + other[1], one[2] + other[2]


def _scaled(vector: Vector, factor: float) -> Vector:
    return vector[0] * factor, vector[1] * factor, vector[2] * factor
