"""The budget of each stage, from the source document, and how a sum compares with it. Pure."""

from dataclasses import dataclass
from typing import Final, Literal

from report.cost import Sum

Verdict = Literal["within", "may exceed", "exceeds", "no limit"]


@dataclass(frozen=True, kw_only=True)
class Budget:
    """A monthly budget."""

    most: float | None
    """US dollars. None: no limit."""
    words: str
    """The budget in the words of the source document."""


BUDGETS: Final = {
    "local": Budget(most=50, words="about $50 a month"),
    "regional": Budget(most=500, words="about $500 a month"),
    "continental": Budget(most=50_000, words="about $5,000 to $50,000 a month"),
    "planetary": Budget(most=None, words="scales with usage"),
}
"""By stage. Source: the scaling stages of the architecture document (infinite-scale-architecture.txt)."""


def verdict(cost: Sum, most: float | None) -> Verdict:
    """Compare known costs with the budget. Unknown costs come on top, so `within` is no promise."""
    if most is None:
        return "no limit"
    if cost.least > most:
        return "exceeds"
    return "may exceed" if cost.most > most else "within"
