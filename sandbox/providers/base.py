"""What every provider stand-in builds on: requests, answers, errors and the class to subclass.

A stand-in subclasses `StandIn`, works on plain Python values (`values.py`) and ends with `server.serve(MyStandIn)`.
All methods are coroutines and run concurrently; blocking work belongs in `asyncio.to_thread`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Protocol

Values = dict[str, Any]


class ProviderError(Exception):
    """A mistake or failure the user should read: shown as it is, without a stack trace."""


class CheckFailedError(ProviderError):
    """Inputs that cannot be accepted, as (property path, reason) pairs. For use inside `check` and `invoke`."""

    def __init__(self, failures: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{path}: {reason}" for path, reason in failures))
        self.failures = failures


class Engine(Protocol):
    """The engine's side of the conversation."""

    async def log(self, message: str, urn: str = "", *, severity: str = "info") -> None:
        """Show a message (`debug`, `info`, `warning` or `error`)."""


@dataclass(frozen=True)
class Request:
    """Which resource a request is about."""

    urn: str

    @property
    def type(self) -> str:
        """The resource's type token, such as `kubernetes:core/v1:Secret`."""
        return self.urn.split("::")[2].split("$")[-1]

    @property
    def name(self) -> str:
        """The resource's logical name."""
        return self.urn.split("::", 3)[3]


@dataclass(frozen=True)
class CheckRequest(Request):
    """Validate `news`; `olds` are the inputs of the last deployment (empty for a new resource).

    `proposed_name` is the engine's own idea of an automatic name; `naming` says how binding that is:
    `propose`, `enforce`, or `disable` (no automatic names). Empty when the engine has no opinion.
    """

    olds: Values
    news: Values
    seed: bytes = b""
    proposed_name: str = ""
    naming: str = ""


@dataclass(frozen=True)
class DiffRequest(Request):
    """Compare the recorded outputs `olds` and inputs `old_inputs` with the new inputs `news`."""

    id: str
    olds: Values
    news: Values
    old_inputs: Values
    ignore_changes: list[str]


@dataclass(frozen=True)
class CreateRequest(Request):
    """Create the resource, or (`preview`) only say what it would look like. `timeout` in seconds, 0 = default."""

    inputs: Values
    timeout: float = 0.0
    preview: bool = False


@dataclass(frozen=True)
class ReadRequest(Request):
    """Look the resource up by its id; outputs and inputs are those recorded (empty for an import)."""

    id: str
    properties: Values
    inputs: Values


@dataclass(frozen=True)
class UpdateRequest(Request):
    """Change the resource in place, or (`preview`) only say what it would look like."""

    id: str
    olds: Values
    news: Values
    old_inputs: Values
    ignore_changes: list[str]
    timeout: float = 0.0
    preview: bool = False


@dataclass(frozen=True)
class DeleteRequest(Request):
    """Delete the resource; a resource that is gone already counts as deleted."""

    id: str
    properties: Values
    old_inputs: Values
    timeout: float = 0.0


class DiffKind(IntEnum):
    """What happens to one property; the numbers are the protocol's."""

    ADD = 0
    ADD_REPLACE = 1
    DELETE = 2
    DELETE_REPLACE = 3
    UPDATE = 4
    UPDATE_REPLACE = 5

    @property
    def replaces(self) -> bool:
        """Whether this change cannot be made in place."""
        return self in (DiffKind.ADD_REPLACE, DiffKind.DELETE_REPLACE, DiffKind.UPDATE_REPLACE)


@dataclass(frozen=True)
class PropertyDiff:
    """A change of one property; `input_diff`: the comparison was between inputs, not with the outputs."""

    kind: DiffKind
    input_diff: bool = False


@dataclass(frozen=True)
class Diff:
    """The verdict: nothing (all empty), update (`details`), or replacement (`replaces`).

    `details` maps property paths to changes; `diffs` names changed top-level properties where details are not known.
    """

    details: dict[str, PropertyDiff] = field(default_factory=dict)
    replaces: list[str] = field(default_factory=list)
    diffs: list[str] = field(default_factory=list)
    delete_before_replace: bool = False

    @property
    def changed(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.details or self.replaces or self.diffs)


class StandIn:
    """Base class of the stand-ins. Methods that are not overridden refuse, or return their inputs unchanged."""

    version = "0.0.0"
    supports_preview = True
    supports_autonaming = False

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    async def check_config(self, request: CheckRequest) -> Values:
        """Validate the provider's own inputs; raise `CheckFailedError`, or return them."""
        return request.news

    async def diff_config(self, request: DiffRequest) -> Diff:
        """Compare the provider's own inputs. Default: changed values update the provider in place."""
        keys = sorted(request.olds.keys() | request.news.keys())
        return Diff(diffs=[key for key in keys if request.olds.get(key) != request.news.get(key)])

    async def configure(self, config: Values) -> None:
        """Take the provider's inputs (secrets unwrapped) before the first resource."""

    async def check(self, request: CheckRequest) -> Values:
        """Validate and complete a resource's inputs; raise `CheckFailedError`, or return the inputs."""
        return request.news

    async def diff(self, request: DiffRequest) -> Diff:
        """Decide between nothing, update and replacement."""
        raise NotImplementedError("diff")

    async def create(self, request: CreateRequest) -> tuple[str, Values]:
        """Create the resource; return its id (empty in a preview) and outputs."""
        raise NotImplementedError("create")

    async def read(self, request: ReadRequest) -> tuple[str, Values, Values]:
        """Return id, outputs and inputs as they are now; an empty id says that the resource is gone."""
        return request.id, request.properties, request.inputs

    async def update(self, request: UpdateRequest) -> Values:
        """Change the resource; return its outputs."""
        raise NotImplementedError("update")

    async def delete(self, request: DeleteRequest) -> None:
        """Delete the resource."""

    async def invoke(self, token: str, args: Values) -> Values:
        """Answer a function call of the program."""
        raise ProviderError(f"The function {token!r} is not available in the sandbox.")

    async def cancel(self) -> None:
        """Stop waiting: the user pressed Ctrl-C."""

    async def close(self) -> None:
        """Release connections; the plugin is about to end."""
