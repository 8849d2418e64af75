"""The one reader of pulumi.Config."""

from typing import Final

import pulumi

from stacks.settings.models import Settings
from stacks.settings.parsing import parse

SECRETS: Final = ("cockroachdbLicense", "alertmanagerReceiver")
"""Keys that hold Pulumi secrets. They never enter `Settings`; read them with `secret`."""


def load(config: pulumi.Config) -> Settings:
    """The settings of the current stack; SettingsError with all mistakes."""
    values = {key: config.get_object(key) for key in _keys() if config.get(key) is not None and key != "stage"}
    return parse({"stage": config.get("stage"), **values})


def secret(config: pulumi.Config, name: str) -> pulumi.Output[str] | None:
    """The secret called `name` (one of `SECRETS`) as a secret output, or None when it is not set."""
    if name not in SECRETS:
        raise KeyError(name)
    return config.get_secret(name) if config.get(name) else None


def _keys() -> list[str]:
    return [field.alias or name for name, field in Settings.model_fields.items()]
