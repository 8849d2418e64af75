"""What a managed PostgreSQL is asked to be, whatever the cloud."""

from dataclasses import dataclass

import pulumi

from components.context import RegionContext
from components.database.credentials import DatabaseCredentials
from components.database.settings import DatabaseSettings
from components.namespaces import POSTGRESQL, SERVICES


@dataclass(frozen=True, kw_only=True)
class ManagedDatabaseArgs:
    """One region's PostgreSQL, which the cloud runs."""

    context: RegionContext
    settings: DatabaseSettings
    """The server has at least its `cpu` and `memory`. `storage` is the disk at first: it grows by itself."""
    credentials: DatabaseCredentials
    maintenance_day: str
    """The day of the week on which the cloud may restart the server."""

    @property
    def region(self) -> str:
        """The region's name."""
        return self.context.region

    @property
    def namespace(self) -> pulumi.Output[str]:
        """Where the Job runs that makes the application's user."""
        return self.context.namespaces[POSTGRESQL]

    @property
    def client_namespace(self) -> pulumi.Output[str]:
        """Where the clients are."""
        return self.context.namespaces[SERVICES]

    @property
    def standby(self) -> bool:
        """Whether there is a second server in another zone that takes over."""
        return self.settings.nodes > 1
