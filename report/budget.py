"""The budget of each stage, as the source document gives it, and what a sum means for it. Pure."""

from dataclasses import dataclass
from typing import Final, Literal

from report.cost import Sum

Verdict = Literal["within", "may exceed", "exceeds", "no limit"]


@dataclass(frozen=True, kw_only=True)
class Budget:
    """US dollars a month; no `most` is no limit. `words` are those of the source document."""

    most: float | None
    words: str


BUDGETS: Final = {
    "local": Budget(most=50, words="about $50 a month"),
    "regional": Budget(most=500, words="about $500 a month"),
    "continental": Budget(most=50_000, words="about $5,000 to $50,000 a month"),
    "planetary": Budget(most=None, words="scales with usage"),
}
"""By stage. Source: the scaling stages of the architecture document (infinite-scale-architecture.txt)."""


def verdict(cost: Sum, most: float | None) -> Verdict:
    """What known prices say: the real cost is higher by what is unknown, so `within` is no promise."""
    if most is None:
        return "no limit"
    if cost.least > most:
        return "exceeds"
    return "may exceed" if cost.most > most else "within"
