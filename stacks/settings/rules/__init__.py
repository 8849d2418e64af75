"""Rules between settings.

A rule is a pure function from settings to mistakes. Each setting that it sees is valid by itself, because
`stacks.settings.filling` has replaced malformed ones. So a rule names in `Mistake.reads` the other settings that a
mistake follows from, and `stacks.settings.parsing` drops mistakes that follow from malformed settings.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from stacks.settings.errors import Mistake
from stacks.settings.models import Settings
from stacks.settings.rules import (
    circles,
    clouds,
    data_services,
    edge,
    gitops,
    ledger,
    matching,
    messaging,
    offers,
    regions,
    scaling,
    services,
    sites,
    streaming,
)
from stacks.settings.rules.webhook import broken_webhook_rules

Rule = Callable[[Settings], Iterator[Mistake]]

RULES: Final[tuple[Rule, ...]] = (
    *regions.RULES,
    *clouds.RULES,
    *offers.RULES,
    *data_services.RULES,
    *messaging.RULES,
    *matching.RULES,
    *ledger.RULES,
    *circles.RULES,
    *streaming.RULES,
    *services.RULES,
    *scaling.RULES,
    *edge.RULES,
    *gitops.RULES,
    *sites.RULES,
)


def broken_rules(settings: Settings, secrets: Mapping[str, str]) -> Iterator[Mistake]:
    """All mistakes between settings, and in the webhook's `secrets` (decrypted, by name)."""
    yield from broken_webhook_rules(settings, secrets)
    for rule in RULES:
        yield from rule(settings)
