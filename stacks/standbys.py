"""What the user is told of regions that take no new standby databases in another zone for now. Pure."""

from collections.abc import Iterator

from components import offers
from components.cluster.settings import AzureRegion
from stacks.managed_data_services import POSTGRESQL
from stacks.settings import Settings


def blocked(settings: Settings) -> Iterator[str]:
    """A warning for each such region. It is no mistake: what is blocked differs between subscriptions and changes."""
    if settings.database.engine != POSTGRESQL or settings.database.nodes == 1:
        return
    for region in settings.regions:
        if isinstance(region, AzureRegion) and offers.standby_in_another_zone("azure", region.name) == "blocked":
            yield (
                f"{region.name}: Azure says that for now it takes no new databases with a standby in another zone "
                "there (components/offers/regions.csv). If the deployment fails because of it, ask Azure's support "
                "to allow it for your subscription, choose another region, or write database.nodes: 1."
            )
