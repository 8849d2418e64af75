"""Databases. Callers depend only on `Database` and need not know the engine behind it."""

from typing import Final, Protocol

import pulumi

from components.database.administration import DatabaseAdministration, DatabaseSchema


class Database(Protocol):
    """The outputs of every database component, known once it accepts the application's connections."""

    url: pulumi.Output[str]
    """Secret postgresql:// URL with user, password and full certificate verification.

    It expects the Secret at `components.connection.mount_path("database")`.
    """
    host: pulumi.Output[str]
    port: pulumi.Output[int]
    secret_name: pulumi.Output[str]
    """The Secret `database-connection` in the clients' namespace.

    Keys: url, host, port, database, username, password and ca.crt.
    """
    administration: DatabaseAdministration
    """Makes schemas in the application's database."""


ENGINES: Final = ("CockroachDB", "CloudSql", "Rds", "FlexibleServer")
TYPES: Final = tuple(f"sacred-council:database:{engine}" for engine in ENGINES)
"""Component types of all engines. The stack aliases them, so that switching engines updates the Secret in place."""

__all__ = ["TYPES", "Database", "DatabaseAdministration", "DatabaseSchema"]
