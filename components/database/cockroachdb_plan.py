"""What a CockroachDB cluster runs with: names, join list, start command and SQL. Pure: no resources."""

import re
from collections.abc import Sequence
from typing import Final

from components.crossing.names import PEER_NAMES

APP: Final = "cockroachdb"
HEADLESS_SERVICE: Final = "cockroachdb"
PUBLIC_SERVICE: Final = "cockroachdb-public"
SQL_PORT: Final = 26257
HTTP_PORT: Final = 8080
CERTIFICATES: Final = "/cockroach/certs"
DATA: Final = "/cockroach/data"
SETTINGS: Final = "/cockroach/settings"
CREDENTIALS: Final = "/cockroach/credentials"
SCRATCH: Final = "/tmp"  # noqa: S108 - an empty volume of the pod's own
SEEDS: Final = 3
ZONE_LABEL: Final = "topology.kubernetes.io/zone"

NODE_NAMES: Final = (
    "localhost",
    *(PUBLIC_SERVICE + suffix for suffix in ("", ".{0}", ".{0}.svc", ".{0}.svc.cluster.local")),
    *(f"*.{HEADLESS_SERVICE}" + suffix for suffix in ("", ".{0}", ".{0}.svc", ".{0}.svc.cluster.local")),
    *PEER_NAMES,
)
"""DNS names of a node's certificate; {0} is the namespace."""

_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]{0,62}")


def check_identifier(field: str, value: str) -> None:
    """Raise ValueError, naming `field`, unless `value` is a plain SQL name."""
    if not _IDENTIFIER.fullmatch(value):
        raise ValueError(
            f"{field}: expected lower-case letters, digits and underscores, at most 63, not starting with a digit,"
            f" got {value!r}"
        )


def join_list(peers: Sequence[str] = ()) -> str:
    """Where a node asks to join: always the region's first three nodes, then `peers` (host:port), sorted.

    Names of nodes that are not there do no harm, and a region that grows need not restart a node.
    """
    seeds = [f"{APP}-{index}.{HEADLESS_SERVICE}:{SQL_PORT}" for index in range(SEEDS)]
    return ",".join([*seeds, *sorted(peers)])


def start_command(region: str, peers: Sequence[str] = ()) -> str:
    """The shell command that starts a node of `region`. It reads POD_NAME, POD_NAMESPACE and ZONE.

    ZONE is the pod's zone label, which Kubernetes copies from the node since 1.35. Older clusters have no such label:
    their nodes all say `zone=unknown`, so that every node of every region has the same tiers. Replicas are then not
    placed by zone, though the scheduler still spreads the pods.
    """
    flags = (
        f"--certs-dir={CERTIFICATES}",
        f"--store={DATA}",
        f"--listen-addr=:{SQL_PORT}",
        f"--http-addr=:{HTTP_PORT}",
        f'--advertise-addr="${{POD_NAME}}.{HEADLESS_SERVICE}.${{POD_NAMESPACE}}:{SQL_PORT}"',
        f'--locality="region={region},zone=${{ZONE:-unknown}}"',
        f"--join={join_list(peers)}",
        "--cache=25%",
        "--max-sql-memory=25%",
        "--logtostderr=INFO",
    )
    return " ".join(("exec /cockroach/cockroach start", *flags))


def connection_url(*, username: str, password: str, host: str, database: str, authority_file: str) -> str:
    """The URL that the application connects with. The password needs no escaping: it is letters and digits."""
    address = f"{username}:{password}@{host}:{SQL_PORT}/{database}"
    return f"postgresql://{address}?sslmode=verify-full&sslrootcert={authority_file}"


def application_sql(database: str, username: str) -> str:
    """Statements that make the application's database and a user who may make and use tables in it."""
    return (
        f"CREATE DATABASE IF NOT EXISTS {database};\n"
        f"CREATE USER IF NOT EXISTS {username};\n"
        f"GRANT CONNECT, CREATE ON DATABASE {database} TO {username};\n"
        f"USE {database};\n"
        f"GRANT USAGE, CREATE ON SCHEMA public TO {username};\n"
    )


BOOTSTRAP_SCRIPT: Final = f"""\
#!/bin/bash
# Initialises the cluster unless it is already, then makes the application's database and user. Safe to run again.
# Passwords come from files and go to the server on standard input: they are in no argument list and in no log.
set -euo pipefail
shopt -s inherit_errexit

crdb() {{
  command=$1
  shift
  /cockroach/cockroach "$command" --certs-dir={CERTIFICATES} --host="$HOST:{SQL_PORT}" "$@"
}}

initialise() {{
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

# The file's content as an SQL string: single quotes are doubled.
sql_string() {{
  local quote="'" value
  value=$(<"$1")
  printf "'%s'" "${{value//$quote/$quote$quote}}"
}}

if [[ "$FOUNDER" == true ]]; then
  until initialise; do sleep 2; done
fi
until crdb sql --execute="SELECT 1" >/dev/null 2>&1; do
  echo "Waiting for $HOST to answer."
  sleep 2
done

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
"""
"""Run by the bootstrap Job. It reads HOST (a node of the region), FOUNDER (true or false) and USERNAME."""
