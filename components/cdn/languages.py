"""How an edge that only compares texts makes one language tag of a browser's preferences. Pure.

Browsers send what their user prefers first. Its weights (q=0.8) are not read; CloudFront's function does read them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

_ENDS: Final = (",", ";", "-")
"""What may follow a tag: the next one, its weight, or more of it (zh-Hant-TW is zh-Hant to who serves that)."""


@dataclass(frozen=True, kw_only=True)
class LanguageMatch:
    """Requests whose Accept-Language is `exact` or begins with one of `prefixes` want `tag`."""

    tag: str
    exact: str
    prefixes: Sequence[str]


def language_matches(tags: Iterable[str]) -> list[LanguageMatch]:
    """A match for each tag and for each language, longest tags first: `pt-BR` before `pt`.

    A language stands for all its tags that nobody serves, as in the regions' own routes.
    """
    known = set(tags)
    languages = {tag.partition("-")[0] for tag in known}
    return [
        LanguageMatch(tag=tag, exact=tag, prefixes=[tag + end for end in _ENDS])
        for tag in sorted(known | languages, key=lambda tag: (-len(tag), tag))
    ]
