"""Mistakes in a configuration: each with its path, its value, the rule it breaks and the remedy."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

PROJECT: Final = "sacred-council"
"""The namespace of the configuration keys: the project's name in Pulumi.yaml."""

VALUE_LIMIT: Final = 60
"""Longest value that is shown whole, in characters."""


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """One mistake in a configuration."""

    path: str
    """Path of the setting, as people write it: `regions[1].name`."""
    value: str = ""
    """The setting's value, ready to print. Empty: there is no value, or it must not be shown."""
    rule: str
    """The broken rule, a sentence that begins after the value."""
    remedy: str
    reads: tuple[str, ...] = ()
    """Paths of other settings that the mistake follows from. If one of them is malformed, the mistake is not shown."""

    def __str__(self) -> str:
        broken = f"{self.value} {self.rule}".strip()
        return f"{PROJECT}:{self.path}: {broken}; {self.remedy}"

    def follows_from(self, malformed: str) -> bool:
        """Whether the mistake is at, above or below the path of a `malformed` setting, or was read from it."""
        return _within(malformed, self.path) or any(_within(path, malformed) for path in (self.path, *self.reads))


class SettingsError(ValueError):
    """A configuration with mistakes: all of them, in `mistakes`, one line each."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        many = "1 mistake" if len(self.mistakes) == 1 else f"{len(self.mistakes)} mistakes"
        super().__init__("\n  ".join([f"The configuration has {many}. Nothing was changed.", *map(str, self.mistakes)]))


def path_of(*steps: str | int) -> str:
    """How a setting is written for people: `("regions", 1, "name")` is `regions[1].name`."""
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return path.removeprefix(".")


def _within(path: str, outer: str) -> bool:
    """Whether a setting is another one, or a part of it."""
    return path == outer or path.startswith((f"{outer}.", f"{outer}["))


def shown(value: object) -> str:
    """A value as it is shown in a message: JSON, cut off when it is long."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= VALUE_LIMIT else f"{text[: VALUE_LIMIT - 3]}..."
