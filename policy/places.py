"""Where a resource is: the cloud region, from the resource or from its provider. Pure."""

import re
from typing import Any, Final

from policy.values import Props, at

CLOUDS: Final = ("gcp", "aws", "azure-native")
GLOBAL: Final = "global"
_ZONE: Final = re.compile(r"([a-z]+-[a-z]+[0-9]+)-[a-z]")


def location(kind: str, props: Props, provider: Props) -> str | None:
    """The cloud region of a resource of type `kind`; None if it has none or the region is not known yet."""
    if kind.partition(":")[0] not in CLOUDS:
        return None
    own = (at(props, key) for key in ("location", "region", "zone"))
    place: Any = next((one for one in own if isinstance(one, str)), None)
    if place is None and kind.startswith("aws:"):
        place = at(provider, "region")
    return normal(place) if isinstance(place, str) else None


def normal(place: str) -> str:
    """A region as the catalogue writes it: `South Africa North` is southafricanorth, us-central1-a is us-central1."""
    plain = place.replace(" ", "").lower()
    zone = _ZONE.fullmatch(plain)
    return zone[1] if zone else plain
