"""The region's place, and its values on the map. Pure.

These series have a region label of their own, so one query serves both a single region and the view of all regions.
"""

from collections.abc import Sequence
from typing import Final

from components.context import RegionLabels
from components.monitoring.names import MonitoringTargets
from components.monitoring.rules.model import Recording

PLACE: Final = "region:place:info"
"""1, with the labels region, city, country, latitude and longitude."""
RESONANCE: Final = "region:field_resonance:avg"
INTENSITY: Final = "region:field_intensity:avg"
PARTICIPANTS: Final = "region:field_participants:sum"
REQUESTS: Final = "region:requests:rate5m"


def place_rules(targets: MonitoringTargets, labels: RegionLabels) -> Sequence[Recording]:
    """Record the region's place and its values on the map."""
    services = f'namespace="{targets.services}"'
    region = {"region": labels.region}
    place = {
        **region,
        "city": labels.city,
        "latitude": f"{labels.latitude:g}",
        "longitude": f"{labels.longitude:g}",
        **({"country": labels.country} if labels.country else {}),
    }
    values = {
        RESONANCE: f"avg(sacred_field_resonance_ratio{{{services}}})",
        INTENSITY: f"avg(sacred_field_intensity_ratio{{{services}}})",
        PARTICIPANTS: f"sum(sacred_field_participants{{{services}}})",
        **({REQUESTS: _requests(targets)} if targets.meshed else {}),
    }
    return [
        Recording(record=PLACE, expr="vector(1)", labels=place),
        *(Recording(record=record, expr=expr, labels=region) for record, expr in values.items()),
    ]


def _requests(targets: MonitoringTargets) -> str:
    arrived = f'reporter="destination",destination_service_namespace="{targets.services}"'
    return f"sum(rate(istio_requests_total{{{arrived}}}[5m]))"
