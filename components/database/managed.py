"""Settings of a managed PostgreSQL that are the same for all clouds."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from components.context import RegionContext
from components.database.credentials import DatabaseCredentials
from components.database.settings import DatabaseSettings
from components.namespaces import POSTGRESQL, SERVICES


@dataclass(frozen=True, kw_only=True)
class ManagedDatabaseArgs:
    """One region's managed PostgreSQL."""

    context: RegionContext
    settings: DatabaseSettings
    """`cpu` and `memory` are minimums. `storage` is the disk's first size, and the disk grows by itself."""
    credentials: DatabaseCredentials
    maintenance_day: str
    """Day of the week on which the cloud may restart the server."""
    extensions: Sequence[str] = ()
    """PostgreSQL extensions that schemas need. Azure allows only those that its server names."""

    @property
    def region(self) -> str:
        """The region's name."""
        return self.context.region

    @property
    def namespace(self) -> pulumi.Output[str]:
        """The namespace of the Job that creates the application's user."""
        return self.context.namespaces[POSTGRESQL]

    @property
    def client_namespace(self) -> pulumi.Output[str]:
        """The clients' namespace."""
        return self.context.namespaces[SERVICES]

    @property
    def standby(self) -> bool:
        """Whether a second server in another zone can take over."""
        return self.settings.nodes > 1
