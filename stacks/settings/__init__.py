"""Configuration of a stack: checked once, all mistakes at once, then plain frozen values."""

from stacks.settings.errors import Mistake, SettingsError
from stacks.settings.gitops import GitOps, Rancher, Repository
from stacks.settings.models import (
    SECRETS,
    Cache,
    Database,
    Edge,
    Mesh,
    Messaging,
    Monitoring,
    Service,
    Services,
    Settings,
)
from stacks.settings.parsing import parse
from stacks.settings.regions import (
    AwsRegion,
    AzureRegion,
    Clouds,
    ExistingRegion,
    GcpRegion,
    Geography,
    RegionSettings,
)
from stacks.settings.source import load, secret
from stacks.settings.streams import Stream
from stacks.settings.values import bytes_of, days_of, seconds_of

__all__ = [
    "SECRETS",
    "AwsRegion",
    "AzureRegion",
    "Cache",
    "Clouds",
    "Database",
    "Edge",
    "ExistingRegion",
    "GcpRegion",
    "Geography",
    "GitOps",
    "Mesh",
    "Messaging",
    "Mistake",
    "Monitoring",
    "Rancher",
    "RegionSettings",
    "Repository",
    "Service",
    "Services",
    "Settings",
    "SettingsError",
    "Stream",
    "bytes_of",
    "days_of",
    "load",
    "parse",
    "seconds_of",
    "secret",
]
