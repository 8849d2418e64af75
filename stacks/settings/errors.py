"""Mistakes in a configuration: path, value, broken rule and remedy."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

PROJECT: Final = "sacred-council"
"""The namespace of the configuration keys: the project's name in Pulumi.yaml."""

VALUE_LIMIT: Final = 60
"""Longest value that messages show whole, in characters."""


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """One mistake in a configuration."""

    path: str
    """Path of the setting, such as `regions[1].name`."""
    value: str = ""
    """The setting's value, ready to print. Empty: no value, or a value that must not be shown."""
    rule: str
    """The broken rule: a sentence whose subject is the value."""
    remedy: str
    reads: tuple[str, ...] = ()
    """Paths of other settings that the rule read. If one of them is malformed, the mistake is not reported."""

    def __str__(self) -> str:
        broken = f"{self.value} {self.rule}".strip()
        return f"{PROJECT}:{self.path}: {broken}; {self.remedy}"

    def follows_from(self, malformed: str) -> bool:
        """Whether the mistake is at, above or below the path of a `malformed` setting, or depends on it."""
        return _within(malformed, self.path) or any(_within(path, malformed) for path in (self.path, *self.reads))


class SettingsError(ValueError):
    """A configuration has mistakes. `mistakes` has all of them; the text has a line for each."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        many = "1 mistake" if len(self.mistakes) == 1 else f"{len(self.mistakes)} mistakes"
        super().__init__("\n  ".join([f"The configuration has {many}. Nothing was changed.", *map(str, self.mistakes)]))


def path_of(*steps: str | int) -> str:
    """Format the path of a setting: `("regions", 1, "name")` becomes `regions[1].name`."""
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return path.removeprefix(".")


def _within(path: str, outer: str) -> bool:
    """Whether a path equals another one or lies below it."""
    return path == outer or path.startswith((f"{outer}.", f"{outer}["))


def shown(value: object) -> str:
    """Format a value for a message: JSON, cut off if long."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= VALUE_LIMIT else f"{text[: VALUE_LIMIT - 3]}..."
