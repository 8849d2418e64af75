"""Suggest the known word that was probably meant."""

from collections.abc import Iterable
from difflib import get_close_matches


def closest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that was probably meant, or None. Case does not matter."""
    by_lower = {candidate.lower(): candidate for candidate in known}
    matches = get_close_matches(word.lower(), by_lower, n=1)
    return by_lower[matches[0]] if matches else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return the remedy for an unknown word: the closest known one, or else all of them."""
    candidates = list(known)
    meant = closest(word, candidates)
    return f"did you mean {meant}?" if meant else f"known here: {', '.join(candidates)}"
