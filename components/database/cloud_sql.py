"""PostgreSQL on Cloud SQL, the managed database of Google Cloud."""

from dataclasses import dataclass

import pulumi
import pulumi_random as random
from pulumi_gcp import sql

from components.cluster.arguments import DAYS, common_labels
from components.cluster.gke import GkeNetwork
from components.cluster.gke.encryption import GkeStoreKey, GkeStoreKeyArgs
from components.cluster.gke.managed_services import GkeServiceEndpoint, GkeServiceEndpointArgs
from components.database import postgresql
from components.database.arguments import ManagedDatabaseArgs
from components.database.credentials import PASSWORD_LENGTH
from components.database.instances import cloud_sql_tier
from components.database.postgresql import Server, connect
from components.quantities import gibibytes
from components.versions import POSTGRESQL_VERSION

LEAST_DISK_GB = 10


@dataclass(frozen=True, kw_only=True)
class CloudSqlArgs(ManagedDatabaseArgs):
    """`tier` is a machine of Cloud SQL (None: the smallest custom one that is enough).

    The key that encrypts its disks is made in the ring `ring_id`. The project's APIs sqladmin and dns are enabled.
    """

    network: GkeNetwork
    project: str
    ring_id: pulumi.Input[str]
    deletion_protection: bool
    tier: str | None = None


class CloudSql(pulumi.ComponentResource):
    """A PostgreSQL server with no public address, reached by Private Service Connect under its own name.

    Google signs its certificate with the CA of the region, so that clients can verify the name, too. A deleted server
    leaves a last backup, and so the key that the backup is encrypted with outlives it (ADR 24).

    It offers what `components.database.Database` promises: `url` (secret), `host`, `port`, `secret_name`.
    """

    url: pulumi.Output[str]
    host: pulumi.Output[str]
    port: pulumi.Output[int]
    secret_name: pulumi.Output[str]

    def __init__(self, name: str, args: CloudSqlArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:database:CloudSql", name, None, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        instance = self._instance(name, args)
        connection = connect(name, args, self._server(name, args, instance), self._child)
        self.url, self.host, self.port = connection.url, connection.host, connection.port
        self.secret_name = connection.secret_name
        self.register_outputs({"host": self.host, "port": self.port, "secret_name": self.secret_name})

    def _instance(self, name: str, args: CloudSqlArgs) -> sql.DatabaseInstance:
        key = GkeStoreKey(
            f"{name}-encryption",
            GkeStoreKeyArgs(
                project=args.project,
                service="sqladmin.googleapis.com",
                ring_id=args.ring_id,
                network=args.network.args,
            ),
            self._child,
        )
        return sql.DatabaseInstance(
            name,
            project=args.project,
            region=args.network.args.location,
            database_version=f"POSTGRES_{POSTGRESQL_VERSION}",
            encryption_key_name=key.key_id,
            deletion_protection=args.deletion_protection,
            settings=_settings(args),
            opts=pulumi.ResourceOptions(
                parent=self,
                # The disk's size at first; it grows by itself, and to make it smaller would replace the server.
                ignore_changes=["settings.diskSize"],
                protect=args.deletion_protection,
            ),
        )

    def _server(self, name: str, args: CloudSqlArgs, instance: sql.DatabaseInstance) -> Server:
        password = random.RandomPassword(
            f"{name}-administrator-password", length=PASSWORD_LENGTH, special=False, opts=self._child
        ).result
        administrator = sql.User(
            f"{name}-administrator",
            project=args.project,
            instance=instance.name,
            name=postgresql.ADMINISTRATOR,
            password=password,
            # The database's objects would stay and keep the user from being deleted; it goes with the server.
            deletion_policy="ABANDON",
            opts=self._child,
        )
        endpoint = GkeServiceEndpoint(
            f"{name}-endpoint",
            GkeServiceEndpointArgs(
                network=args.network, service=instance.psc_service_attachment_link, dns_name=instance.dns_name
            ),
            self._child,
        )
        return Server(
            host=pulumi.Output.all(endpoint.host, administrator.id).apply(lambda known: str(known[0])),
            # Certificates are no secret, though the SDK says so.
            authority=pulumi.Output.unsecret(
                instance.server_ca_certs.apply(lambda known: "\n".join(one.cert for one in known))
            ),
            administrator_password=password,
            addresses=args.managed_addresses,
        )


def _settings(args: CloudSqlArgs) -> sql.DatabaseInstanceSettingsArgs:
    return sql.DatabaseInstanceSettingsArgs(
        tier=args.tier or cloud_sql_tier(cpu=args.cpu, memory=args.memory),
        # Said because PostgreSQL 16 and later would get another edition, which has no custom machines.
        edition="ENTERPRISE",
        availability_type="REGIONAL" if args.standby else "ZONAL",
        disk_type="PD_SSD",
        disk_size=max(gibibytes("storage", args.storage), LEAST_DISK_GB),
        disk_autoresize=True,
        ip_configuration=sql.DatabaseInstanceSettingsIpConfigurationArgs(
            ipv4_enabled=False,
            ssl_mode="ENCRYPTED_ONLY",
            server_ca_mode="GOOGLE_MANAGED_CAS_CA",
            server_certificate_rotation_mode="AUTOMATIC_ROTATION_DURING_MAINTENANCE",
            psc_configs=[
                sql.DatabaseInstanceSettingsIpConfigurationPscConfigArgs(
                    psc_enabled=True, allowed_consumer_projects=[args.project]
                )
            ],
        ),
        backup_configuration=_backups(args),
        maintenance_window=sql.DatabaseInstanceSettingsMaintenanceWindowArgs(
            day=DAYS.index(args.maintenance_day) + 1, hour=postgresql.MAINTENANCE_HOUR, update_track="stable"
        ),
        insights_config=sql.DatabaseInstanceSettingsInsightsConfigArgs(query_insights_enabled=True),
        deletion_protection_enabled=args.deletion_protection,
        final_backup_config=sql.DatabaseInstanceSettingsFinalBackupConfigArgs(
            enabled=True, retention_days=postgresql.BACKUP_DAYS
        ),
        user_labels=common_labels(args.network.args),
    )


def _backups(args: CloudSqlArgs) -> sql.DatabaseInstanceSettingsBackupConfigurationArgs:
    return sql.DatabaseInstanceSettingsBackupConfigurationArgs(
        enabled=True,
        location=args.network.args.location,
        start_time=postgresql.BACKUP_START,
        point_in_time_recovery_enabled=True,
        # Cloud SQL's Enterprise edition keeps what a point in time needs for a week, and no longer.
        transaction_log_retention_days=7,
        backup_retention_settings=sql.DatabaseInstanceSettingsBackupConfigurationBackupRetentionSettingsArgs(
            retained_backups=postgresql.BACKUP_DAYS, retention_unit="COUNT"
        ),
    )
