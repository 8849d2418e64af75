"""SQL and shell scripts of the Jobs that set up a CockroachDB cluster. Pure: text only.

All scripts can run any number of times.
Passwords come from files and reach the server on standard input, so no argument list and no log contains them.
"""

import hashlib
from collections.abc import Collection
from typing import Final, Literal

from components.database.cockroachdb_nodes import CERTIFICATES, CREDENTIALS, SETTINGS, SQL_PORT

LABEL: Final = "sacred-council"
"""First part of the labels of the platform's schedules. Other schedules are left alone."""
ANSWER_SECONDS: Final = 10
"""Time limit for an answer from a node of another region."""

Survival = Literal["zone", "region"]


def application_sql(database: str, username: str) -> str:
    """Return statements that create the application's database, and a user who may create and use tables in it."""
    return (
        f"CREATE DATABASE IF NOT EXISTS {database};\n"
        f"CREATE USER IF NOT EXISTS {username};\n"
        f"GRANT CONNECT, CREATE ON DATABASE {database} TO {username};\n"
        f"USE {database};\n"
        f"GRANT USAGE, CREATE ON SCHEMA public TO {username};\n"
    )


def regions_sql(database: str, *, primary_region: str, regions: Collection[str], survive: Survival) -> str:
    """Return statements that place the database in all `regions`, with its primary region and survival goal.

    These statements keep regions that have left the list. `drop_region_sql` drops those afterwards, one by one,
    because a database that survives a region's loss can drop one only if three others remain or the goal is lowered.
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
    """Return the statement that drops a region from the database. It fails while rows have their home there."""
    return f"ALTER DATABASE {database} DROP REGION IF EXISTS {quoted(region)};\n"


def regions_of_database_sql(database: str) -> str:
    """Return a query for the regions of a database. It returns no rows for a database without regions."""
    return f"SELECT region FROM [SHOW REGIONS FROM DATABASE {database}] ORDER BY region;\n"  # noqa: S608 - a checked name


def backup_sql(region: str, *, uri: str, schedule: str, full: str) -> str:
    """Return statements that make nodes of `region` back up the whole cluster to `uri`, on exactly these schedules.

    A schedule's label ends with a checksum of its content, so a change creates a new schedule and drops the old one.
    The new schedule writes where the old one wrote, which the database refuses without `ignore_existing_backups`.
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
    """Return the statement that ends backups of regions outside `regions`. Existing backups stay."""
    kept = ", ".join(text(region) for region in ("", *sorted(regions)))
    return _drop_schedules(f"split_part(label, ':', 2) NOT IN ({kept})")


def _drop_schedules(condition: str) -> str:
    ours = f"split_part(label, ':', 1) = {text(LABEL)}"
    return f"DROP SCHEDULES WITH x AS (SHOW SCHEDULES) SELECT id FROM x WHERE {ours} AND {condition};\n"  # noqa: S608 - all names are quoted


REGIONS_OF_CLUSTER_SQL = "SELECT region FROM [SHOW REGIONS FROM CLUSTER] ORDER BY region;\n"
"""A query for the regions that have nodes."""


def text(value: str) -> str:
    """Return `value` as an SQL string literal."""
    return "'" + value.replace("'", "''") + "'"


def quoted(name: str) -> str:
    """Return `name` as a quoted SQL identifier. It may contain any character."""
    return '"' + name.replace('"', '""') + '"'


def _in_double_quotes(text: str) -> str:
    """Escape `text` for use between the shell's double quotes, where variables still expand."""
    return text.strip().replace('"', '\\"')


_BEGINNING: Final = f"""\
#!/bin/bash
set -euo pipefail
shopt -s inherit_errexit

crdb() {{
  /cockroach/cockroach "$@" --certs-dir={CERTIFICATES} --host="$HOST:{SQL_PORT}"
}}

until_it_answers() {{
  until crdb sql --execute="SELECT 1" >/dev/null 2>&1; do
    echo "Waiting for $HOST to answer."
    sleep 2
  done
}}
"""

_SQL_STRING: Final = """\
# The file's content as an SQL string: single quotes are doubled.
sql_string() {
  local quote="'" value
  value=$(<"$1")
  printf "'%s'" "${value//$quote/$quote$quote}"
}
"""

BOOTSTRAP_SCRIPT: Final = f"""\
{_BEGINNING}
has_a_database() {{
  timeout {ANSWER_SECONDS} /cockroach/cockroach sql --certs-dir={CERTIFICATES} --host="$1:{SQL_PORT}" \\
    --execute="SELECT 1" >/dev/null 2>&1
}}

# A primary region whose nodes are all new would make a second database, next to the one that the other regions have.
refuse_a_second_database() {{
  local other
  while read -r other; do
    if has_a_database "$other"; then
      echo "Not initialised: $other has a database already, and $HOST is not part of it." >&2
      echo "Name a region that has it in database.primaryRegion, and this one joins." >&2
      echo "See docs/runbooks/remove-a-region.md." >&2
      return 1
    fi
  done <{SETTINGS}/others
}}

initialise() {{
  local output
  if output=$(crdb init 2>&1); then
    echo "Initialised the cluster."
    return 0
  fi
  if [[ "$output" == *"already been initialized"* ]]; then
    echo "The cluster is already initialised."
    return 0
  fi
  echo "Waiting for $HOST to be initialised: $output"
  return 1
}}

{_SQL_STRING}
# Only the primary region says what is in the database: regions that did so at the same time would disturb each other.
if [[ "$IS_PRIMARY_REGION" != true ]]; then
  until_it_answers
  until crdb sql --execute="SHOW TABLES FROM $DATABASE" >/dev/null 2>&1; do
    echo "Waiting for the primary region to make the application's database."
    sleep 2
  done
  echo "The region's nodes have joined the database."
  exit 0
fi

if ! has_a_database "$HOST"; then
  refuse_a_second_database
fi
until initialise; do sleep 2; done
until_it_answers

statements=$(<{SETTINGS}/application.sql)
password=$(sql_string {CREDENTIALS}/password)
statements+="
ALTER USER $USERNAME WITH PASSWORD $password;"
if [[ -s {CREDENTIALS}/license ]]; then
  license=$(sql_string {CREDENTIALS}/license)
  statements+="
SET CLUSTER SETTING enterprise.license = $license;"
fi
printf '%s\\n' "$statements" | crdb sql >/dev/null
echo "The application's database and user are ready."
"""  # noqa: S608 - what is put in are constants of the program
"""Initialises the cluster if needed, then creates the application's database and user.

Reads HOST (a node of the region), IS_PRIMARY_REGION (true or false), DATABASE and USERNAME, and the file `others`: a
node of each other region, one per line.
"""

REGIONS_SCRIPT: Final = f"""\
{_BEGINNING}
# The rows of a query with one column.
rows() {{
  crdb sql --format=tsv --execute="$1" | tail -n +2
}}

# Every node with its locality, one a line.
nodes() {{
  local status line position id=-1 locality=-1
  local -a cells
  status=$(crdb node status --format=tsv)
  while IFS= read -r line; do
    # Tabs next to each other would be one separator to read.
    IFS='|' read -r -a cells <<<"${{line//$'\\t'/|}}"
    if ((id >= 0 && locality >= 0)); then
      echo "${{cells[id]}} ${{cells[locality]}}"
      continue
    fi
    for position in "${{!cells[@]}}"; do
      if [[ "${{cells[position]}}" == id ]]; then id=$position; fi
      if [[ "${{cells[position]}}" == locality ]]; then locality=$position; fi
    done
  done <<<"$status"
}}

# Whether $1 is a line of $2.
within() {{
  [[ $'\\n'"$2"$'\\n' == *$'\\n'"$1"$'\\n'* ]]
}}

until_it_answers
crdb sql <{SETTINGS}/stale-backups.sql >/dev/null
wanted=$(<{SETTINGS}/regions)
present=$(rows "$(<{SETTINGS}/database-regions.sql)")
if [[ -z "$present" && "$wanted" != *$'\\n'* ]]; then
  echo "One region alone: the database need not know of regions."
  exit 0
fi

# A region is known once one of its nodes has joined.
while read -r region; do
  until within "$region" "$present" || within "$region" "$(rows '{REGIONS_OF_CLUSTER_SQL.strip()}')"; do
    echo "Waiting for nodes of $region to join."
    sleep 5
  done
done <<<"$wanted"
crdb sql <{SETTINGS}/regions.sql >/dev/null

while read -r region; do
  if [[ -n "$region" ]] && ! within "$region" "$wanted"; then
    echo "Taking $region from the database."
    crdb sql --execute="{_in_double_quotes(drop_region_sql("$DATABASE", "$region"))}" >/dev/null
  fi
done <<<"$present"

# Nodes of regions that are not wanted any more give away what they hold; only then may they go.
members=$(nodes)
leaving=()
while read -r id locality; do
  region=${{locality#region=}}
  region=${{region%%,*}}
  if [[ "$locality" != region=* ]]; then
    echo "Node $id says no region: left alone. See docs/runbooks/remove-a-region.md."
  elif ! within "$region" "$wanted"; then
    leaving+=("$id")
  fi
done <<<"$members"
if ((${{#leaving[@]}})); then
  echo "Decommissioning nodes ${{leaving[*]}}."
  crdb node decommission "${{leaving[@]}}" --wait=all
fi
echo "The database lives in: ${{wanted//$'\\n'/, }}."
"""
"""Matches the database to the list of regions, and empties the nodes of regions that have left the list.

Reads HOST and DATABASE, and the files `regions` (one per line), `regions.sql`, `database-regions.sql` and
`stale-backups.sql`.
"""

BACKUP_SCRIPT: Final = f"""\
{_BEGINNING}
until_it_answers
crdb sql <{SETTINGS}/backup.sql >/dev/null
echo "The database backs itself up."
"""
"""Schedules the database's own backups. Reads HOST and the file `backup.sql`."""

SCHEMA_SCRIPT: Final = f"""\
{_BEGINNING}
{_SQL_STRING}
until_it_answers
# Only the primary region says what is in the database. Its Job and this one may run at the same time.
if [[ "$IS_PRIMARY_REGION" != true ]]; then
  until crdb sql --database="$DATABASE" <{SETTINGS}/made.sql >/dev/null 2>&1; do
    echo "Waiting for the primary region to make the schema."
    sleep 2
  done
  echo "The schema is there."
  exit 0
fi

password=$(sql_string {CREDENTIALS}/password)
statements="CREATE USER IF NOT EXISTS $USERNAME;
ALTER USER $USERNAME WITH PASSWORD $password;
GRANT CONNECT ON DATABASE $DATABASE TO $USERNAME;
USE $DATABASE;
$(<{SETTINGS}/schema.sql)"
printf '%s\\n' "$statements" | crdb sql >/dev/null
echo "The schema and its user are ready."
"""
"""Makes a schema and its user. In other regions than the primary one it waits until the schema is there.

Reads HOST, IS_PRIMARY_REGION, DATABASE and USERNAME, and the files `schema.sql` and `made.sql`.
"""
