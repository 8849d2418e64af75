"""Configuration of a stack: checked once, all mistakes at once, then plain frozen values."""

from stacks.settings.errors import Mistake, SettingsError
from stacks.settings.models import (
    SECRETS,
    Cache,
    Database,
    Edge,
    ExistingRegion,
    Geography,
    Mesh,
    Messaging,
    Monitoring,
    RegionSettings,
    Service,
    Services,
    Settings,
)
from stacks.settings.parsing import parse
from stacks.settings.source import load, secret
from stacks.settings.values import bytes_of

__all__ = [
    "SECRETS",
    "Cache",
    "Database",
    "Edge",
    "ExistingRegion",
    "Geography",
    "Mesh",
    "Messaging",
    "Mistake",
    "Monitoring",
    "RegionSettings",
    "Service",
    "Services",
    "Settings",
    "SettingsError",
    "bytes_of",
    "load",
    "parse",
    "secret",
]
