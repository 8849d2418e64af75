"""Which known word was meant."""

from collections.abc import Iterable
from difflib import get_close_matches


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant, or None; capitals do not matter."""
    by_lower = {candidate.lower(): candidate for candidate in known}
    matches = get_close_matches(word.lower(), by_lower, n=1)
    return by_lower[matches[0]] if matches else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The remedy for an unknown word: the closest known one, else all of them."""
    candidates = list(known)
    meant = closest(word, candidates)
    return f"did you mean {meant}?" if meant else f"known here: {', '.join(candidates)}"
