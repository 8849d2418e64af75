"""Where regions are: a catalogue of cloud regions by name, and great-circle distances. Pure."""

from typing import Final

from stacks.geography.carbon import Carbon
from stacks.geography.catalogue import CATALOGUE, FIRST_FREE_SLOT, CloudRegion
from stacks.geography.places import Place, distance_km

__all__ = ["CATALOGUE", "FIRST_FREE_SLOT", "NOWHERE", "Carbon", "CloudRegion", "Place", "distance_km", "lookup"]

NOWHERE: Final = Place(city="unknown", latitude=0.0, longitude=0.0, time_zone="Etc/UTC", languages=("en",))
"""Place of a stack's only region if its settings have none. No distance depends on it."""

_BY_NAME: Final = {region.name: region for region in CATALOGUE}


def lookup(name: str) -> CloudRegion | None:
    """The cloud region called `name`; None if the catalogue does not have it."""
    return _BY_NAME.get(name)
