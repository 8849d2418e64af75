"""Places of regions, and the distance between two. Pure."""

import math
from dataclasses import dataclass
from typing import Final

EARTH_RADIUS_KM: Final = 6371.0
"""Mean radius of the earth (IUGG R1, rounded)."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """A point on earth, in degrees, and the time zone and languages of its people."""

    city: str
    latitude: float
    longitude: float
    time_zone: str
    """IANA name, such as `Europe/Brussels`."""
    languages: tuple[str, ...]
    """BCP 47 tags."""
    country: str | None = None
    """ISO 3166 code."""


def distance_km(one: Place, other: Place) -> float:
    """Great-circle distance in kilometres, by the haversine formula."""
    a, b = math.radians(one.latitude), math.radians(other.latitude)
    across = math.radians(other.longitude - one.longitude)
    half_chord = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(across / 2) ** 2
    return 2 * EARTH_RADIUS_KM * math.asin(min(1.0, math.sqrt(half_chord)))
