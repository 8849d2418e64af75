"""Rules about the replicas of the services and of the embedding servers. Pure."""

from collections.abc import Iterator
from typing import Final

from components.matching.settings import MatchingSettings
from components.services.settings import REPLICAS_TO_HALVE, ServiceSettings
from stacks.settings.errors import Mistake, shown
from stacks.settings.models import Settings


def replicas_are_in_order(settings: Settings) -> Iterator[Mistake]:
    """minReplicas is not above maxReplicas."""
    services = settings.services.by_name().items()
    bounded: dict[str, ServiceSettings | MatchingSettings] = {
        **{f"services.{name}": service for name, service in services},
        "matching": settings.matching,
    }
    for path, one in bounded.items():
        if one.min_replicas > one.max_replicas:
            yield Mistake(
                path=f"{path}.minReplicas",
                value=shown(one.min_replicas),
                rule=f"must not be above maxReplicas, which is {one.max_replicas}",
                remedy=f"write {one.max_replicas} or less, or raise maxReplicas",
                reads=(f"{path}.maxReplicas",),
            )


def nights_have_fewer_replicas(settings: Settings) -> Iterator[Mistake]:
    """A service that follows the sun has replicas to remove at night."""
    for name, service in settings.running_services.by_name().items():
        if service.follow_the_sun and service.min_replicas < REPLICAS_TO_HALVE:
            yield Mistake(
                path=f"services.{name}.followTheSun",
                value=shown(True),
                rule=f"has no effect with minReplicas {service.min_replicas}: two replicas remain at night",
                remedy=f"write minReplicas: {REPLICAS_TO_HALVE} or more, or remove followTheSun",
                reads=(f"services.{name}.minReplicas",),
            )


RULES: Final = (replicas_are_in_order, nights_have_fewer_replicas)
