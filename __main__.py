"""The Sacred Council platform: load the settings, build the platform, export what a user needs."""

import gc

import pulumi

from stacks.platform import Platform
from stacks.settings import SECRETS, SettingsError, load, secret

# What is registered lives until the program ends. Looking for garbage among it took a third of the time of ten regions.
gc.set_threshold(100_000, 20, 100)

config = pulumi.Config()
try:
    settings = load(config)
except SettingsError as error:
    raise pulumi.RunError(str(error)) from None

platform = Platform("platform", settings, {name: secret(config, name) for name in SECRETS})

for name, value in platform.outputs.items():
    pulumi.export(name, value)
