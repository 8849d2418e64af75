"""The sizes of machines, databases and caches that a region offers."""

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal, Protocol, TypeVar

from components.offers.fit import is_special, unfit
from components.offers.tables import Source, regions_of, rows, sources

Kind = Literal["machine", "database", "cache"]

ALL: Final = "all"
BUT: Final = "all but"
UNKNOWN: Final = "unknown"
"""Word in the column `regions`."""
ANY: Final = "any"
"""Word in the column `sizes`: the family's sizes have no list, and other rules describe them."""

_FORMS: Final = {
    "gcp": (r"(db-custom-)(\d+-\d+)()", r"(.*?-)(\d+)((?:-.*)?)", r"(.*-)([a-z0-9]+)()"),
    "aws": (r"(.*\.)([^.]+)()",),
    "azure": (r"([A-Za-z_]+?)(\d+(?:-\d+)?)(.*)",),
}
"""Patterns of type names, with three groups: before the size, the size, and after the size."""


class Named(Protocol):
    """Anything with the name of a type."""

    @property
    def name(self) -> str:
        """The name as the cloud spells it."""


Candidate = TypeVar("Candidate", bound=Named)


@dataclass(frozen=True, kw_only=True)
class Row:
    """Types of one family that are in the same regions."""

    cloud: str
    kind: str
    family: str
    """Type name with # for the size, such as `m7i.#`."""
    sizes: frozenset[str]
    regions: frozenset[str] | None
    """None: unknown."""
    source: Source

    def has(self, size: str) -> bool:
        """Return whether the row covers this size."""
        return size in self.sizes or ANY in self.sizes


@cache
def table() -> tuple[Row, ...]:
    """Return the whole table of sizes."""
    return tuple(
        Row(
            cloud=row["cloud"],
            kind=row["kind"],
            family=row["family"],
            sizes=frozenset(row["sizes"].split()),
            regions=_regions(row["cloud"], row["regions"]),
            source=sources()[row["source"]],
        )
        for row in rows("sizes")
    )


def offered(cloud: str, kind: Kind, region: str, name: str) -> bool | None:
    """Return whether `region` offers the type `name`. None: unknown."""
    family, size = family_of(cloud, name)
    found = _family(cloud, kind, family)
    if not found or region not in regions_of(cloud):
        return None
    fits = [row for row in found if row.has(size)]
    if any(row.regions is None for row in fits):
        return None
    return any(row.regions is not None and region in row.regions for row in fits)


def here(cloud: str, kind: Kind, region: str, candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """Return the candidates in the same order, without those that `region` lacks."""
    return tuple(one for one in candidates if offered(cloud, kind, region, one.name) is not False)


def types(cloud: str, kind: Kind, region: str) -> tuple[str, ...]:
    """Return the sorted names of all types that `region` offers, or that may be there because nobody knows."""
    found = (row for row in table() if (row.cloud, row.kind) == (cloud, kind))
    there = (row for row in found if row.regions is None or region in row.regions)
    return tuple(sorted(row.family.replace("#", size) for row in there for size in row.sizes - {ANY}))


def nearest(
    cloud: str, kind: Kind, region: str, name: str, enough: Callable[[str], bool] = lambda _: True
) -> str | None:
    """Return the type in `region` that is most like a missing one and is `enough`. None: no type is known.

    Prefer a size of the same family. Otherwise take the family with the most similar name, in the nearest size: one for
    general purposes if there is no other of the same line, and none with accelerators.
    """
    family, size = family_of(cloud, name)

    def may_be(other: str) -> bool:
        plain = kind != "machine" or not is_special(cloud, other) or family_of(cloud, other)[0] == family
        return plain and unfit(cloud, kind, other) is None and enough(other)

    known = (one for one in types(cloud, kind, region) if may_be(one))
    return min(known, key=lambda other: _distance(cloud, family, size, other), default=None)


def source_of(cloud: str, kind: Kind, name: str) -> Source | None:
    """Return the source of the type's family. None: the table lacks it."""
    found = _family(cloud, kind, family_of(cloud, name)[0])
    return found[0].source if found else None


def family_of(cloud: str, name: str) -> tuple[str, str]:
    """Split a type into its family, with # for the size, and its size: `m7i.large` gives (`m7i.#`, `large`)."""
    for form in _FORMS.get(cloud, ()):
        if match := re.fullmatch(form, name):
            return f"{match[1]}#{match[3]}", match[2]
    return name, ""


def _family(cloud: str, kind: Kind, family: str) -> Sequence[Row]:
    return _families().get((cloud, kind, family), ())


@cache
def _families() -> dict[tuple[str, str, str], list[Row]]:
    found: dict[tuple[str, str, str], list[Row]] = {}
    for row in table():
        found.setdefault((row.cloud, row.kind, row.family), []).append(row)
    return found


def _regions(cloud: str, words: str) -> frozenset[str] | None:
    if words == UNKNOWN:
        return None
    if words == ALL or words.startswith(BUT):
        return frozenset(regions_of(cloud)) - set(words.removeprefix(BUT).split())
    return frozenset(words.split())


def _distance(cloud: str, family: str, size: str, other: str) -> tuple[float, float, int, str]:
    """Return the distance to another type: first by family, then generation and features, then size."""
    other_family, other_size = family_of(cloud, other)
    return (
        _unlike(cloud, family, other_family) if family != other_family else -1,
        abs(_magnitude(size) - _magnitude(other_size)),
        len(other_family),
        other,
    )


_GENERAL: Final = {"gcp": ("e-#", "n-#"), "aws": ("m",), "azure": ("Standard_D",)}
"""Lines of machines for general purposes, as `_parts` names them."""


def _unlike(cloud: str, family: str, other: str) -> float:
    """Return a rank of families: first the same line (`m`, `e2-standard`) and processor, then near generations."""
    line, generation, features = _parts(family)
    other_line, other_generation, other_features = _parts(other)
    return (
        100 * (line != other_line)
        + 50 * (line != other_line and other_line not in _GENERAL[cloud])
        + 10 * len(set(features) ^ set(other_features))
        + abs(generation - other_generation)
        + (0.5 if other_generation < generation else 0)
    )


def _parts(family: str) -> tuple[str, int, str]:
    """Split a family into line, generation and features.

    `db.m7g.#` gives (`db.m`, 7, `g`), and `Standard_D#ds_v5` gives (`Standard_D`, 5, `ds`).
    """
    if match := re.fullmatch(r"([A-Za-z_]+)#([a-z-]*)(?:_v(\d+))?", family):
        return match[1], int(match[3] or 1), match[2]
    if match := re.fullmatch(r"((?:[a-z]+\.)?[a-z]+)(\d+)([a-z-]*)(\..*|-.*)?", family):
        return match[1] + (match[4] or "").replace(".#", ""), int(match[2]), match[3]
    return family, 0, ""


_WORDS: Final = {"nano": -3, "micro": -2, "small": -1, "medium": 0, "large": 1, "xlarge": 2, "metal": 9}


def _magnitude(size: str) -> float:
    """Return how large a size is, as a power of two."""
    if size in _WORDS:
        return _WORDS[size]
    digits = re.match(r"\d+", size.removeprefix("metal-"))
    if digits is None:
        return 0
    return math.log2(int(digits[0]) or 0.5) + (2 if size.endswith(("xlarge", "xl")) else 0)
