"""Property paths as the engine writes them: `spec.ports[0].name`, `metadata.annotations["example.com/a"]`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

Path = tuple[str | int, ...]

_STEP: Final = re.compile(
    r"""\.?(?P<name>[^.\[\]"]+) | \[(?P<index>\d+)\] | \[(?P<star>\*)\] | \["(?P<quoted>(?:[^"\\]|\\.)*)"\]""",
    re.VERBOSE,
)


def write(path: Sequence[str | int]) -> str:
    """Spell a path; keys that hold a dot, bracket or quote are quoted."""
    result = ""
    for step in path:
        if isinstance(step, int):
            result += f"[{step}]"
        elif any(character in step for character in '."[]'):
            escaped = step.replace('"', '\\"')
            result += f'["{escaped}"]'
        else:
            result += f".{step}" if result else step
    return result


def parse(spelled: str) -> Path:
    """Read a path. `*` matches any step. Raises `ValueError` if it is malformed."""
    steps: list[str | int] = []
    position = 0
    while position < len(spelled):
        match = _STEP.match(spelled, position)
        if not match:
            raise ValueError(f"{spelled!r} is not a property path such as spec.ports[0].name")
        position = match.end()
        if match["index"] is not None:
            steps.append(int(match["index"]))
        elif match["quoted"] is not None:
            steps.append(match["quoted"].replace('\\"', '"'))
        else:
            steps.append(match["name"] or "*")
    return tuple(steps)


def contains(outer: Path, inner: Path) -> bool:
    """Whether `inner` is `outer` or lies inside it."""
    if len(outer) > len(inner):
        return False
    return all(ours in ("*", theirs) for ours, theirs in zip(outer, inner, strict=False))


def touches(changed: Path, value: Any, pattern: Path) -> bool:
    """Whether a change of the property `changed` to `value` changes something that matches `pattern`.

    That is so if the changed property lies inside the pattern's, or its value holds the pattern's.
    """
    for position, step in enumerate(pattern):
        if position >= len(changed):
            return _holds(value, pattern[position:])
        if step not in ("*", changed[position]):
            return False
    return True


def _holds(value: Any, pattern: Path) -> bool:
    if not pattern:
        return True
    step, rest = pattern[0], pattern[1:]
    if step == "*" and isinstance(value, list):
        return any(_holds(item, rest) for item in value)
    return isinstance(value, dict) and step in value and _holds(value[step], rest)
