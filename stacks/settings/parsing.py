"""Parses plain values into checked settings, and reports all mistakes at once. Pure."""

from collections.abc import Collection, Mapping

from stacks.settings.errors import Mistake, SettingsError, path_of
from stacks.settings.filling import fill, validated
from stacks.settings.inheritance import inherit
from stacks.settings.malformed import described, path_in
from stacks.settings.models import Settings
from stacks.settings.rules import broken_rules


def parse(values: Mapping[str, object]) -> Settings:
    """The settings in `values` (from YAML, keys without the project). Raises SettingsError with all mistakes."""
    settings, mistakes = check(values)
    if settings is None or mistakes:
        raise SettingsError(mistakes)
    return settings


def check(
    values: Mapping[str, object], *, hidden: Collection[str] = (), secrets: Mapping[str, str] | None = None
) -> tuple[Settings | None, list[Mistake]]:
    """The settings (None if some are malformed) and all mistakes.

    `hidden` keys are missing from the values, and no mistake mentions them. `secrets` are decrypted, by name.
    """
    inherited = inherit(values)
    settings, errors = validated(inherited.values)
    mistakes = [
        described(error)
        for error in errors
        # A mistake in inherited settings is reported once, at the cloud.
        if error["loc"][0] not in hidden and path_in(error)[1:3] not in inherited.taken
    ]
    filled = fill(inherited.values, errors)
    malformed = {path_of(*path) for path in filled.replaced} | set(hidden)
    complete = settings or filled.settings
    if complete is not None:
        broken = broken_rules(complete, secrets or {})
        mistakes += [mistake for mistake in broken if not any(map(mistake.follows_from, malformed))]
    return settings, mistakes
