"""Carbon of the electricity grids under the catalogue's regions.

Source: Electricity Maps, yearly averages of 2025, as republished in CO2.js 0.19 (electricity-maps/yearly_2025.json).
They are figures of the grid, not of a provider's purchases, so regions of different clouds compare. Which grid a region
draws from: Cloud Region Metadata of the Green Software Foundation (2021 to 2024), else the one grid of the country,
state or province it is in. The table of figures stays under the Open Database License.
"""

from dataclasses import dataclass
from typing import Final

SOURCE: Final = "Electricity Maps (ODbL)"
YEAR: Final = 2025


@dataclass(frozen=True, kw_only=True)
class Carbon:
    """Electricity of a grid over a year."""

    grid: str
    """Electricity Maps zone."""
    grams_per_kwh: int
    """CO2eq."""
    carbon_free: float
    """Share without carbon, 0 to 1."""
    year: int = YEAR
    source: str = SOURCE


_GRAMS_AND_CARBON_FREE_PERCENT: Final = {
    "AE": (348, 31),
    "AU-NSW": (525, 36),
    "BE": (180, 72),
    "BR-CS": (106, 88),
    "CA-ON": (111, 80),
    "CA-QC": (41, 97),
    "DE": (342, 64),
    "FI": (68, 95),
    "FR": (31, 96),
    "GB": (176, 70),
    "IE": (301, 50),
    "IL": (475, 14),
    "IN-WE": (653, 20),
    "JP-TK": (535, 19),
    "NL": (253, 58),
    "SE": (21, 100),
    "SG": (483, 5),
    "TW": (519, 15),
    "US-CAR-SC": (654, 25),
    "US-MIDA-PJM": (418, 39),
    "US-MIDW-MISO": (501, 36),
    "US-NW-BPAT": (129, 84),
    "ZA": (700, 15),
}


def carbon_of(grid: str) -> Carbon:
    """The figures of a grid, by its Electricity Maps zone. Raises KeyError if there are none."""
    grams, percent = _GRAMS_AND_CARBON_FREE_PERCENT[grid]
    return Carbon(grid=grid, grams_per_kwh=grams, carbon_free=percent / 100)
