"""Configuration of a stack: checked once with all mistakes reported together, then plain frozen values."""

from stacks.settings.errors import Mistake, SettingsError
from stacks.settings.models import SECRETS, Settings
from stacks.settings.parsing import parse
from stacks.settings.source import load, secret

__all__ = ["SECRETS", "Mistake", "Settings", "SettingsError", "load", "parse", "secret"]
