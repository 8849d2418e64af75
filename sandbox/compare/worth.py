"""Effect of a change on a stack's cost, capacity and carbon, from plans of both trees on an empty state."""

from __future__ import annotations

import json

from report.difference import difference
from report.document import Document, document
from report.preview import read_preview
from sandbox.empty_state import preview
from sandbox.layout import Layout, SandboxError


def worth(old: Layout | None, new: Layout, stack: str) -> str:
    """The effect as Markdown; `old` is None for a new stack. On an error, return its text instead of failing."""
    try:
        base = _report(old, stack) if old is not None else None
    except (SandboxError, ValueError) as error:
        return f"The commit's cost is unknown: {_first_line(error)}\n"
    try:
        return difference(base, _report(new, stack))
    except (SandboxError, ValueError) as error:
        return f"The cost is unknown: {_first_line(error)}\n"


def _report(layout: Layout, stack: str) -> Document:
    return document(read_preview(json.loads(preview(layout, stack))))


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
