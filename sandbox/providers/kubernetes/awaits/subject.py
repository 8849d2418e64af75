"""What is waited for: an object, its waiter, and what one look at it tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from sandbox.providers.kubernetes import messages
from sandbox.providers.kubernetes.objects import Obj, annotation, items, text
from sandbox.providers.kubernetes.session import Session

SKIP_AWAIT = "pulumi.com/skipAwait"
TIMEOUT_SECONDS = "pulumi.com/timeoutSeconds"


class NotReadyError(Exception):
    """The object exists but is not what it should be. `reasons`: what was waited for, then what was seen."""

    def __init__(self, obj: Obj, reasons: list[str]) -> None:
        super().__init__(reasons[0])
        self.obj = obj
        self.reasons = reasons


@dataclass
class Subject:
    """An object that was just written (`live`); `last` is its live form before an update; `timeout` in seconds."""

    session: Session
    urn: str
    inputs: Obj
    live: Obj
    last: Obj | None = None
    timeout: float = 0.0

    @property
    def skipped(self) -> bool:
        """Whether the program asks not to wait."""
        return annotation(self.inputs, SKIP_AWAIT) == "true"

    def seconds(self, default: float) -> float:
        """How long to wait: the resource option, else the annotation, else the kind's default."""
        wished = annotation(self.inputs, TIMEOUT_SECONDS)
        return self.timeout or (float(wished) if wished.isdigit() else default)

    def not_ready(self, live: Obj, what: str, seen: list[str], remedy: str) -> NotReadyError:
        """The error that says what was waited for, what was seen and what to do."""
        return NotReadyError(live, [messages.not_ready(live, what, remedy), *seen])


@dataclass(frozen=True)
class Verdict:
    """What one look tells: `ready`, else the `status` to show meanwhile; `failed` says that waiting is pointless."""

    ready: bool
    status: str = ""
    failed: str = ""


@dataclass(frozen=True)
class Goal:
    """How a kind is waited for: what it means not to get there, what to do then, and the default time limit."""

    missed: str
    remedy: str
    seconds: float = 600.0
    checked_on_read: bool = True


class Waiter(Protocol):
    """Knows when the objects of one kind are ready."""

    goal: Goal

    async def look(self, subject: Subject, live: Obj) -> Verdict:
        """Judge the object as it is now."""

    async def explain(self, subject: Subject, live: Obj) -> list[str]:
        """What stands in the way, as far as can be seen."""


class Simple:
    """A waiter whose look needs nothing but the object itself, and whose explanation is its conditions."""

    async def explain(self, subject: Subject, live: Obj) -> list[str]:
        """See `Waiter`."""
        return conditions(live)


def conditions(live: Obj) -> list[str]:
    """The object's conditions that say something is wrong, as `Type: message`."""
    seen = []
    for entry in items(live, "status", "conditions"):
        kind, status = text(entry, "type"), text(entry, "status")
        is_bad = status == "True" if kind.endswith(("Failure", "Failed")) else status == "False"
        message = text(entry, "message") or text(entry, "reason")
        if is_bad and message:
            seen.append(f"{kind}: {message}")
    return seen
