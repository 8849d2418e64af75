"""Warnings about regions that currently accept no new standby databases in another zone. Pure."""

from collections.abc import Iterator

from components import offers
from components.cluster.settings import AzureRegion
from stacks.data_services import managed
from stacks.settings import Settings


def blocked(settings: Settings) -> Iterator[str]:
    """A warning for each such region. Not a mistake: the restriction differs between subscriptions and over time."""
    if "database" not in managed(settings) or settings.database.nodes == 1:
        return
    for region in settings.regions:
        if isinstance(region, AzureRegion) and offers.standby_in_another_zone("azure", region.name) == "blocked":
            yield (
                f"{region.name}: Azure currently accepts no new databases with a standby in another zone there "
                "(components/offers/regions.csv). If the deployment fails for this reason, ask Azure support to "
                "allow it for your subscription, choose another region, or write database.nodes: 1."
            )
