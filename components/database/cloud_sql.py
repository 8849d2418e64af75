"""PostgreSQL on Cloud SQL, the managed database of Google Cloud."""

import pulumi
from pulumi_gcp import sql

from components.cluster.gke import GkeNetwork
from components.cluster.gke.encryption import GkeDataServiceKey, GkeDataServiceKeyArgs
from components.cluster.gke.managed_services import GkeServiceEndpoint, GkeServiceEndpointArgs
from components.cluster.location import NetworkArgs, common_labels
from components.cluster.maintenance import DAYS
from components.cluster.settings import GcpRegion
from components.connection import DataServiceComponent
from components.database import postgresql
from components.database.administration import DatabaseAdministration
from components.database.instances import cloud_sql_tier
from components.database.managed import ManagedDatabaseArgs
from components.database.postgresql import PostgresAdministration, Server, connect
from components.passwords import random_password
from components.quantities import gibibytes
from components.versions import POSTGRESQL_VERSION

LEAST_DISK_GB = 10


class CloudSql(DataServiceComponent):
    """A PostgreSQL server without a public address, reached by name through Private Service Connect.

    Google signs its certificate with the CA of the region, so clients can also verify the name.
    A deleted server leaves a last backup, so the key that encrypts the backup outlives the server (ADR 24).
    The key is created in the key ring `ring_id`.
    The component needs the project's APIs sqladmin and dns.

    Outputs: those of `components.database.Database`.
    """

    administration: DatabaseAdministration

    def __init__(
        self,
        name: str,
        args: ManagedDatabaseArgs,
        *,
        region: GcpRegion,
        network: GkeNetwork,
        ring_id: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:database:CloudSql", name, None, opts)
        self._region, self._network = region, network
        self._child = pulumi.ResourceOptions(parent=self)
        instance = self._instance(name, args, ring_id)
        server = self._server(name, instance)
        self.administration = PostgresAdministration(args=args, server=server)
        self.offer(connect(name, args, server, self._child))

    def _instance(self, name: str, args: ManagedDatabaseArgs, ring_id: pulumi.Input[str]) -> sql.DatabaseInstance:
        region, place = self._region, self._network.args
        key = GkeDataServiceKey(
            f"{name}-encryption",
            GkeDataServiceKeyArgs(
                project=region.project, service="sqladmin.googleapis.com", ring_id=ring_id, network=place
            ),
            self._child,
        )
        return sql.DatabaseInstance(
            name,
            project=region.project,
            region=place.location,
            database_version=f"POSTGRES_{POSTGRESQL_VERSION}",
            encryption_key_name=key.key_id,
            deletion_protection=region.deletion_protection,
            settings=_settings(args, region, place),
            opts=pulumi.ResourceOptions(
                parent=self,
                # The disk grows by itself after creation, and shrinking it would replace the server.
                ignore_changes=["settings.diskSize"],
                protect=region.deletion_protection,
            ),
        )

    def _server(self, name: str, instance: sql.DatabaseInstance) -> Server:
        password = random_password(f"{name}-administrator-password", self._child).result
        administrator = sql.User(
            f"{name}-administrator",
            project=self._region.project,
            instance=instance.name,
            name=postgresql.ADMINISTRATOR,
            password=password,
            # The user owns database objects, so it cannot be deleted alone. It goes with the server.
            deletion_policy="ABANDON",
            opts=self._child,
        )
        endpoint = GkeServiceEndpoint(
            f"{name}-endpoint",
            GkeServiceEndpointArgs(
                network=self._network, service=instance.psc_service_attachment_link, dns_name=instance.dns_name
            ),
            self._child,
        )
        return Server(
            host=pulumi.Output.all(endpoint.host, administrator.id).apply(lambda known: str(known[0])),
            # Certificates are not secret, though the SDK marks them so.
            authority=pulumi.Output.unsecret(
                instance.server_ca_certs.apply(lambda known: "\n".join(one.cert for one in known))
            ),
            administrator_password=password,
            addresses=str(self._network.args.addresses.managed),
        )


def _settings(args: ManagedDatabaseArgs, region: GcpRegion, place: NetworkArgs) -> sql.DatabaseInstanceSettingsArgs:
    asked = args.settings
    return sql.DatabaseInstanceSettingsArgs(
        tier=region.instances.database or cloud_sql_tier(cpu=asked.cpu, memory=asked.memory),
        # Explicit, because PostgreSQL 16 and later default to an edition without custom machines.
        edition="ENTERPRISE",
        availability_type="REGIONAL" if args.standby else "ZONAL",
        disk_type="PD_SSD",
        disk_size=max(gibibytes("storage", asked.storage), LEAST_DISK_GB),
        disk_autoresize=True,
        ip_configuration=sql.DatabaseInstanceSettingsIpConfigurationArgs(
            ipv4_enabled=False,
            ssl_mode="ENCRYPTED_ONLY",
            server_ca_mode="GOOGLE_MANAGED_CAS_CA",
            server_certificate_rotation_mode="AUTOMATIC_ROTATION_DURING_MAINTENANCE",
            psc_configs=[
                sql.DatabaseInstanceSettingsIpConfigurationPscConfigArgs(
                    psc_enabled=True, allowed_consumer_projects=[region.project]
                )
            ],
        ),
        backup_configuration=_backups(place.location),
        maintenance_window=sql.DatabaseInstanceSettingsMaintenanceWindowArgs(
            day=DAYS.index(args.maintenance_day) + 1, hour=postgresql.MAINTENANCE_HOUR, update_track="stable"
        ),
        insights_config=sql.DatabaseInstanceSettingsInsightsConfigArgs(query_insights_enabled=True),
        deletion_protection_enabled=region.deletion_protection,
        final_backup_config=sql.DatabaseInstanceSettingsFinalBackupConfigArgs(
            enabled=True, retention_days=postgresql.BACKUP_DAYS
        ),
        user_labels=common_labels(place),
    )


def _backups(location: str) -> sql.DatabaseInstanceSettingsBackupConfigurationArgs:
    return sql.DatabaseInstanceSettingsBackupConfigurationArgs(
        enabled=True,
        location=location,
        start_time=postgresql.BACKUP_START,
        point_in_time_recovery_enabled=True,
        # Cloud SQL's Enterprise edition keeps the logs for point-in-time recovery at most a week.
        transaction_log_retention_days=7,
        backup_retention_settings=sql.DatabaseInstanceSettingsBackupConfigurationBackupRetentionSettingsArgs(
            retained_backups=postgresql.BACKUP_DAYS, retention_unit="COUNT"
        ),
    )
