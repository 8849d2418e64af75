"""PostgreSQL on RDS, the managed database of AWS."""

import pulumi
from pulumi_aws import cloudwatch, kms, rds

from components.cluster.access import unique_suffix
from components.cluster.eks import EksNetwork
from components.cluster.eks.managed_services import BACKUP_WINDOW, EksPrivateAccess, weekly_hour
from components.cluster.location import LOG_RETENTION_DAYS, common_labels
from components.cluster.settings import AwsRegion
from components.connection import DataServiceComponent
from components.database import postgresql
from components.database.administration import DatabaseAdministration
from components.database.instances import RDS, rds_disk_limit, smallest
from components.database.managed import ManagedDatabaseArgs
from components.database.postgresql import PostgresAdministration, Server, connect
from components.offers import here
from components.passwords import random_password
from components.quantities import gibibytes
from components.versions import POSTGRESQL_VERSION

LEAST_DISK_GIB = 20
DISK_GROWS_TO = 10
"""Maximum size of a growing disk, as a multiple of its first size."""
CERTIFICATE_AUTHORITY = "rds-ca-rsa2048-g1"
LOGGED = ("postgresql", "upgrade")
PARAMETERS = {"rds.force_ssl": "1", "ssl_min_protocol_version": "TLSv1.2"}


class Rds(DataServiceComponent):
    """A PostgreSQL server in subnets without a route to or from the internet.

    A deleted server leaves a last snapshot, so the key that encrypts the snapshot outlives the server (ADR 24).
    Clients verify the server with the region's `rds_authorities`, the certificates of RDS's own authorities in the
    region. No public list contains them (https://truststore.pki.rds.amazonaws.com).

    Outputs: those of `components.database.Database`.
    """

    administration: DatabaseAdministration

    def __init__(
        self,
        name: str,
        args: ManagedDatabaseArgs,
        *,
        region: AwsRegion,
        network: EksNetwork,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:database:Rds", name, None, opts)
        self._region, self._network = region, network
        self._child = pulumi.ResourceOptions(parent=self)
        password = random_password(f"{name}-administrator-password", self._child).result
        instance = self._instance(name, args, password)
        server = Server(
            host=instance.address,
            authority=_authorities(region),
            administrator_password=password,
            addresses=str(network.args.addresses.managed),
        )
        self.administration = PostgresAdministration(args=args, server=server)
        self.offer(connect(name, args, server, self._child))

    def _instance(self, name: str, args: ManagedDatabaseArgs, password: pulumi.Output[str]) -> rds.Instance:
        region, place = self._region, self._network.args
        suffix = unique_suffix(f"{name}-suffix", self._child)
        full_name = pulumi.Output.concat(f"{name}-", suffix)
        disk = max(gibibytes("storage", args.settings.storage), LEAST_DISK_GIB)
        access = EksPrivateAccess(f"{name}-access", self._network, port=postgresql.PORT, opts=self._child)
        key = self._key(name)
        return rds.Instance(
            name,
            region=place.location,
            identifier=full_name,
            engine="postgres",
            # Only the major version: RDS chooses the minor version and installs later ones.
            engine_version=POSTGRESQL_VERSION,
            auto_minor_version_upgrade=True,
            instance_class=region.instances.database or _smallest(args, place.location),
            multi_az=args.standby,
            storage_type="gp3",
            allocated_storage=disk,
            max_allocated_storage=rds_disk_limit(disk, DISK_GROWS_TO),
            storage_encrypted=True,
            kms_key_id=key.arn,
            db_subnet_group_name=self._subnets(name),
            parameter_group_name=self._parameters(name),
            vpc_security_group_ids=[access.security_group_id],
            publicly_accessible=False,
            ca_cert_identifier=CERTIFICATE_AUTHORITY,
            port=postgresql.PORT,
            username=postgresql.ADMINISTRATOR,
            password=password,
            backup_retention_period=postgresql.BACKUP_DAYS,
            backup_window=BACKUP_WINDOW,
            maintenance_window=weekly_hour(args.maintenance_day, postgresql.MAINTENANCE_HOUR),
            copy_tags_to_snapshot=True,
            performance_insights_enabled=True,
            performance_insights_kms_key_id=key.arn,
            enabled_cloudwatch_logs_exports=list(LOGGED),
            deletion_protection=region.deletion_protection,
            skip_final_snapshot=False,
            final_snapshot_identifier=pulumi.Output.concat(f"{name}-final-", suffix),
            tags=common_labels(place),
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=self._logs(name, full_name), protect=region.deletion_protection
            ),
        )

    def _logs(self, name: str, instance: pulumi.Output[str]) -> list[cloudwatch.LogGroup]:
        """Create the log groups first. Otherwise RDS creates groups that keep logs forever."""
        return [
            cloudwatch.LogGroup(
                f"{name}-logs-{kind}",
                region=self._network.args.location,
                name=pulumi.Output.concat("/aws/rds/instance/", instance, f"/{kind}"),
                retention_in_days=LOG_RETENTION_DAYS,
                tags=common_labels(self._network.args),
                opts=self._child,
            )
            for kind in LOGGED
        ]

    def _key(self, name: str) -> kms.Key:
        return kms.Key(
            f"{name}-key",
            region=self._network.args.location,
            description=f"Disks and snapshots of {name}",
            enable_key_rotation=True,
            deletion_window_in_days=30,
            tags=common_labels(self._network.args),
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True),
        )

    def _subnets(self, name: str) -> pulumi.Output[str]:
        group = rds.SubnetGroup(
            f"{name}-subnets",
            region=self._network.args.location,
            subnet_ids=list(self._network.managed_subnet_ids.values()),
            tags=common_labels(self._network.args),
            opts=self._child,
        )
        subnets: pulumi.Output[str] = group.name
        return subnets

    def _parameters(self, name: str) -> pulumi.Output[str]:
        group = rds.ParameterGroup(
            f"{name}-parameters",
            region=self._network.args.location,
            family=f"postgres{POSTGRESQL_VERSION}",
            parameters=[
                rds.ParameterGroupParameterArgs(name=parameter, value=value) for parameter, value in PARAMETERS.items()
            ],
            tags=common_labels(self._network.args),
            opts=self._child,
        )
        parameters: pulumi.Output[str] = group.name
        return parameters


def _smallest(args: ManagedDatabaseArgs, location: str) -> str:
    asked = args.settings
    offered = here("aws", "database", location, RDS)
    return smallest(offered, cpu=asked.cpu, memory=asked.memory, standby=args.standby)


def _authorities(region: AwsRegion) -> str:
    if not region.rds_authorities:
        raise ValueError("rds_authorities: expected certificates (PEM) of RDS's authorities in the region, got none")
    return region.rds_authorities
