"""Object storage of the clouds, for backups. Each cloud has one module, which alone imports its SDK.

Storage outlives its users: removing a region, or destroying the stack, leaves the storage and its content.
Nobody can make it public.
Writers cannot delete, except on Azure, which has no such role.
Deleted and overwritten objects can be restored for a week.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pulumi

from components.cluster.location import NetworkArgs

REGRET_DAYS: Final = 7
"""Days for which deleted and overwritten objects can be restored."""


@dataclass(frozen=True, kw_only=True)
class ObjectStoreArgs:
    """The place and the user of an object store."""

    place: NetworkArgs
    principal: pulumi.Input[str]
    """The identity that may read and write: see `WorkloadIdentity`."""
    retention: int
    """Days."""

    def __post_init__(self) -> None:
        if self.retention < 1:
            raise ValueError(f"retention: expected one day or more, got {self.retention}")


@dataclass(frozen=True, kw_only=True)
class ObjectStore:
    """The location of objects, in CockroachDB's format."""

    uri: pulumi.Output[str]
    """Scheme and bucket. Known once the principal may use the bucket."""
    parameters: Mapping[str, pulumi.Input[str]]
    """Parameters that a client needs besides its identity."""
