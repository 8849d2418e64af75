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
    """Where rows are from: an address that shows them, and the day of that version (YYYY-MM-DD, or `unknown`)."""

    address: str
    date: str


@cache
def rows(name: str) -> Sequence[Mapping[str, str]]:
    """The rows of the table `name`."""
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


@cache
def sources() -> Mapping[str, Source]:
    """The sources, by the word that rows name them with."""
    return {row["source"]: Source(address=row["address"], date=row["date"]) for row in rows("sources")}


@cache
def regions_of(cloud: str) -> tuple[str, ...]:
    """The regions of a cloud that the tables are about, in the order of `regions.csv`."""
    return tuple(row["region"] for row in rows("regions") if row["cloud"] == cloud)
