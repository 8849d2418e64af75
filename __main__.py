"""The Sacred Council platform: load the settings, build the platform, export what a user needs."""

import pulumi

from stacks.platform import Platform, PlatformArgs
from stacks.settings import Secrets, SettingsError, load

try:
    settings = load(pulumi.Config())
except SettingsError as error:
    raise pulumi.RunError(str(error)) from None

platform = Platform("platform", PlatformArgs(settings=settings, secrets=Secrets()))

for name, value in platform.outputs.items():
    pulumi.export(name, value)
