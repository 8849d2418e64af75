"""How the application logs in to its database, whichever region it is in."""

from dataclasses import dataclass

import pulumi
import pulumi_random as random

from components.database.cockroachdb_plan import check_identifier

PASSWORD_LENGTH = 32


@dataclass(frozen=True, kw_only=True)
class DatabaseCredentialsArgs:
    """Names of the application's `database` and of its user."""

    database: str = "sacred_council"
    username: str = "sacred_council"

    def __post_init__(self) -> None:
        check_identifier("database", self.database)
        check_identifier("username", self.username)


class DatabaseCredentials(pulumi.ComponentResource):
    """One user for all regions: they share one database, so a password per region would not do.

    Outputs: `database`, `username` (plain strings), `password` (secret; letters and digits).
    """

    database: str
    username: str
    password: pulumi.Output[str]

    def __init__(self, name: str, args: DatabaseCredentialsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:database:DatabaseCredentials", name, None, opts)
        self.database = args.database
        self.username = args.username
        self.password = random.RandomPassword(
            f"{name}-password", length=PASSWORD_LENGTH, special=False, opts=pulumi.ResourceOptions(parent=self)
        ).result
        self.register_outputs({"database": self.database, "username": self.username})
