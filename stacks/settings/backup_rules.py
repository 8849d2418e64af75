"""Rules about backups of the database. They read plain values. Pure."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from components.database.settings import BackupSettings
from components.settings.values import days_of
from components.settings.words import did_you_mean
from stacks.settings.data_service_rules import section
from stacks.settings.errors import Mistake, path_of, shown
from stacks.settings.inheritance import Plain
from stacks.settings.region_rules import Regions

_LEAST_DAYS: Final[Mapping[str, int]] = {"@daily": 2, "@weekly": 14}
"""A full backup is only done without once the next one, and what was added to it, is there."""


def broken_backup_rules(values: Plain, regions: Regions) -> Iterator[Mistake]:
    """All mistakes of the backups; what is malformed in itself is passed over."""
    backup = section(section(values, "database"), "backup")
    yield from _regions(backup, regions)
    yield from _retention(backup)


def managed_backups() -> Mistake:
    """The mistake of setting up backups of a database that the cloud backs up."""
    return Mistake(
        path=path_of("database", "backup"),
        value="",
        rule="is for cockroachdb: a cloud backs up its PostgreSQL by itself",
        remedy="remove it",
    )


def _regions(backup: Plain, regions: Regions) -> Iterator[Mistake]:
    clouds = {name: region.get("cloud") for region in regions.values() if isinstance(name := region.get("name"), str)}
    given = backup.get("regions")
    named = list(given) if isinstance(given, list | tuple) and clouds else []
    for index, name in enumerate(named):
        if not isinstance(name, str):
            continue
        path = path_of("database", "backup", "regions", index)
        if name not in clouds:
            rule, remedy = "is not the name of a region of this stack", did_you_mean(name, clouds)
        elif clouds[name] == "existing":
            rule, remedy = "has no cloud with object storage (cloud: existing)", "name regions of gcp, aws or azure"
        elif name in named[:index]:
            rule, remedy = "is named already", "remove the repetition"
        else:
            continue
        yield Mistake(path=path, value=shown(name), rule=rule, remedy=remedy)


def _retention(backup: Plain) -> Iterator[Mistake]:
    usual = BackupSettings()
    retention, full = backup.get("retention", usual.retention), backup.get("full", usual.full)
    least = _LEAST_DAYS.get(full) if isinstance(full, str) else None
    if least is None or not isinstance(retention, str) or not re.fullmatch(r"[1-9][0-9]*[dw]", retention):
        return
    if days_of(retention) < least:
        yield Mistake(
            path=path_of("database", "backup", "retention"),
            value=shown(retention),
            rule=f"is too short with a full backup {full}: there would be times with none",
            remedy=f"write {least}d or more",
        )
