"""Where land is, for the map. The data and their source: land.txt beside this file."""

from functools import cache
from pathlib import Path
from typing import Final

Outline = list[tuple[float, float]]
"""Points (longitude, latitude) around land; the last is the first."""

FILE: Final = Path(__file__).parent / "land.txt"


@cache
def outlines() -> list[Outline]:
    """All outlines."""
    lines = FILE.read_text().splitlines()
    return [[_point(pair) for pair in line.split()] for line in lines if not line.startswith("#")]


def _point(pair: str) -> tuple[float, float]:
    longitude, latitude = pair.split(",")
    return float(longitude), float(latitude)
