"""Warnings about a ledger with few validators. Pure."""

from collections.abc import Iterator
from typing import Final

from stacks.settings import Settings

PAGE: Final = "docs/ledger.md#how-many-validators"


def validators(settings: Settings) -> int:
    """The validators of all regions together; 0 without a ledger."""
    return settings.ledger.validators * len(settings.regions) if settings.ledger.enabled else 0


def outlived(number: int) -> int:
    """How many of so many validators may lie or die: more than two thirds of the votes decide."""
    return max(0, number - 1) // 3


def weak(settings: Settings) -> Iterator[str]:
    """A warning if the ledger outlives no validator, or not the loss of a region. Not a mistake: it may be wanted."""
    number = validators(settings)
    if number == 0:
        return
    if outlived(number) == 0:
        yield (
            f"ledger: the {number} validator(s) of all regions do not outlive one that lies or dies: nothing is "
            f"written until it is back. Four or more outlive one ({PAGE})."
        )
    elif len(settings.regions) > 1 and settings.ledger.validators > outlived(number):
        yield (
            f"ledger: the {number} validators of all regions outlive {outlived(number)} that lie or die, and each "
            f"region has {settings.ledger.validators}: nothing is written while a region is lost. Four or more regions "
            f"outlive one ({PAGE})."
        )
