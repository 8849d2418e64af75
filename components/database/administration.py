"""What other components make in the application's database as its administrator: schemas with users of their own."""

from dataclasses import dataclass
from typing import Protocol

import pulumi


@dataclass(frozen=True, kw_only=True)
class DatabaseSchema:
    """A schema of one service, and its user. The statements can run any number of times."""

    name: str
    """Part of the names of the Job's objects, such as `matching`: a DNS label."""
    username: str
    """A plain SQL name."""
    password: pulumi.Output[str]
    """The same in every region, because the regions may share one database."""
    cockroachdb: str
    """Statements for CockroachDB. The user exists, and the application's database is the current one."""
    cockroachdb_made: str
    """A query that CockroachDB answers without an error once the schema is there."""
    postgresql: str
    """Input of psql for PostgreSQL, with the variables `database` and `username`. The user exists, and psql is
    connected to the application's database."""


class DatabaseAdministration(Protocol):
    """Makes schemas in the database of a region. Every kind of database has one."""

    def make(self, name: str, schema: DatabaseSchema, opts: pulumi.ResourceOptions) -> pulumi.Resource:
        """Create the Job `name` that makes `schema`, and return the resource that waits for its end.

        It runs again when the schema or the user's password changes. The application's database must be there before.
        """
