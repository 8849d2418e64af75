"""PostgreSQL servers of the clouds: their common settings, and the application's database and user in them."""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_kubernetes as k8s

from components import network
from components.connection import Connection, secret_name
from components.database.administration import DatabaseSchema
from components.database.managed import ManagedDatabaseArgs
from components.passwords import random_password
from components.setup_job import SetupJob
from components.versions import POSTGRESQL_IMAGE
from components.workload import AppMetadata, Resources

APP: Final = "postgresql-bootstrap"
PORT: Final = 5432
ADMINISTRATOR: Final = "sacred_council_owner"
"""No cloud reserves this name."""

SETTINGS: Final = "/etc/postgresql-bootstrap"
CREDENTIALS: Final = "/etc/postgresql-credentials"

BACKUP_DAYS: Final = 14
"""Days that backups are kept. A restore can go back to any point in time in this span."""
BACKUP_START: Final = "02:00"
MAINTENANCE_HOUR: Final = 4
"""Hour in UTC on the region's maintenance day, after the day's backup."""

DEADLINE_SECONDS: Final = 900
RESOURCES: Final = Resources(cpu="100m", memory="64Mi")
SALT_LENGTH: Final = 16
_ITERATIONS: Final = 4096


@dataclass(frozen=True, kw_only=True)
class Server:
    """A cloud's PostgreSQL server."""

    host: pulumi.Output[str]
    """Known once the server answers."""
    authority: pulumi.Input[str]
    """Signs the server's certificate (PEM)."""
    administrator_password: pulumi.Output[str]
    addresses: str
    """IPv4 range (CIDR) that contains the server's address."""
    administrator: str = ADMINISTRATOR


class PostgresBootstrap(pulumi.ComponentResource):
    """A Job that creates the application's database and user. It runs again when its input changes.

    A Job does this because no cloud can create a user with fewer rights than an administrator's.
    The server never receives the application's password, only a verifier for it.

    Outputs: `job`.
    """

    job: k8s.batch.v1.Job

    def __init__(
        self, name: str, args: ManagedDatabaseArgs, server: Server, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("sacred-council:database:PostgresBootstrap", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        setup = _setup_job(
            args,
            server,
            script=BOOTSTRAP_SCRIPT,
            statements=APPLICATION_SQL,
            username=args.credentials.username,
            verifier=_verifier(name, args.credentials.password, child),
        )
        self.job = setup.register(name, AppMetadata(app=APP, region=args.region, namespace=args.namespace), child)
        self.register_outputs({})


class PostgresSchema(pulumi.ComponentResource):
    """A Job that makes a schema and its user in the application's database. It runs again when its input changes.

    The server never receives the user's password, only a verifier for it.

    Outputs: `job`.
    """

    job: k8s.batch.v1.Job

    def __init__(
        self,
        name: str,
        administration: "PostgresAdministration",
        schema: DatabaseSchema,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:database:PostgresSchema", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        args = administration.args
        setup = _setup_job(
            args,
            administration.server,
            script=SCHEMA_SCRIPT,
            statements=SCHEMA_SQL + schema.postgresql,
            username=schema.username,
            verifier=_verifier(name, schema.password, child),
        )
        app = AppMetadata(app=f"postgresql-{schema.name}", region=args.region, namespace=args.namespace)
        self.job = setup.register(name, app, child)
        self.register_outputs({})


@dataclass(frozen=True, kw_only=True)
class PostgresAdministration:
    """Makes schemas in a cloud's PostgreSQL server, as its administrator."""

    args: ManagedDatabaseArgs
    server: Server

    def make(self, name: str, schema: DatabaseSchema, opts: pulumi.ResourceOptions) -> pulumi.Resource:
        """Create the Job in the region, the only one."""
        return PostgresSchema(name, self, schema, opts).job


def _setup_job(
    args: ManagedDatabaseArgs,
    server: Server,
    *,
    script: str,
    statements: str,
    username: str,
    verifier: pulumi.Output[str],
) -> SetupJob:
    """Return the Job that runs `statements` with psql, as the server's administrator."""
    return SetupJob(
        container="bootstrap",
        image=POSTGRESQL_IMAGE,
        command=["/bin/sh", f"{SETTINGS}/bootstrap.sh"],
        resources=RESOURCES,
        deadline=DEADLINE_SECONDS,
        files={"bootstrap.sh": script, "application.sql": statements, "ca.crt": server.authority},
        secrets={"password": server.administrator_password, "verifier": verifier},
        mounts={"settings": SETTINGS, "credentials": CREDENTIALS},
        environment={
            "PGHOST": server.host,
            "PGPORT": str(PORT),
            "PGUSER": server.administrator,
            "APP_DATABASE": args.credentials.database,
            "APP_USERNAME": username,
        },
        egress=[network.egress([PORT], network.cidr(server.addresses))],
    )


def connect(name: str, args: ManagedDatabaseArgs, server: Server, opts: pulumi.ResourceOptions) -> Connection:
    """Create the application's database and user, open the network to the server, and publish the connection's Secret.

    The Secret is a child of the caller and has the same name for every engine, so it survives a switch of engines.
    """
    bootstrap = PostgresBootstrap(f"{name}-bootstrap", args, server, opts)
    opened = network.policy(
        f"{name}-clients",
        name="to-database",
        app=secret_name("database"),
        region=args.region,
        namespace=args.client_namespace,
        egress=[network.egress([PORT], network.cidr(server.addresses))],
        opts=opts,
    )
    return Connection.publish(
        name,
        "database",
        region=args.region,
        namespace=args.client_namespace,
        url=args.credentials.url(server.host, PORT),
        host=server.host,
        port=PORT,
        settings=args.credentials.settings(server.authority),
        after=[bootstrap.job, opened],
        opts=opts,
    )


def _verifier(name: str, password: pulumi.Output[str], opts: pulumi.ResourceOptions) -> pulumi.Output[str]:
    salt = random_password(f"{name}-salt", opts, length=SALT_LENGTH).result
    return pulumi.Output.all(password, salt).apply(lambda known: scram_verifier(known[0], known[1]))


def scram_verifier(password: str, salt: str) -> str:
    """Return the verifier that PostgreSQL stores for a password (SCRAM-SHA-256, RFC 5802).

    Like psql's own \\password, this keeps the password itself out of statements and logs.
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
"""psql runs this with the variables database and username."""

_SCHEMA: Final = r"""-- Makes a user with a schema of its own in the application's database. Safe to run again.
-- Variables: database, username.
\set verifier `cat @CREDENTIALS@/verifier`

SELECT format('CREATE ROLE %I LOGIN', :'username')
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'username') \gexec
ALTER ROLE :"username" LOGIN NOCREATEDB NOCREATEROLE PASSWORD :'verifier';
GRANT CONNECT ON DATABASE :"database" TO :"username";

\connect :"database"
"""
SCHEMA_SQL: Final = _SCHEMA.replace("@CREDENTIALS@", CREDENTIALS)
"""Before the statements of a schema: its user, and the application's database."""


def _script(purpose: str, result: str) -> str:
    """Return the script of a Job that makes `purpose`, and in the end says `result`."""
    return f"""\
#!/bin/sh
# Makes {purpose}. Safe to run again.
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
echo "{result}"
"""


BOOTSTRAP_SCRIPT: Final = _script(
    "the application's database and user in a PostgreSQL server", "The application's database and user are ready."
)
"""The bootstrap Job runs this. It reads PGHOST, PGPORT, PGUSER (the administrator), APP_DATABASE and APP_USERNAME."""

SCHEMA_SCRIPT: Final = _script("a schema and its user in a PostgreSQL server", "The schema and its user are ready.")
"""The Job of a schema runs this, with the same variables; APP_USERNAME is the schema's user."""
