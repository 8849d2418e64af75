"""When a cloud may restart a region's machines."""

from dataclasses import dataclass
from typing import Final

DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, kw_only=True)
class MaintenanceWindow:
    """When a cloud may restart a region's nodes for updates: once a week, from `start_hour`.

    GKE requires 48 hours in any 32 days, so at least 12 hours a week.
    The window ends on the day it starts, so regions with different days never restart together.
    """

    day: str
    """One of `DAYS`."""
    start_hour: int = 0
    """UTC."""
    hours: int = 16

    def __post_init__(self) -> None:
        if self.day not in DAYS:
            raise ValueError(f"day: expected one of {', '.join(DAYS)}, got {self.day!r}")
        if self.start_hour < 0 or self.hours < 12 or self.start_hour + self.hours > 24:
            raise ValueError(
                f"hours: {self.hours} from {self.start_hour}:00 on are not 12 or more within a day; GKE refuses less"
            )
