"""What is known of a place where regions can be, and the distance between two. Pure."""

import math
from dataclasses import dataclass
from typing import Final

EARTH_RADIUS_KM: Final = 6371.0
"""Mean radius of the earth (IUGG R1, rounded)."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """A point on earth and what people there use: IANA time zone, BCP 47 languages, ISO 3166 country (or None)."""

    city: str
    latitude: float
    longitude: float
    time_zone: str
    languages: tuple[str, ...]
    country: str | None = None


def distance_km(one: Place, other: Place) -> float:
    """Great-circle distance in kilometres, by the haversine formula."""
    a, b = math.radians(one.latitude), math.radians(other.latitude)
    across = math.radians(other.longitude - one.longitude)
    half_chord = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(across / 2) ** 2
    return 2 * EARTH_RADIUS_KM * math.asin(min(1.0, math.sqrt(half_chord)))
