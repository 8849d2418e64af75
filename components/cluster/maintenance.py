"""When a cloud may restart what a region runs on."""

from dataclasses import dataclass
from typing import Final

DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, kw_only=True)
class MaintenanceWindow:
    """When a cloud may restart a region's nodes for updates: on one day of the week, from `start_hour` (UTC) on.

    GKE asks for 48 hours within any 32 days, so for 12 hours a week at least. The window ends on its own day: regions
    with different days are never restarted together.
    """

    day: str
    """One of `DAYS`."""
    start_hour: int = 0
    hours: int = 16

    def __post_init__(self) -> None:
        if self.day not in DAYS:
            raise ValueError(f"day: expected one of {', '.join(DAYS)}, got {self.day!r}")
        if self.start_hour < 0 or self.hours < 12 or self.start_hour + self.hours > 24:
            raise ValueError(
                f"hours: {self.hours} from {self.start_hour}:00 on are not 12 or more within a day; GKE refuses less"
            )
