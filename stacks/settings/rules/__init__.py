"""Rules between settings.

A rule is a function from settings to the mistakes that break it. Settings that a rule sees are always valid in
themselves: what is malformed has something else in its place, as `stacks.settings.filling` describes. So a rule says in
`Mistake.reads` which other settings a mistake follows from, and `stacks.settings.parsing` leaves out what follows from
malformed ones. Rules are pure.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from stacks.settings.errors import Mistake
from stacks.settings.models import Settings
from stacks.settings.rules import clouds, data_services, edge, gitops, offers, regions, services, streams
from stacks.settings.rules.webhook import broken_webhook_rules

Rule = Callable[[Settings], Iterator[Mistake]]

RULES: Final[tuple[Rule, ...]] = (
    *regions.RULES,
    *clouds.RULES,
    *offers.RULES,
    *data_services.RULES,
    *streams.RULES,
    *services.RULES,
    *edge.RULES,
    *gitops.RULES,
)


def broken_rules(settings: Settings, secrets: Mapping[str, str]) -> Iterator[Mistake]:
    """All mistakes between settings, and of the webhook in `secrets` (decrypted, by name)."""
    yield from broken_webhook_rules(settings, secrets)
    for rule in RULES:
        yield from rule(settings)
