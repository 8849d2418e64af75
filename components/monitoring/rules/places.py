"""Where the region is, and what a map shows of it. Pure: no resources.

These series carry their region themselves, so that one query serves a region alone and the view of all regions.
"""

from collections.abc import Sequence
from typing import Final

from components.monitoring.names import Here, Watched
from components.monitoring.rules.model import Recording

PLACE: Final = "region:place:info"
"""1, with the labels region, city, country, latitude and longitude."""
RESONANCE: Final = "region:field_resonance:avg"
INTENSITY: Final = "region:field_intensity:avg"
PARTICIPANTS: Final = "region:field_participants:sum"
REQUESTS: Final = "region:requests:rate5m"


def place_rules(watched: Watched, here: Here) -> Sequence[Recording]:
    """The region's place and its values on the map."""
    services = f'namespace="{watched.services}"'
    region = {"region": here.region}
    place = {
        **region,
        "city": here.city,
        "latitude": f"{here.latitude:g}",
        "longitude": f"{here.longitude:g}",
        **({"country": here.country} if here.country else {}),
    }
    values = {
        RESONANCE: f"avg(sacred_field_resonance_ratio{{{services}}})",
        INTENSITY: f"avg(sacred_field_intensity_ratio{{{services}}})",
        PARTICIPANTS: f"sum(sacred_field_participants{{{services}}})",
        **({REQUESTS: _requests(watched)} if watched.meshed else {}),
    }
    return [
        Recording(record=PLACE, expr="vector(1)", labels=place),
        *(Recording(record=record, expr=expr, labels=region) for record, expr in values.items()),
    ]


def _requests(watched: Watched) -> str:
    arrived = f'reporter="destination",destination_service_namespace="{watched.services}"'
    return f"sum(rate(istio_requests_total{{{arrived}}}[5m]))"
