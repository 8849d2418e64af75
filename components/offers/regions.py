"""Properties of whole cloud regions."""

from collections.abc import Mapping
from typing import Literal

from components.offers.tables import rows


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
