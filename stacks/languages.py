"""Which region serves requests in which language. Pure functions."""

from collections.abc import Iterable, Sequence
from typing import Literal

from components.mesh import LanguageRoute
from stacks import topology
from stacks.topology import Site

_NO_TAG_OF_ANY_PLACE = "x-other"
"""A private part (RFC 5646): with it a tag equals no place's, so that only its language counts."""


def language_routes(here: Site, sites: Sequence[Site]) -> tuple[LanguageRoute, ...]:
    """Where `here` sends languages it does not serve itself: exact tags first, then all tags of a language.

    Of several regions that serve a language, the nearest; one that no region serves is served here and has no route.
    """
    tags = {tag for site in sites for tag in site.place.languages}
    languages = {tag.partition("-")[0] for tag in tags}
    by_tag = {tag: _elsewhere(tag, here, sites) for tag in tags | languages}
    by_language = {language: _elsewhere(f"{language}-{_NO_TAG_OF_ANY_PLACE}", here, sites) for language in languages}
    exact = {
        tag: region
        for tag, region in by_tag.items()
        if tag in languages or region != by_language[tag.partition("-")[0]]
    }
    return (*_grouped("exact", exact), *_grouped("prefix", {f"{tag}-": region for tag, region in by_language.items()}))


def _elsewhere(tag: str, here: Site, sites: Sequence[Site]) -> str | None:
    serving = topology.serving(tag, sites)
    if here.name in serving:
        return None
    return next(name for name in topology.failover_order(here, sites) if name in serving)


def _grouped(match: Literal["exact", "prefix"], regions: dict[str, str | None]) -> Iterable[LanguageRoute]:
    for region in sorted({region for region in regions.values() if region is not None}):
        tags = sorted(tag for tag, serving in regions.items() if serving == region)
        yield LanguageRoute(region=region, match=match, tags=tuple(tags))
