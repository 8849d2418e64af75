"""Rules between matching and the services. Pure."""

from collections.abc import Iterator
from typing import Final

from components.services.settings import MATCHING_SERVICE
from stacks.settings.errors import Mistake
from stacks.settings.models import Settings


def the_source_has_addresses(settings: Settings) -> Iterator[Mistake]:
    """Network policies know no names, so the settings say where the model's source is."""
    matching = settings.matching
    if matching.enabled and not matching.source_networks:
        yield Mistake(
            path="matching.sourceNetworks",
            rule="must name the addresses of the model's source: network policies let the servers reach nothing else",
            remedy="write the ranges of a server of yours, or those that the source publishes",
            reads=("matching.enabled",),
        )


def the_service_has_matching(settings: Settings) -> Iterator[Mistake]:
    """A stack without matching has no service that needs it."""
    if settings.services.sacred_matching is not None and not settings.matching.enabled:
        yield Mistake(
            path=f"services.{MATCHING_SERVICE}",
            rule="has no effect without matching",
            remedy=f"write matching.enabled: true, or remove services.{MATCHING_SERVICE}",
            reads=("matching.enabled",),
        )


RULES: Final = (the_source_has_addresses, the_service_has_matching)
