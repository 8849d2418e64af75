"""What services need to let people into a circle's call: keys, the same in every region, and where calls can be."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pulumi

from components.passwords import random_password
from components.settings.values import SIGNING_KEYS, SigningKey

SECRET_LENGTH: Final = 48
"""LiveKit warns of secrets with fewer than 32 characters."""


class CirclesKeys(pulumi.ComponentResource):
    """Two API keys, so that one can be replaced while the other is in use. All regions have the same.

    Outputs: `blue` and `green` (secret).
    """

    blue: pulumi.Output[str]
    green: pulumi.Output[str]

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:circles:CirclesKeys", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.blue, self.green = (
            random_password(f"{name}-{colour}", child, length=SECRET_LENGTH).result for colour in SIGNING_KEYS
        )
        self.register_outputs({})

    def secret(self, colour: SigningKey) -> pulumi.Output[str]:
        """Return the secret of the key with this name."""
        return self.blue if colour == "blue" else self.green

    @property
    def file(self) -> pulumi.Output[str]:
        """The text of LiveKit's key file: a key's name and its secret in each line."""
        return pulumi.Output.secret(pulumi.Output.format('blue: "{0}"\ngreen: "{1}"\n', self.blue, self.green))


@dataclass(frozen=True, kw_only=True)
class CirclesHome:
    """A region whose servers may hold a circle's call."""

    region: str
    url: str
    """Where a browser connects."""
    latitude: float
    """Degrees."""
    longitude: float
    """Degrees."""


@dataclass(frozen=True, kw_only=True)
class CirclesAccess:
    """How services of every region let people in."""

    keys: CirclesKeys
    signing_key: SigningKey
    homes: Sequence[CirclesHome]
    """The regions that take users, sorted by name."""

    def connection(self) -> dict[str, pulumi.Input[str]]:
        """Return what the connection's Secret says about tokens and regions."""
        return {
            "api.key": self.signing_key,
            "api.secret": self.keys.secret(self.signing_key),
            "homes": homes_document(self.homes),
        }


def homes_document(homes: Sequence[CirclesHome]) -> str:
    """Return the regions as JSON: a list of objects with region, url, latitude and longitude."""
    return json.dumps([vars(home) for home in homes], sort_keys=True, separators=(",", ":"))
