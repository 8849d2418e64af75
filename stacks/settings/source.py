"""Reads pulumi.Config; no other module does."""

import json
from collections.abc import Iterator, Mapping

import pulumi
from pulumi.runtime import config as runtime_config

from stacks.settings.errors import Mistake, SettingsError, path_of
from stacks.settings.models import SECRETS, Settings
from stacks.settings.parsing import check
from stacks.settings.rules.webhook import URL


def load(config: pulumi.Config) -> Settings:
    """The settings of the current stack. Raises SettingsError with all mistakes and without any secret."""
    given = _given(config.name)
    hidden = {key for key in given if key not in SECRETS and _is_secret(config.full_key(key))}
    values = {key: _plain(key, text) for key, text in given.items() if key not in hidden and key not in SECRETS}
    # An unencrypted address is reported as a mistake, but counts as present.
    secrets = {
        key: text for key, text in given.items() if key in SECRETS and (key == URL or _is_secret(config.full_key(key)))
    }
    settings, mistakes = check(values, hidden=hidden, secrets=secrets)
    mistakes = [*_hidden_settings(hidden), *_open_secrets(config, given), *mistakes]
    if settings is None or mistakes:
        raise SettingsError(mistakes)
    return settings


def secret(config: pulumi.Config, name: str) -> pulumi.Output[str] | None:
    """The secret `name` as a secret output; None if not set. Raises KeyError unless `name` is in `SECRETS`."""
    if name not in SECRETS:
        raise KeyError(name)
    return config.get_secret(name) if config.get(name) else None


def _given(namespace: str) -> dict[str, str]:
    everything: Mapping[str, str] = runtime_config.CONFIG.get() or runtime_config.get_config_env()
    prefix = f"{namespace}:"
    return {key.removeprefix(prefix): text for key, text in everything.items() if key.startswith(prefix) and text != ""}


def _is_secret(full_key: str) -> bool:
    return runtime_config.is_config_secret(full_key) or full_key in runtime_config.get_config_secret_keys_env()


def _plain(key: str, text: str) -> object:
    # The engine passes maps and lists as JSON, and text unquoted.
    if key == "stage":
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _hidden_settings(keys: set[str]) -> Iterator[Mistake]:
    for key in sorted(keys):
        yield Mistake(
            path=path_of(key),
            rule="is encrypted, but resources contain settings in plain text",
            remedy=f"`pulumi config rm {key}`, then set it again without --secret",
        )


def _open_secrets(config: pulumi.Config, given: Mapping[str, str]) -> Iterator[Mistake]:
    for key in SECRETS:
        if key in given and not _is_secret(config.full_key(key)):
            yield Mistake(
                path=path_of(key),
                rule="is a secret and must be encrypted",
                remedy=f"replace it: `pulumi config set --secret {key}`",
            )
