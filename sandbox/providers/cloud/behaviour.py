"""Delays and faults of a simulated cloud.

Environment variables set both. By default nothing takes time and nothing fails.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sandbox.providers.base import ProviderError

TIMES_VARIABLE: Final = "SACRED_COUNCIL_MODEL_TIMES"
"""A factor for the modelled provisioning times: 1 is real time, 0.01 makes seconds of minutes."""

FAULTS_VARIABLE: Final = "SACRED_COUNCIL_CLOUD_FAULTS"
"""What fails, separated by spaces: `[OPERATION@]WHAT[=once]`.

WHAT is a type token or a part of a URN; OPERATION is create, update, read or delete, else it is all but read.
`=once` fails the first time only, in all runs of the sandbox together.
"""

GRANT_MINUTES: Final = 2.0
"""Minutes until a cloud honours a new grant."""
_PATIENCE: Final = 3.0
"""Minutes that programs wait for a grant. Shorter modelled times show the grant as made so much earlier."""

_OPERATIONS: Final = ("create", "update", "read", "delete")
_CHANGES: Final = ("create", "update", "delete")


@dataclass(frozen=True)
class Fault:
    """One rule: the operations and resources that fail, and whether only the first does."""

    text: str
    what: str
    operations: tuple[str, ...]
    once: bool

    def hits(self, operation: str, type_: str, urn: str) -> bool:
        """Whether the operation on the resource fails."""
        return operation in self.operations and (self.what == type_ or self.what in urn)


@dataclass(frozen=True)
class Behaviour:
    """The configured behaviour. `factor` scales all times; 0 means no delay."""

    factor: float
    faults: tuple[Fault, ...]

    def seconds(self, minutes: float) -> float:
        """The scaled time in seconds."""
        return minutes * 60 * self.factor

    def age(self, made: float, now: float) -> float:
        """Minutes that have passed in the cloud; without modelled times, always enough."""
        return (now - made) / 60 / self.factor if self.factor else float("inf")

    def shown(self, made: float) -> str:
        """Creation time as the cloud reports it: waiting `_PATIENCE` minutes from it takes the modelled time."""
        earlier = _PATIENCE * 60 * max(1 - self.factor, 0)
        return datetime.fromtimestamp(made - earlier, UTC).isoformat()


def from_environment(environment: Mapping[str, str]) -> Behaviour:
    """Read the variables. Raises `ProviderError` with the invalid one."""
    faults = tuple(_fault(text) for text in environment.get(FAULTS_VARIABLE, "").split())
    return Behaviour(_factor(environment.get(TIMES_VARIABLE, "")), faults)


def _factor(text: str) -> float:
    try:
        factor = float(text or 0)
    except ValueError:
        factor = -1.0
    if not 0 <= factor < float("inf"):
        raise ProviderError(f"{TIMES_VARIABLE} is {text!r}; it must be a number such as 1 (real time) or 0.01")
    return factor


def _fault(text: str) -> Fault:
    operation, at, rest = text.rpartition("@")
    what, _, how = rest.partition("=")
    if (at and operation not in _OPERATIONS) or how not in ("", "once", "always") or not what:
        raise ProviderError(
            f"{FAULTS_VARIABLE} has {text!r}; it must be [OPERATION@]WHAT[=once|=always] with one of the operations "
            f"{', '.join(_OPERATIONS)}, for example create@gcp:container/cluster:Cluster=once"
        )
    return Fault(text, what, (operation,) if at else _CHANGES, once=how == "once")
