"""What a managed PostgreSQL runs with: names, SQL and the script that makes the application's user. Pure."""

import base64
import hashlib
import hmac
from typing import Final

APP: Final = "postgresql-bootstrap"
PORT: Final = 5432
ADMINISTRATOR: Final = "sacred_council_owner"
"""None of the clouds has reserved this name for itself."""

SETTINGS: Final = "/etc/postgresql-bootstrap"
CREDENTIALS: Final = "/etc/postgresql-credentials"

BACKUP_DAYS: Final = 14
"""How long backups are kept, and so how far back a point in time can be restored."""
BACKUP_START: Final = "02:00"
MAINTENANCE_HOUR: Final = 4
"""UTC, on the region's day of maintenance: after the day's backup."""

_ITERATIONS: Final = 4096


def connection_url(
    *, username: str, password: str, host: str, database: str, authority_file: str, port: int = PORT
) -> str:
    """The URL that the application connects with. The password needs no escaping: it is letters and digits."""
    address = f"{username}:{password}@{host}:{port}/{database}"
    return f"postgresql://{address}?sslmode=verify-full&sslrootcert={authority_file}"


def scram_verifier(password: str, salt: str) -> str:
    """What PostgreSQL keeps of a password (SCRAM-SHA-256, RFC 5802): the server learns no more of it than this.

    Whoever sets a password this way, as psql's own \\password does, shows it to no statement and to no log.
    """
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt.encode(), _ITERATIONS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    encoded = [base64.b64encode(part).decode() for part in (salt.encode(), stored, server)]
    return f"SCRAM-SHA-256${_ITERATIONS}:{encoded[0]}${encoded[1]}:{encoded[2]}"


_SQL: Final = r"""-- Makes the application's database, and a user who may make and use tables in it and nothing else.
-- Safe to run again. Variables: database, username.
\set verifier `cat @CREDENTIALS@/verifier`

SELECT format('CREATE ROLE %I LOGIN', :'username')
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'username') \gexec
ALTER ROLE :"username" LOGIN NOCREATEDB NOCREATEROLE PASSWORD :'verifier';

SELECT format('CREATE DATABASE %I', :'database')
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT, CREATE, TEMPORARY ON DATABASE :"database" TO :"username";

\connect :"database"
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO :"username";
"""
APPLICATION_SQL: Final = _SQL.replace("@CREDENTIALS@", CREDENTIALS)
"""Run by psql with the variables database and username."""

BOOTSTRAP_SCRIPT: Final = f"""\
#!/bin/sh
# Makes the application's database and user in a PostgreSQL server. Safe to run again.
# Passwords come from files: they are in no argument list and in no log.
set -eu

PGPASSWORD=$(cat {CREDENTIALS}/password)
export PGPASSWORD
export PGDATABASE=postgres PGSSLMODE=verify-full PGSSLROOTCERT={SETTINGS}/ca.crt
export PGGSSENCMODE=disable PGCONNECT_TIMEOUT=10 PGTARGETSESSIONATTRS=read-write

until psql --no-psqlrc --quiet --command="SELECT 1" >/dev/null; do
  echo "Waiting for $PGHOST to answer."
  sleep 5
done

psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --set=database="$APP_DATABASE" --set=username="$APP_USERNAME" \\
  --file={SETTINGS}/application.sql
echo "The application's database and user are ready."
"""
"""Run by the bootstrap Job. It reads PGHOST, PGPORT, PGUSER (the administrator), APP_DATABASE and APP_USERNAME."""
