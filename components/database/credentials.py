"""The application's database credentials, for every region and engine."""

import re

import pulumi

from components.connection import mount_path
from components.passwords import random_password

_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]{0,62}")


class DatabaseCredentials(pulumi.ComponentResource):
    """One user for all regions. They share one database, so they also share the password.

    Raises ValueError if `database` or `username` would need quotes in SQL.

    Outputs: `database`, `username` (plain strings), `password` (secret; letters and digits).
    """

    database: str
    username: str
    password: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        database: str = "sacred_council",
        username: str = "sacred_council",
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        _check_identifier("database", database)
        _check_identifier("username", username)
        super().__init__("sacred-council:database:DatabaseCredentials", name, None, opts)
        self.database = database
        self.username = username
        self.password = random_password(f"{name}-password", pulumi.ResourceOptions(parent=self)).result
        self.register_outputs({"database": self.database, "username": self.username})

    def url(self, host: pulumi.Output[str], port: pulumi.Input[int]) -> pulumi.Output[str]:
        """Return the URL for the application. It expects the connection's Secret at its usual mount path."""
        return pulumi.Output.all(host=host, port=port, password=self.password).apply(
            lambda known: connection_url(
                username=self.username,
                password=known["password"],
                host=known["host"],
                port=known["port"],
                database=self.database,
                authority_file=f"{mount_path('database')}/ca.crt",
            )
        )

    def settings(self, authority: pulumi.Input[str]) -> dict[str, pulumi.Input[str]]:
        """Return the Secret's entries besides the address. `authority` signs the server's certificate (PEM)."""
        return {
            "database": self.database,
            "username": self.username,
            "password": self.password,
            "ca.crt": authority,
        }


def connection_url(*, username: str, password: str, host: str, port: int, database: str, authority_file: str) -> str:
    """Return a URL with full certificate verification. The password has only letters and digits: no escaping."""
    address = f"{username}:{password}@{host}:{port}/{database}"
    return f"postgresql://{address}?sslmode=verify-full&sslrootcert={authority_file}"


def _check_identifier(field: str, value: str) -> None:
    """Raise ValueError, naming `field`, unless `value` is a plain SQL name."""
    if not _IDENTIFIER.fullmatch(value):
        raise ValueError(
            f"{field}: expected lower-case letters, digits and underscores, at most 63, not starting with a digit,"
            f" got {value!r}"
        )
