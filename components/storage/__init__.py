"""Object storage of the clouds, for backups. One module per cloud, which alone imports its SDK; all offer the same.

What is stored outlives what stored it: a region that is removed, and even a stack that is destroyed, leaves its
storage with all that is in it. Nobody can make it public. Whoever writes cannot delete, except on Azure, where no role
tells these apart; and what is deleted or overwritten can be had back for a week.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pulumi

from components.cluster.location import NetworkArgs

REGRET_DAYS: Final = 7
"""How long deleted and overwritten objects can be had back."""


@dataclass(frozen=True, kw_only=True)
class ObjectStoreArgs:
    """Where an object store is, and who uses it."""

    place: NetworkArgs
    principal: pulumi.Input[str]
    """Who may read and write: see `WorkloadIdentity`."""
    retention: int
    """Days."""

    def __post_init__(self) -> None:
        if self.retention < 1:
            raise ValueError(f"retention: expected one day or more, got {self.retention}")


@dataclass(frozen=True, kw_only=True)
class ObjectStore:
    """Where objects go, in the form that CockroachDB wants."""

    uri: pulumi.Output[str]
    """Scheme and bucket; known once the principal may use what is behind it."""
    parameters: Mapping[str, pulumi.Input[str]]
    """What a client needs besides its own identity."""
