"""PostgreSQL on Flexible Server, the managed database of Azure."""

from collections.abc import Mapping, Sequence

import pulumi
from pulumi_azure_native import dbforpostgresql

from components.authorities import MICROSOFT, public_authorities
from components.cluster.aks import AksNetwork
from components.cluster.aks.identity import deletion_lock
from components.cluster.aks.managed_services import AksKeptDataServiceKey, AksPrivateEndpoint, AksPrivateEndpointArgs
from components.cluster.location import common_labels
from components.cluster.maintenance import DAYS
from components.cluster.settings import AzureRegion
from components.connection import DataServiceComponent
from components.database import postgresql
from components.database.administration import DatabaseAdministration
from components.database.instances import FLEXIBLE_SERVER, azure_disk, sku_tier, smallest
from components.database.managed import ManagedDatabaseArgs
from components.database.postgresql import PostgresAdministration, Server, connect
from components.offers import here
from components.passwords import random_password
from components.versions import POSTGRESQL_VERSION

ENDPOINT = "postgresqlServer"
ZONE = "privatelink.postgres.database.azure.com"
PARAMETERS = {"require_secure_transport": "on", "ssl_min_protocol_version": "TLSv1.2"}
EXTENSIONS = "azure.extensions"
"""The parameter with the extensions that can be made in the server. Azure allows none without it."""
_DASHES = str.maketrans("._", "--")


class FlexibleServer(DataServiceComponent):
    """A PostgreSQL server without a public address, reached by name through a private endpoint.

    Public authorities sign its certificate.
    Azure keeps the last backup of a deleted server for five days, so the key that encrypts the backup outlives the
    server (ADR 24).
    The standby is in another zone, also where nodes are in a single one: Azure does not move it afterwards.

    Outputs: those of `components.database.Database`.
    """

    administration: DatabaseAdministration

    def __init__(
        self,
        name: str,
        args: ManagedDatabaseArgs,
        *,
        region: AzureRegion,
        network: AksNetwork,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:database:FlexibleServer", name, None, opts)
        self._region, self._network = region, network
        self._child = pulumi.ResourceOptions(parent=self)
        password = random_password(f"{name}-administrator-password", self._child).result
        made = self._server(name, args, password)
        endpoint = AksPrivateEndpoint(
            f"{name}-endpoint",
            AksPrivateEndpointArgs(network=network, service=made.id, kind=ENDPOINT, zone=ZONE),
            self._child,
        )
        configured = self._configure(name, args, made)
        if region.deletion_protection:
            deletion_lock(name, made.id, self._child)
        ready = pulumi.Output.all(made.fully_qualified_domain_name, endpoint.ready, configured)
        server = Server(
            host=ready.apply(lambda known: str(known[0])),
            authority=public_authorities(MICROSOFT),
            administrator_password=password,
            addresses=str(network.args.addresses.managed),
        )
        self.administration = PostgresAdministration(args=args, server=server)
        self.offer(connect(name, args, server, self._child))

    def _server(self, name: str, args: ManagedDatabaseArgs, password: pulumi.Output[str]) -> dbforpostgresql.Server:
        region, network = self._region, self._network
        size = region.instances.database or _smallest(args, network.args.location)
        key = AksKeptDataServiceKey(f"{name}-encryption", network.args, self._child)
        return dbforpostgresql.Server(
            name,
            resource_group_name=network.resource_group_name,
            location=network.args.location,
            create_mode="Create",
            version=POSTGRESQL_VERSION,
            sku=dbforpostgresql.SkuArgs(name=size, tier=sku_tier(size)),
            storage=dbforpostgresql.StorageArgs(storage_size_gb=azure_disk(args.settings.storage), auto_grow="Enabled"),
            high_availability=dbforpostgresql.HighAvailabilityArgs(mode=_availability(args)),
            network=dbforpostgresql.NetworkArgs(public_network_access="Disabled"),
            auth_config=dbforpostgresql.AuthConfigArgs(password_auth="Enabled", active_directory_auth="Disabled"),  # noqa: S106 - a switch
            administrator_login=postgresql.ADMINISTRATOR,
            administrator_login_password=password,
            identity=dbforpostgresql.UserAssignedIdentityArgs(
                type="UserAssigned",
                user_assigned_identities=key.identity_id.apply(
                    lambda known: {known: dbforpostgresql.UserIdentityArgs()}
                ),
            ),
            data_encryption=dbforpostgresql.DataEncryptionArgs(
                type="AzureKeyVault",
                primary_key_uri=key.key_id,
                primary_user_assigned_identity_id=key.identity_id,
            ),
            backup=dbforpostgresql.BackupArgs(
                backup_retention_days=postgresql.BACKUP_DAYS, geo_redundant_backup="Disabled"
            ),
            maintenance_window=dbforpostgresql.MaintenanceWindowArgs(
                custom_window="Enabled",
                # Azure numbers days from Sunday.
                day_of_week=(DAYS.index(args.maintenance_day) + 1) % len(DAYS),
                start_hour=postgresql.MAINTENANCE_HOUR,
                start_minute=0,
            ),
            tags=common_labels(network.args),
            opts=pulumi.ResourceOptions(
                parent=self,
                # The disk grows by itself after creation. The zones swap with every failover.
                ignore_changes=["storage.storageSizeGB", "availabilityZone"],
                protect=region.deletion_protection,
            ),
        )

    def _configure(
        self, name: str, args: ManagedDatabaseArgs, server: dbforpostgresql.Server
    ) -> pulumi.Output[Sequence[str]]:
        """Set the server's parameters, one at a time as Azure requires. The result is known once all are set."""
        told: list[pulumi.Resource] = []
        for parameter, value in {**PARAMETERS, **_extensions(args)}.items():
            told.append(
                dbforpostgresql.Configuration(
                    f"{name}-{parameter.translate(_DASHES)}",
                    resource_group_name=self._network.resource_group_name,
                    server_name=server.name,
                    configuration_name=parameter,
                    value=value,
                    source="user-override",
                    opts=pulumi.ResourceOptions(parent=self, depends_on=told[-1:]),
                )
            )
        return pulumi.Output.all(*(one.id for one in told if isinstance(one, pulumi.CustomResource)))


def _extensions(args: ManagedDatabaseArgs) -> Mapping[str, str]:
    return {EXTENSIONS: ",".join(args.extensions)} if args.extensions else {}


def _availability(args: ManagedDatabaseArgs) -> str:
    return "ZoneRedundant" if args.standby else "Disabled"


def _smallest(args: ManagedDatabaseArgs, location: str) -> str:
    asked = args.settings
    offered = here("azure", "database", location, FLEXIBLE_SERVER)
    return smallest(offered, cpu=asked.cpu, memory=asked.memory, standby=args.standby)
