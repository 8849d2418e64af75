"""The Sacred Council platform: load the settings, build the platform, export what a user needs."""

import pulumi

from stacks.platform import Platform, PlatformArgs
from stacks.settings import SECRETS, SettingsError, load, secret

config = pulumi.Config()
try:
    settings = load(config)
except SettingsError as error:
    raise pulumi.RunError(str(error)) from None

platform = Platform(
    "platform", PlatformArgs(settings=settings, secrets={name: secret(config, name) for name in SECRETS})
)

for name, value in platform.outputs.items():
    pulumi.export(name, value)
