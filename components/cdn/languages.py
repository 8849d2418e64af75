"""Reduce a browser's preferences to one language tag, for an edge that only compares texts. Pure.

Browsers send the user's first preference first, so this ignores weights (q=0.8). CloudFront's function reads them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

_ENDS: Final = (",", ";", "-")
"""Characters after a tag: the next tag, its weight, or a subtag (zh-Hant serves zh-Hant-TW)."""


@dataclass(frozen=True, kw_only=True)
class LanguageMatch:
    """Requests that want one language tag, by their Accept-Language header."""

    tag: str
    exact: str
    """The whole header."""
    prefixes: Sequence[str]
    """Beginnings of the header."""


def language_matches(tags: Iterable[str]) -> list[LanguageMatch]:
    """Return a match for each tag and each language, longest tags first: `pt-BR` before `pt`.

    A language matches all its tags that no region serves, as in the regions' own routes.
    """
    known = set(tags)
    languages = {tag.partition("-")[0] for tag in known}
    return [
        LanguageMatch(tag=tag, exact=tag, prefixes=[tag + end for end in _ENDS])
        for tag in sorted(known | languages, key=lambda tag: (-len(tag), tag))
    ]
