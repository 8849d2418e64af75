"""The tables of the clouds: what a resource type gives back, what it cannot change, and how long it takes.

A table names every type that the sandbox has, by its token. It holds pure functions of the inputs, and nothing of the
SDKs, so that tests with mocks use the same one.
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
    """Where a region's Kubernetes API is: its URL, and the certificate authority (PEM in base64)."""

    server: str
    certificate_authority: str


@dataclass(frozen=True, kw_only=True)
class Other:
    """A resource that exists beside: its id, what it was given, what the cloud added, and its age in minutes."""

    id: str
    inputs: Values
    outputs: Values
    age: float


def _alone(_type: str) -> Sequence[Other]:
    return ()


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a resource's id and outputs are made of.

    `name` is the logical name; `inputs` are plain, with the automatic name; `token` has 32 hexadecimal digits that
    are the resource's own as long as it lives; `revision` is 1 and grows with each update; `settings` are the
    provider's; `find_control_plane` gives that of the first of some regions that has one; `made` is when the resource
    was made (ISO 8601); `others` gives the stack's resources of a type.
    """

    type: str
    name: str
    inputs: Values
    token: str
    revision: int
    settings: Values
    find_control_plane: Callable[[list[str]], ControlPlane]
    made: str = "2026-01-01T00:00:00+00:00"
    others: Callable[[str], Sequence[Other]] = _alone

    def text(self, key: str, default: str = "") -> str:
        """An input as text."""
        value = self.inputs.get(key)
        return default if value is None else str(value)

    def setting(self, key: str, default: str) -> str:
        """A setting of the provider."""
        return str(self.settings.get(key) or default)

    def address(self, cloud: int) -> str:
        """A public address of a cloud (`GOOGLE`, ...). Among 2^24 of them two that are equal are not to be expected."""
        return _address(cloud, self.token[:6])

    def private_address(self) -> str:
        """A private address, for what is reached inside a network only."""
        return _address(10, self.token[6:12])


def _address(first: int, digits: str) -> str:
    return ".".join(str(octet) for octet in (first, *bytes.fromhex(digits)))


Make = Callable[[Facts], Any]
Existing = Callable[[str], Sequence[Values]]
"""The inputs of all resources of a type (its token) that the stack has."""
Refusal = Callable[[Facts, Existing], str | None]
"""What a cloud has against a resource beside those that exist; None when nothing."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One resource type.

    `id` and `outputs` are what the cloud adds to the inputs. `name_input` is the input that gets an automatic name of
    at most `longest` characters when the program gives none. A change below a path of `immutable` replaces the
    resource. `changing` outputs have a new value after each update, `secret` ones are protected.
    `minutes` is how long making it takes in the cloud. Of a `permanent` one there is one whoever asks: making it finds
    it, and deleting it leaves it to the others. `refusal` is asked before it is made or changed. `stays` says why the
    cloud refuses to delete it. What is inside of one that `holds` goes with it. `last_backup` names what a last backup
    needs, if deleting the resource leaves one: ids of other resources, or addresses among their outputs.
    """

    id: Make
    outputs: Mapping[str, Make] = field(default_factory=dict)
    name_input: str | None = None
    longest: int = 255
    immutable: frozenset[str] = frozenset()
    changing: frozenset[str] = frozenset()
    secret: frozenset[str] = frozenset()
    minutes: float = 0.0
    permanent: bool = False
    refusal: Refusal | None = None
    stays: str = ""
    holds: bool = False
    last_backup: Callable[[Facts], Sequence[str]] | None = None


Table = Mapping[str, Kind]


def unchangeable(*paths: str) -> frozenset[str]:
    """The paths as a set, one or several in each text."""
    return frozenset(path for text in paths for path in text.split())


def at(key: str, **values: Make) -> Make:
    """An output that is an input with more in it: `at("vpcConfig", clusterSecurityGroupId=...)`."""

    def make(facts: Facts) -> dict[str, Any]:
        return {**(facts.inputs.get(key) or {}), **{name: value(facts) for name, value in values.items()}}

    return make


def constant(value: Any) -> Make:
    """An output that is always the same."""
    return lambda _facts: value
