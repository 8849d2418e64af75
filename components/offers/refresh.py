"""`python -m components.offers.refresh DATE`: rewrite the rows of AWS from the tables of the installed cfn-lint.

DATE is the day of that release, as YYYY-MM-DD.
The program does not need cfn-lint: install it in a separate environment, and run this there from the repository's root.
No package has the tables of the other clouds, so their rows stay.
"""

import argparse
import csv
import importlib.metadata
import importlib.resources
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final

from components.offers.sizes import ALL, BUT, family_of
from components.offers.tables import FOLDER, regions_of, rows

SOURCE: Final = "cfn-lint"
_ADDRESS: Final = "https://github.com/aws-cloudformation/cfn-lint/tree/v{}/src/cfnlint/data/schemas/extensions"
_TABLES: Final = {
    "machine": "aws_ec2_instance/instancetype_enum.json",
    "database": "aws_rds_dbinstance/dbinstanceclass_enum.json",
    "cache": "aws_elasticache_cachecluster/cachenodetype_enum.json",
}
_ENGINE: Final = "postgres"

Offers = Mapping[str, Collection[str]]
"""Type names by region."""


def table_rows(cloud: str, kind: str, offers: Offers, regions: Sequence[str], source: str) -> Iterator[dict[str, str]]:
    """Yield the rows of `sizes.csv`, one per family and set of regions. The source covers all `regions`."""
    grouped: dict[tuple[str, tuple[str, ...]], set[str]] = {}
    for name in {name for names in offers.values() for name in names}:
        family, size = family_of(cloud, name)
        there = tuple(region for region in regions if name in offers[region])
        grouped.setdefault((family, there), set()).add(size)
    for (family, there), sizes in sorted(grouped.items()):
        yield {
            "cloud": cloud,
            "kind": kind,
            "family": family,
            "sizes": " ".join(sorted(sizes, key=_by_size)),
            "regions": _in_words(there, regions),
            "source": source,
        }


def write(name: str, table: Iterable[Mapping[str, str]]) -> None:
    """Write the table `name`.csv."""
    table = list(table)
    with (FOLDER / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(table[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)


def main() -> None:
    """Replace the rows of AWS."""
    parser = argparse.ArgumentParser(prog="python -m components.offers.refresh", description=__doc__)
    parser.add_argument("date", type=date.fromisoformat, help="the day of the installed release, as YYYY-MM-DD")
    released = parser.parse_args().date
    regions = regions_of("aws")
    fresh = [
        row
        for kind, path in _TABLES.items()
        for row in table_rows("aws", kind, {region: _names(path, region) for region in regions}, regions, SOURCE)
    ]
    kept = [row for row in rows("sizes") if row["source"] != SOURCE]
    version = importlib.metadata.version("cfn-lint")
    said = {"source": SOURCE, "address": _ADDRESS.format(version), "date": str(released)}
    others = [row for row in rows("sources") if row["source"] != SOURCE]
    write("sizes", sorted([*kept, *fresh], key=lambda row: (row["cloud"], row["kind"], row["family"], row["regions"])))
    write("sources", sorted([*others, said], key=lambda row: row["source"]))


def _names(path: str, region: str) -> set[str]:
    file = importlib.resources.files("cfnlint") / "data" / "schemas" / "extensions" / path
    return set(_enums(json.loads(file.read_text())[region]))


def _enums(schema: Mapping[str, Any]) -> Iterator[str]:
    """Yield the allowed names. If they depend on the engine, yield PostgreSQL's."""
    yield from schema.get("enum", ())
    for case in schema.get("allOf", ()):
        engine = case["if"]["properties"].get("Engine", {})
        if _ENGINE in (engine.get("const"), *engine.get("enum", ())):
            yield from case["then"]["properties"]["DBInstanceClass"]["enum"]


def _in_words(there: Sequence[str], regions: Sequence[str]) -> str:
    missing = [region for region in regions if region not in there]
    if not missing:
        return ALL
    return f"{BUT} {' '.join(missing)}" if len(missing) < len(there) else " ".join(there)


def _by_size(size: str) -> tuple[int, str]:
    digits = "".join(character for character in size.partition("-")[0] if character.isdigit())
    return (int(digits) if digits else 0, size)


if __name__ == "__main__":
    main()
