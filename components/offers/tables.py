"""Reads the tables of this folder, each once."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class Source:
    """The origin of rows."""

    address: str
    """An address that shows the values."""
    date: str
    """Day of that version, as YYYY-MM-DD, or `unknown`."""


@cache
def rows(name: str) -> Sequence[Mapping[str, str]]:
    """Return the rows of the table `name`."""
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


@cache
def sources() -> Mapping[str, Source]:
    """Return the sources by the word that rows use for them."""
    return {row["source"]: Source(address=row["address"], date=row["date"]) for row in rows("sources")}


@cache
def regions_of(cloud: str) -> tuple[str, ...]:
    """Return a cloud's regions in the tables, in the order of `regions.csv`."""
    return tuple(row["region"] for row in rows("regions") if row["cloud"] == cloud)
