"""What a managed PostgreSQL is told, whatever the cloud."""

from dataclasses import dataclass

import pulumi

from components.database.credentials import DatabaseCredentials
from components.quantities import cpus, quantity_bytes


@dataclass(frozen=True, kw_only=True)
class ManagedDatabaseArgs:
    """One region's PostgreSQL, which the cloud runs.

    `cpu` and `memory` are what the server has at least, `storage` is its disk at first: it grows by itself. `standby`
    asks for a second server in another zone that takes over. The Job that makes the application's user runs in
    `namespace`; clients are in `client_namespace`. The server's address is one of `managed_addresses` (CIDR).
    `maintenance_day` is the day of the week on which the cloud may restart the server.
    """

    region: str
    credentials: DatabaseCredentials
    namespace: pulumi.Input[str]
    client_namespace: pulumi.Input[str]
    managed_addresses: str
    maintenance_day: str
    cpu: str
    memory: str
    storage: str
    standby: bool

    def __post_init__(self) -> None:
        cpus("cpu", self.cpu)
        quantity_bytes("memory", self.memory)
        quantity_bytes("storage", self.storage)
