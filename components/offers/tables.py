"""Reads the tables of this folder, each once, and what `regions.csv` says of a region."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Literal

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


def zones(cloud: str, region: str) -> tuple[str, ...]:
    """Return the region's zones as the cloud names them: letters, or numbers on Azure. Empty: unknown.

    On AWS no account sees all zones, and a letter means another zone in each account.
    """
    return next((tuple(row["zones"].split()) for row in rows("regions") if _is(row, cloud, region)), ())


def standby_in_another_zone(cloud: str, region: str) -> Literal["yes", "blocked"] | None:
    """Return whether the region accepts new databases with a standby in another zone.

    `blocked`: the cloud currently refuses them. None: unknown.
    """
    found = next((row["standby"] for row in rows("regions") if _is(row, cloud, region)), "")
    return "yes" if found == "yes" else "blocked" if found == "blocked" else None


def _is(row: Mapping[str, str], cloud: str, region: str) -> bool:
    return (row["cloud"], row["region"]) == (cloud, region)
