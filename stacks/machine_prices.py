"""What machines cost, for the dashboards of a region. Pure."""

from collections.abc import Mapping

from components import offers
from stacks.settings import Settings


def machine_prices(settings: Settings, name: str) -> Mapping[str, float]:
    """USD a month by type: what the table of prices has for region `name`, and what the settings say instead."""
    return {**offers.monthly_prices(settings.region(name).cloud, name), **settings.monitoring.machine_prices}
