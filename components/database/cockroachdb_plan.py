"""What a CockroachDB cluster runs with: names, join lists, flags and the bootstrap script. Pure: no resources."""

from collections.abc import Sequence
from typing import Final

APP: Final = "cockroachdb"
HEADLESS_SERVICE: Final = "cockroachdb"
PUBLIC_SERVICE: Final = "cockroachdb-public"
SQL_PORT: Final = 26257
HTTP_PORT: Final = 8080
CERTIFICATES: Final = "/cockroach/certs"
DATA: Final = "/cockroach/data"
SETTINGS: Final = "/cockroach/settings"
CREDENTIALS: Final = "/cockroach/credentials"
JOIN_LIMIT: Final = 3
ZONE_LABEL: Final = "topology.kubernetes.io/zone"

NODE_NAMES: Final = (
    "localhost",
    PUBLIC_SERVICE,
    PUBLIC_SERVICE + ".{namespace}",
    PUBLIC_SERVICE + ".{namespace}.svc",
    PUBLIC_SERVICE + ".{namespace}.svc.cluster.local",
    f"*.{HEADLESS_SERVICE}",
    f"*.{HEADLESS_SERVICE}" + ".{namespace}",
    f"*.{HEADLESS_SERVICE}" + ".{namespace}.svc",
    f"*.{HEADLESS_SERVICE}" + ".{namespace}.svc.cluster.local",
)
"""DNS names of a node's certificate, to be filled in with the namespace."""


def join_list(nodes: int, peers: Sequence[str] = ()) -> str:
    """Where a node asks to join: the region's first nodes, then `peers` (host:port) of other regions, sorted.

    The first three are enough, so that a cluster that grows further need not restart.
    """
    local = [f"{APP}-{index}.{HEADLESS_SERVICE}:{SQL_PORT}" for index in range(min(nodes, JOIN_LIMIT))]
    return ",".join([*local, *sorted(peers)])


def start_script(region: str, nodes: int, peers: Sequence[str] = ()) -> str:
    """The shell command that starts a node of `region`.

    The zone comes from the pod's label, which Kubernetes copies from the node since 1.35. Older clusters have no
    such label: there all nodes say `zone=unknown`, so that every node of every region has the same tiers, and spread
    over zones is left to the scheduler.
    """
    flags = [
        f"--certs-dir={CERTIFICATES}",
        f"--store=path={DATA}",
        f"--listen-addr=0.0.0.0:{SQL_PORT}",
        f"--http-addr=0.0.0.0:{HTTP_PORT}",
        f'--advertise-addr="${{POD_NAME}}.{HEADLESS_SERVICE}.${{POD_NAMESPACE}}:{SQL_PORT}"',
        f'--locality="region={region},zone=${{ZONE:-unknown}}"',
        f"--join={join_list(nodes, peers)}",
        "--cache=25%",
        "--max-sql-memory=25%",
        "--logtostderr=INFO",
    ]
    return "exec /cockroach/cockroach start " + " ".join(flags)


def url(*, username: str, password: str, host: str, database: str, authority_file: str) -> str:
    """The URL that applications connect with."""
    return (
        f"postgresql://{username}:{password}@{host}:{SQL_PORT}/{database}?sslmode=verify-full&sslrootcert={authority_file}"
    )


BOOTSTRAP_SCRIPT: Final = rf"""#!/bin/bash
# Initialises the cluster where it has not been, then makes the application's database and user. Safe to run again.
# Passwords reach the shell in files and the server on standard input: they are in no argument list and no log.
set -eu

crdb() {{
  /cockroach/cockroach "$@" --certs-dir={CERTIFICATES}
}}

initialise() {{
  if output=$(crdb init --host="$NODE" 2>&1); then
    echo "The cluster is initialised."
    return 0
  fi
  case "$output" in
    *"already been initialized"*) return 0 ;;
  esac
  printf 'Waiting for %s: %s\n' "$NODE" "$output" >&2
  return 1
}}

answers() {{
  crdb sql --host="$SERVICE" --execute='SELECT 1' >/dev/null 2>&1
}}

# One value as an SQL string: single quotes are doubled.
quoted() {{
  value=$(cat "$1")
  printf "'%s'" "${{value//\'/\'\'}}"
}}

statements() {{
  if [ -s {CREDENTIALS}/license ]; then
    printf 'SET CLUSTER SETTING enterprise.license = %s;\n' "$(quoted {CREDENTIALS}/license)"
  fi
  cat {SETTINGS}/application.sql
  printf 'ALTER USER "%s" WITH PASSWORD %s;\n' "$USERNAME" "$(quoted {CREDENTIALS}/password)"
}}

if [ "$FOUNDER" = true ]; then
  until initialise; do sleep 2; done
fi
until answers; do sleep 2; done
statements | crdb sql --host="$SERVICE" --set=errexit=true >/dev/null
echo "The application's database and user are ready."
"""


def application_sql(database: str, username: str) -> str:
    """The statements that make the application's database and a user who may create and use tables in it."""
    return (
        f'CREATE DATABASE IF NOT EXISTS "{database}";\n'
        f'CREATE USER IF NOT EXISTS "{username}";\n'
        f'GRANT CONNECT, CREATE ON DATABASE "{database}" TO "{username}";\n'
        f'GRANT USAGE, CREATE ON SCHEMA "{database}".public TO "{username}";\n'
    )
