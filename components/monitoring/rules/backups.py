"""Alerts on backups of the database in the cluster. Pure.

A node reports the time of the last backup that it completed. After a restart it reports 0 until the next backup.
Therefore the rules look back over days.
"""

from collections.abc import Sequence
from typing import Final

from components.monitoring.names import MonitoringTargets
from components.monitoring.rules.model import Alert

HOURS: Final = 26
"""Backups are added at least once a day, and some take long."""
AGE_DAYS: Final = 7
"""Days after a restart for which a backup's age is still known."""
ABSENCE_DAYS: Final = 5
"""Shorter than `AGE_DAYS`, even with the wait of `HOURS`. So one of the two alerts fires at any time, as long as
Prometheus keeps seven days."""
RUNBOOK: Final = "restore-the-database"


def backup_alerts(targets: MonitoringTargets) -> Sequence[Alert]:
    """Return the alerts for a region with a database. Those on missing backups need nodes that take backups."""
    place = f'{{namespace="{targets.database}"}}'
    return [_failed(place), *([_old(place), _absent(place)] if targets.backups else [])]


def _failed(place: str) -> Alert:
    return Alert(
        name="DatabaseBackupFailed",
        expr=f"sum({_either('increase(schedules_{}_failed', f'{place}[2h])')}) > 0",
        wait="5m",
        severity="warning",
        summary="A backup of the database has failed",
        description="A scheduled backup has failed within two hours. Older ones are there; newer data is in none.",
        runbook=RUNBOOK,
    )


def _old(place: str) -> Alert:
    return Alert(
        name="DatabaseBackupMissing",
        expr=f"time() - max({_completed(place, AGE_DAYS)}) > {HOURS} * 3600",
        wait="30m",
        severity="critical",
        summary="The last backup of the database is {{ $value | humanizeDuration }} old",
        description=f"This region's nodes have completed no scheduled backup for more than {HOURS} hours.",
        runbook=RUNBOOK,
    )


def _absent(place: str) -> Alert:
    return Alert(
        name="DatabaseNotBackedUp",
        expr=f"absent({_completed(place, ABSENCE_DAYS)})",
        wait=f"{HOURS}h",
        severity="critical",
        summary="No backup of the database is known",
        description=(
            f"For {HOURS} hours no node of this region has known of a scheduled backup that it completed within "
            f"{ABSENCE_DAYS} days."
        ),
        runbook=RUNBOOK,
    )


def _completed(place: str, days: int) -> str:
    """Times (Unix) of completed backups that nodes reported in the last `days` days."""
    return _either("max_over_time(schedules_{}_last_completed_time", f"{place}[{days}d]) > 0")


def _either(metric: str, rest: str) -> str:
    """A metric of backups in both spellings of CockroachDB's documentation."""
    return " or ".join(f"{metric.format(spelt)}{rest}" for spelt in ("BACKUP", "backup"))
