"""Tables of the clouds' resource types: outputs, immutable inputs and times.

A table has every type of the sandbox, by token. It holds pure functions of the inputs and needs no SDK, so that tests
with mocks use the same table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Values = Mapping[str, Any]

GOOGLE, AMAZON, MICROSOFT = 240, 241, 242
"""First octets of the public addresses of each simulated cloud: reserved, routed nowhere (RFC 1112, section 4)."""


@dataclass(frozen=True)
class ControlPlane:
    """A region's Kubernetes API."""

    server: str
    """URL."""
    certificate_authority: str
    """PEM in base64."""


@dataclass(frozen=True, kw_only=True)
class Other:
    """Another existing resource. Its age is in minutes."""

    id: str
    inputs: Values
    outputs: Values
    age: float


def _alone(_type: str) -> Sequence[Other]:
    return ()


@dataclass(frozen=True, kw_only=True)
class Facts:
    """The data for a resource's id and outputs."""

    type: str
    name: str
    """Logical name."""
    inputs: Values
    """Plain values, with the automatic name."""
    token: str
    """32 hexadecimal digits, unique to the resource and constant for its life."""
    revision: int
    """1 at first; each update adds 1."""
    settings: Values
    """Settings of the provider."""
    find_control_plane: Callable[[list[str]], ControlPlane]
    """Returns the control plane of the first of these regions that has one."""
    made: str = "2026-01-01T00:00:00+00:00"
    """Creation time (ISO 8601)."""
    others: Callable[[str], Sequence[Other]] = _alone
    """Returns the stack's resources of a type."""

    def text(self, key: str, default: str = "") -> str:
        """An input as text."""
        value = self.inputs.get(key)
        return default if value is None else str(value)

    def setting(self, key: str, default: str) -> str:
        """A setting of the provider."""
        return str(self.settings.get(key) or default)

    def address(self, cloud: int) -> str:
        """A public address of a cloud (`GOOGLE`, ...), one of 2^24, so that a collision is unlikely."""
        return _address(cloud, self.token[:6])

    def private_address(self) -> str:
        """A private address, for use inside a network."""
        return _address(10, self.token[6:12])


def _address(first: int, digits: str) -> str:
    return ".".join(str(octet) for octet in (first, *bytes.fromhex(digits)))


Make = Callable[[Facts], Any]
Existing = Callable[[str], Sequence[Values]]
"""Returns the inputs of all of the stack's resources of a type token."""
Refusal = Callable[[Facts, Existing], str | None]
"""Returns why a cloud refuses a resource, given the existing ones; None if it accepts it."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One resource type."""

    id: Make
    outputs: Mapping[str, Make] = field(default_factory=dict)
    """Outputs that the cloud adds to the inputs."""
    name_input: str | None = None
    """The input that gets an automatic name if the program gives none."""
    longest: int = 255
    """Most characters of an automatic name."""
    immutable: frozenset[str] = frozenset()
    """Paths below which a change replaces the resource."""
    settles: frozenset[str] = frozenset()
    """Inputs whose value the cloud may replace by its own, the output. A refresh finds that one."""
    changing: frozenset[str] = frozenset()
    """Outputs with a new value after each update."""
    secret: frozenset[str] = frozenset()
    """Secret outputs."""
    minutes: float = 0.0
    """Time of the creation in the cloud."""
    permanent: bool = False
    """Whether all creators share one resource: creating finds it, and deleting leaves it for the others."""
    refusal: Refusal | None = None
    """Called before a creation or a change."""
    stays: str = ""
    """Why the cloud refuses to delete it; empty if it does not."""
    holds: bool = False
    """Whether deleting it deletes the resources inside it."""
    last_backup: Callable[[Facts], Sequence[str] | None] | None = None
    """If deleting it may leave a last backup: returns the ids or addresses of what the backup needs.

    Returns None if its inputs ask for no backup.
    """


Table = Mapping[str, Kind]


def unchangeable(*paths: str) -> frozenset[str]:
    """The paths as a set. Each text has one or several."""
    return frozenset(path for text in paths for path in text.split())


def at(key: str, **values: Make) -> Make:
    """An output that extends an input: `at("vpcConfig", clusterSecurityGroupId=...)`."""

    def make(facts: Facts) -> dict[str, Any]:
        return {**(facts.inputs.get(key) or {}), **{name: value(facts) for name, value in values.items()}}

    return make


def constant(value: Any) -> Make:
    """An output that is always the same."""
    return lambda _facts: value
