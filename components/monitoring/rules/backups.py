"""Alerts on backups of the database in the cluster. Pure: no resources.

A node knows the time of the last backup that it completed, until it restarts: then it says 0 until the next one. So
rules look back over days.
"""

from collections.abc import Sequence
from typing import Final

from components.monitoring.names import MonitoringTargets
from components.monitoring.rules.model import Alert

HOURS: Final = 26
"""A backup is added every day at least, and some take long."""
AGE_DAYS: Final = 7
"""So long after a restart a backup's age is still known."""
ABSENCE_DAYS: Final = 5
"""With the wait of `HOURS` this ends before `AGE_DAYS` do: at any time one of the two alerts
fires, as long as Prometheus keeps seven days."""
RUNBOOK: Final = "restore-the-database"


def backup_alerts(targets: MonitoringTargets) -> Sequence[Alert]:
    """The alerts of a region with a database; on missing backups only where its nodes take some."""
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
    """When backups were completed (Unix time), as nodes have said within so many `days`."""
    return _either("max_over_time(schedules_{}_last_completed_time", f"{place}[{days}d]) > 0")


def _either(metric: str, rest: str) -> str:
    """A metric of backups in both spellings that CockroachDB's own documents have."""
    return " or ".join(f"{metric.format(spelt)}{rest}" for spelt in ("BACKUP", "backup"))
