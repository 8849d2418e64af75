"""From plain values to checked settings. Pure."""

from collections.abc import Mapping

from stacks.settings.models import Settings


def parse(values: Mapping[str, object]) -> Settings:
    """The settings in `values` (as read from YAML, keys without the project); SettingsError with all mistakes."""
    return Settings.model_validate(dict(values))
