"""SQL that keeps a CockroachDB cluster in step with the settings. Pure: every function gives statements as text.

All of it can be said any number of times.
"""

import hashlib
from collections.abc import Collection
from typing import Final, Literal

LABEL: Final = "sacred-council"
"""First part of the labels of the platform's schedules, so that nobody else's are touched."""

Survival = Literal["zone", "region"]


def application_sql(database: str, username: str) -> str:
    """Statements that make the application's database and a user who may make and use tables in it."""
    return (
        f"CREATE DATABASE IF NOT EXISTS {database};\n"
        f"CREATE USER IF NOT EXISTS {username};\n"
        f"GRANT CONNECT, CREATE ON DATABASE {database} TO {username};\n"
        f"USE {database};\n"
        f"GRANT USAGE, CREATE ON SCHEMA public TO {username};\n"
    )


def regions_sql(database: str, *, primary_region: str, regions: Collection[str], survive: Survival) -> str:
    """Statements after which the database lives in all `regions`, at home in the primary region, and survives what it
    should.

    Regions that it lived in before stay: they are dropped afterwards, one by one (`drop_region_sql`), because a
    database that survives a region's loss can only drop one once it has three others, or need survive no longer.
    """
    others = sorted(set(regions) - {primary_region})
    return "".join(
        f"ALTER DATABASE {database} {change};\n"
        for change in (
            f"SET PRIMARY REGION {quoted(primary_region)}",
            *(f"ADD REGION IF NOT EXISTS {quoted(region)}" for region in others),
            f"SURVIVE {survive.upper()} FAILURE",
        )
    )


def drop_region_sql(database: str, region: str) -> str:
    """The statement that takes a region from the database. It fails while rows are at home there."""
    return f"ALTER DATABASE {database} DROP REGION IF EXISTS {quoted(region)};\n"


def regions_of_database_sql(database: str) -> str:
    """A query for the regions that a database lives in: none for one that knows no regions."""
    return f"SELECT region FROM [SHOW REGIONS FROM DATABASE {database}] ORDER BY region;\n"  # noqa: S608 - a checked name


def backup_sql(region: str, *, uri: str, schedule: str, full: str) -> str:
    """Statements after which nodes of `region` back up the whole cluster to `uri`, by these schedules and no others.

    A schedule's label ends with a checksum of all that it says, so a change is a new schedule and the old one goes.
    The new one goes on where the old one wrote: without `ignore_existing_backups` the database would refuse that.
    """
    label = f"{LABEL}:{region}:{hashlib.sha256(f'{uri} {schedule} {full}'.encode()).hexdigest()[:12]}"
    return (
        f"CREATE SCHEDULE IF NOT EXISTS {text(label)} FOR BACKUP INTO {text(uri)}"
        f" WITH EXECUTION LOCALITY = {text(f'region={region}')}"
        f" RECURRING {text(schedule)} FULL BACKUP {text(full)}"
        " WITH SCHEDULE OPTIONS first_run = 'now', ignore_existing_backups, updates_cluster_last_backup_time_metric;\n"
        + _drop_schedules(f"split_part(label, ':', 2) = {text(region)} AND label != {text(label)}")
    )


def stale_backups_sql(regions: Collection[str]) -> str:
    """The statement that ends backups by regions other than `regions`. What they have written stays."""
    kept = ", ".join(text(region) for region in ("", *sorted(regions)))
    return _drop_schedules(f"split_part(label, ':', 2) NOT IN ({kept})")


def _drop_schedules(condition: str) -> str:
    ours = f"split_part(label, ':', 1) = {text(LABEL)}"
    return f"DROP SCHEDULES WITH x AS (SHOW SCHEDULES) SELECT id FROM x WHERE {ours} AND {condition};\n"  # noqa: S608 - all names are quoted


REGIONS_OF_CLUSTER_SQL = "SELECT region FROM [SHOW REGIONS FROM CLUSTER] ORDER BY region;\n"
"""A query for the regions that have nodes."""


def text(value: str) -> str:
    """A text as SQL has it."""
    return "'" + value.replace("'", "''") + "'"


def quoted(name: str) -> str:
    """A name as SQL has it, whatever characters are in it."""
    return '"' + name.replace('"', '""') + '"'
