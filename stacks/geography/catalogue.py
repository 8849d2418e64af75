"""The cloud regions this project knows."""

from stacks.geography.places import CloudRegion

CATALOGUE: tuple[CloudRegion, ...] = ()
