"""The annotation `pulumi.com/waitFor`: conditions and JSON paths that the program wants to hold.

`condition=Ready`, `condition=Ready=False`, `jsonpath={.status.phase}`, `jsonpath={.status.phase}=Running`; several as a
JSON list.
"""

from __future__ import annotations

import re
from typing import Any, Final

from sandbox.providers.base import ProviderError
from sandbox.providers.kubernetes.awaits.subject import Goal, Subject, Verdict, conditions
from sandbox.providers.kubernetes.objects import Obj, condition, get, text

_JSON_PATH: Final = re.compile(r"jsonpath=\{?(?P<path>\.[^{}=]+)\}?(?:=(?P<value>.*))?")
_STEP: Final = re.compile(r"\.(?P<name>[^.\[\]]+)|\[(?P<index>\d+)\]|\['(?P<quoted>[^']+)'\]")
_MISSING: Final = object()


class Expressions:
    """Ready when every expression holds. Raises `ProviderError` for one it cannot read."""

    goal = Goal(
        "what pulumi.com/waitFor asks for did not come true",
        "Check the expressions of the annotation, or allow more time with custom_timeouts.",
    )

    def __init__(self, expressions: list[str]) -> None:
        self._expressions = expressions
        for expression in expressions:
            holds(expression, {})

    async def look(self, subject: Subject, live: Obj) -> Verdict:
        """See `Waiter`."""
        open_ones = [expression for expression in self._expressions if not holds(expression, live)]
        return Verdict(not open_ones, f"Waiting for {', '.join(open_ones)}")

    async def explain(self, subject: Subject, live: Obj) -> list[str]:
        """See `Waiter`."""
        open_ones = [expression for expression in self._expressions if not holds(expression, live)]
        return [*(f"not true: {expression}" for expression in open_ones), *conditions(live)]


def holds(expression: str, obj: Obj) -> bool:
    """Whether an expression is true for the object."""
    if expression.startswith("condition="):
        kind, _, wanted = expression.removeprefix("condition=").partition("=")
        return text(condition(obj, kind), "status").lower() == (wanted or "true").lower()
    match = _JSON_PATH.fullmatch(expression)
    if match is None:
        raise ProviderError(
            f"pulumi.com/waitFor has the expression {expression!r}; expected condition=<type> or "
            "condition=<type>=<status>, jsonpath={.path} or jsonpath={.path}=<value>."
        )
    found = get(obj, *_steps(match["path"]), default=_MISSING)
    if match["value"] is None:
        return found is not _MISSING
    return _spelled(found) == match["value"]


def _steps(path: str) -> list[str | int]:
    steps: list[str | int] = []
    position = 0
    while position < len(path):
        match = _STEP.match(path, position)
        if match is None:
            raise ProviderError(f"pulumi.com/waitFor has the JSON path {path!r}; only names and indexes are possible.")
        steps.append(int(match["index"]) if match["index"] else match["name"] or match["quoted"])
        position = match.end()
    return steps


def _spelled(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is _MISSING else str(value)
