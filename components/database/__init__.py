"""Databases. Callers know only what `Database` promises, whichever engine is behind it."""

from typing import Final, Protocol

import pulumi


class Database(Protocol):
    """What every database component offers, once it accepts connections of the application.

    `url` is secret: a postgresql:// URL with user, password and full certificate verification. `secret_name` is the
    Secret `database-connection` in the clients' namespace with the keys url, host, port, database, username,
    password and ca.crt; `url` expects that it is mounted at `components.connection.mount_path("database")`.
    """

    url: pulumi.Output[str]
    host: pulumi.Output[str]
    port: pulumi.Output[int]
    secret_name: pulumi.Output[str]


ENGINES: Final = ("CockroachDB", "CloudSql", "Rds", "FlexibleServer")
TYPES: Final = tuple(f"sacred-council:database:{engine}" for engine in ENGINES)
"""Every engine's component: whoever changes the engine of a stack names them, so that what all have stays."""

__all__ = ["TYPES", "Database"]
