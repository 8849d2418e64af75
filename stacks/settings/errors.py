"""Mistakes in a configuration: each with its path, its value, the rule it breaks and the remedy."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """One mistake at `path`. `value` is ready to print (empty: not to be shown), `rule` and `remedy` follow it."""

    path: str
    value: str
    rule: str
    remedy: str

    def __str__(self) -> str:
        broken = f"{self.value} {self.rule}".strip()
        return f"{self.path}: {broken}; {self.remedy}"


class SettingsError(ValueError):
    """A configuration with mistakes: all of them, in `mistakes`, one line each."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        many = "1 mistake" if len(self.mistakes) == 1 else f"{len(self.mistakes)} mistakes"
        super().__init__("\n  ".join([f"The configuration has {many}. Nothing was changed.", *map(str, self.mistakes)]))
