"""What a region has as a whole."""

from collections.abc import Mapping
from typing import Literal

from components.offers.tables import rows


def zones(cloud: str, region: str) -> tuple[str, ...]:
    """What the cloud calls the region's zones: letters, or numbers on Azure. Empty when the table does not tell.

    On AWS no account sees them all, and a letter means another zone in each.
    """
    return next((tuple(row["zones"].split()) for row in rows("regions") if _is(row, cloud, region)), ())


def standby_in_another_zone(cloud: str, region: str) -> Literal["yes", "blocked"] | None:
    """Whether the region takes new databases with a standby in another zone; `blocked`: for now it does not.

    None when the table does not tell.
    """
    found = next((row["standby"] for row in rows("regions") if _is(row, cloud, region)), "")
    return "yes" if found == "yes" else "blocked" if found == "blocked" else None


def _is(row: Mapping[str, str], cloud: str, region: str) -> bool:
    return (row["cloud"], row["region"]) == (cloud, region)
