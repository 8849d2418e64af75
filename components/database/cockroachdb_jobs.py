"""The Jobs that set up a region's part of a CockroachDB cluster."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlencode

import pulumi
import pulumi_kubernetes as k8s

from components import network
from components.cluster import WorkloadIdentity
from components.context import RegionContext
from components.database import cockroachdb_nodes as nodes
from components.database import cockroachdb_sql as sql
from components.database.administration import DatabaseAdministration, DatabaseSchema
from components.database.credentials import DatabaseCredentials
from components.database.settings import DatabaseSettings
from components.metadata import selector
from components.namespaces import COCKROACHDB
from components.peering import StorePeers, peer_name
from components.setup_job import SetupJob, Volume
from components.storage import ObjectStore
from components.trust import Certificate, CertificateArgs
from components.versions import COCKROACHDB_IMAGE
from components.workload import AppMetadata, Resources

BOOTSTRAP_APP: Final = "cockroachdb-bootstrap"
REGIONS_APP: Final = "cockroachdb-regions"
BACKUP_APP: Final = "cockroachdb-backup"

PRIMARY_REGION_DEADLINE: Final = 900
JOINING_DEADLINE: Final = 2700
"""Seconds. A joining region waits for the primary region, whose cluster may take a quarter of an hour."""
REGIONS_DEADLINE: Final = 3600
"""Seconds. Regions join as soon as their clusters exist. Leaving regions must move their data away first."""
BACKUP_DEADLINE: Final = 900
SCHEMA_DEADLINE: Final = JOINING_DEADLINE
"""Seconds. Another region's Job waits for the primary region's."""

BACKUP_FOLDER: Final = "cockroachdb"
RESOURCES: Final = Resources(cpu="100m", memory="256Mi")
SCRIPT: Final = "run.sh"


@dataclass(frozen=True, kw_only=True)
class BackupPlan:
    """Where a region's nodes write backups, their identity, and the schedules.

    Schedules are cron expressions in UTC, or @hourly, @daily and the like.
    """

    store: ObjectStore
    identity: WorkloadIdentity
    schedule: str
    """Schedule of incremental backups."""
    full: str
    """Schedule of full backups."""


@dataclass(frozen=True, kw_only=True)
class SqlJobArgs:
    """A script that a Job runs as the database's administrator. Any change except of `notes` reruns the Job."""

    app: str
    script: str
    deadline: int
    """Seconds."""
    environment: Mapping[str, str]
    files: Mapping[str, pulumi.Input[str]]
    """Files beside the script: content by name."""
    notes: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """More files. Changing them does not rerun the Job."""
    secrets: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    peers: StorePeers | None = None
    """Other regions that the Job connects to. None: only the region's own nodes."""


class SqlJob(pulumi.ComponentResource):
    """A Job that connects to the region's nodes with the administrator's `certificate`."""

    job: k8s.batch.v1.Job

    def __init__(
        self,
        name: str,
        context: RegionContext,
        certificate: Certificate,
        args: SqlJobArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:database:SqlJob", name, None, opts)
        mounts: dict[Volume, str] = {
            "certificates": nodes.CERTIFICATES,
            "settings": nodes.SETTINGS,
            "scratch": nodes.SCRATCH,
        }
        if args.secrets:
            mounts["credentials"] = nodes.CREDENTIALS
        peers = args.peers
        setup = SetupJob(
            container="sql",
            image=COCKROACHDB_IMAGE,
            command=["/bin/bash", f"{nodes.SETTINGS}/{SCRIPT}"],
            resources=RESOURCES,
            deadline=args.deadline,
            files={SCRIPT: args.script, **args.files},
            notes=args.notes,
            secrets=args.secrets,
            mounts=mounts,
            certificates=nodes.certificates(certificate, "client.root"),
            environment={
                "HOST": f"{nodes.APP}-0.{nodes.HEADLESS_SERVICE}",
                "HOME": nodes.SCRATCH,
                **args.environment,
            },
            egress=[
                network.egress([nodes.SQL_PORT], network.peer(pods=selector(nodes.APP))),
                *([peers.egress(nodes.SQL_PORT)] if peers else []),
            ],
        )
        app = AppMetadata(app=args.app, region=context.region, namespace=context.namespaces[COCKROACHDB])
        self.job = setup.register(name, app, pulumi.ResourceOptions(parent=self))
        self.register_outputs({})


class CockroachDBBootstrap(pulumi.ComponentResource):
    """A Job that initialises a CockroachDB cluster and creates the application's database and user.

    It runs again when the application's credentials or the licence change, but not when regions are added or removed.
    Only the Job of the `primary_region` initialises the cluster. The others wait until their region has joined.
    """

    job: k8s.batch.v1.Job

    def __init__(
        self,
        name: str,
        context: RegionContext,
        certificate: Certificate,
        *,
        credentials: DatabaseCredentials,
        license_key: pulumi.Input[str] | None,
        primary_region: bool,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:database:CockroachDBBootstrap", name, None, opts)
        self.job = SqlJob(
            name,
            context,
            certificate,
            SqlJobArgs(
                app=BOOTSTRAP_APP,
                script=sql.BOOTSTRAP_SCRIPT,
                deadline=PRIMARY_REGION_DEADLINE if primary_region else JOINING_DEADLINE,
                environment={
                    "IS_PRIMARY_REGION": "true" if primary_region else "false",
                    "DATABASE": credentials.database,
                    "USERNAME": credentials.username,
                },
                files={"application.sql": sql.application_sql(credentials.database, credentials.username)},
                notes={"others": _others(context)},
                secrets={"password": credentials.password, "license": license_key or ""},
                peers=context.peers.get(COCKROACHDB),
            ),
            pulumi.ResourceOptions(parent=self),
        ).job
        self.register_outputs({})


class CockroachDBRegions(pulumi.ComponentResource):
    """A Job of the primary region that adds and drops the database's regions, and sets the survival goal.

    It also ends the backups of regions that are no longer in `backed_up`.
    It contains the list of regions, so it runs again when the list changes.
    Pulumi deletes resources last. So a region's nodes go only after this Job has dropped the region and emptied them.
    Nothing else waits for this Job.
    """

    job: k8s.batch.v1.Job

    def __init__(
        self,
        name: str,
        context: RegionContext,
        certificate: Certificate,
        *,
        database: str,
        survive: sql.Survival,
        backed_up: Sequence[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:database:CockroachDBRegions", name, None, opts)
        regions = sorted([context.region, *_peer_regions(context)])
        statements = sql.regions_sql(database, primary_region=context.region, regions=regions, survive=survive)
        self.job = SqlJob(
            name,
            context,
            certificate,
            SqlJobArgs(
                app=REGIONS_APP,
                script=sql.REGIONS_SCRIPT,
                deadline=REGIONS_DEADLINE,
                environment={"DATABASE": database},
                files={
                    "regions": "".join(f"{region}\n" for region in regions),
                    "regions.sql": statements,
                    "stale-backups.sql": sql.stale_backups_sql(backed_up),
                    "database-regions.sql": sql.regions_of_database_sql(database),
                },
            ),
            pulumi.ResourceOptions(parent=self),
        ).job
        self.register_outputs({})


class CockroachDBBackup(pulumi.ComponentResource):
    """A Job that schedules the database's own backups of the whole cluster.

    Only nodes of the region read and write for these backups. Nodes elsewhere may be in other clouds, where this
    region's identity is unknown.

    Outputs: `uri` (where the backups are; it contains no secret).
    """

    job: k8s.batch.v1.Job
    uri: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        context: RegionContext,
        certificate: Certificate,
        plan: BackupPlan,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:database:CockroachDBBackup", name, None, opts)
        self.uri = backup_uri(plan.store)
        statements = self.uri.apply(
            lambda uri: sql.backup_sql(context.region, uri=uri, schedule=plan.schedule, full=plan.full)
        )
        self.job = SqlJob(
            name,
            context,
            certificate,
            SqlJobArgs(
                app=BACKUP_APP,
                script=sql.BACKUP_SCRIPT,
                deadline=BACKUP_DEADLINE,
                environment={},
                files={"backup.sql": statements},
            ),
            pulumi.ResourceOptions(parent=self),
        ).job
        self.register_outputs({"uri": self.uri})


class CockroachDBSchema(pulumi.ComponentResource):
    """A Job that makes a schema and its user, and the way for this Job to the region's nodes.

    Only the Job of the primary region makes them. The others wait until they are there.
    """

    job: k8s.batch.v1.Job

    def __init__(
        self,
        name: str,
        administration: "CockroachDBAdministration",
        schema: DatabaseSchema,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:database:CockroachDBSchema", name, None, opts)
        context, app = administration.context, f"{nodes.APP}-{schema.name}"
        opened = network.policy(
            f"{name}-access",
            name=f"{app}-access",
            app=app,
            region=context.region,
            namespace=context.namespaces[COCKROACHDB],
            pods=selector(nodes.APP),
            ingress=[network.ingress([nodes.SQL_PORT], network.peer(pods=selector(app)))],
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.job = SqlJob(
            name,
            context,
            administration.certificate,
            SqlJobArgs(
                app=app,
                script=sql.SCHEMA_SCRIPT,
                deadline=SCHEMA_DEADLINE,
                environment={
                    "IS_PRIMARY_REGION": "true" if administration.primary_region else "false",
                    "DATABASE": administration.database,
                    "USERNAME": schema.username,
                },
                files={"schema.sql": schema.cockroachdb, "made.sql": schema.cockroachdb_made},
                secrets={"password": schema.password},
            ),
            pulumi.ResourceOptions(parent=self, depends_on=[opened]),
        ).job
        self.register_outputs({})


@dataclass(frozen=True, kw_only=True)
class CockroachDBAdministration:
    """Makes schemas in the database of a CockroachDB cluster, with the administrator's certificate."""

    context: RegionContext
    certificate: Certificate
    database: str
    primary_region: bool

    def make(self, name: str, schema: DatabaseSchema, opts: pulumi.ResourceOptions) -> pulumi.Resource:
        """Create the Job in every region."""
        return CockroachDBSchema(name, self, schema, opts).job


class CockroachDBJobs(pulumi.ComponentResource):
    """The bootstrap Job in every region, the regions Job in the primary region, and backups where configured.

    Outputs: `bootstrapped` (clients wait for it), `backup_uri` (None: no backups), `administration`.
    """

    bootstrapped: pulumi.Resource
    backup_uri: pulumi.Output[str] | None
    administration: DatabaseAdministration

    def __init__(
        self,
        name: str,
        context: RegionContext,
        settings: DatabaseSettings,
        *,
        credentials: DatabaseCredentials,
        primary_region: bool,
        license_key: pulumi.Input[str] | None,
        backup: BackupPlan | None,
        backed_up: Sequence[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:database:CockroachDBJobs", name, None, opts)
        certificate = self._root_certificate(name, context)
        self.bootstrapped = CockroachDBBootstrap(
            f"{name}-bootstrap",
            context,
            certificate,
            credentials=credentials,
            license_key=license_key,
            primary_region=primary_region,
            opts=pulumi.ResourceOptions(parent=self),
        ).job
        after = pulumi.ResourceOptions(parent=self, depends_on=[self.bootstrapped])
        if primary_region:
            CockroachDBRegions(
                f"{name}-regions",
                context,
                certificate,
                database=credentials.database,
                survive=settings.survive,
                backed_up=backed_up,
                opts=after,
            )
        self.backup_uri = (
            CockroachDBBackup(f"{name}-backup", context, certificate, backup, after).uri if backup else None
        )
        self.administration = CockroachDBAdministration(
            context=context, certificate=certificate, database=credentials.database, primary_region=primary_region
        )
        self.register_outputs({})

    def _root_certificate(self, name: str, context: RegionContext) -> Certificate:
        return Certificate(
            f"{name}-certificate",
            CertificateArgs(
                authority=context.authority,
                common_name="root",
                app=nodes.APP,
                region=context.region,
                namespace=context.namespaces[COCKROACHDB],
                secret_name="cockroachdb-client-root",  # noqa: S106 - the name of a Secret
                usages=("client",),
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )


def backup_uri(store: ObjectStore) -> pulumi.Output[str]:
    """Return the URI for BACKUP and RESTORE. It contains no key, because the pods have a cloud identity."""
    parameters = {"AUTH": "implicit", **store.parameters}
    known = pulumi.Output.all(uri=store.uri, parameters=parameters)
    return known.apply(lambda all_: f"{all_['uri']}/{BACKUP_FOLDER}?{urlencode(all_['parameters'])}")


def _peer_regions(context: RegionContext) -> Sequence[str]:
    peers = context.peers.get(COCKROACHDB)
    return peers.regions if peers else ()


def _others(context: RegionContext) -> pulumi.Output[str]:
    """Return a node of each other region, one per line."""
    regions = sorted(_peer_regions(context))
    return context.namespaces[COCKROACHDB].apply(
        lambda namespace: "".join(f"{peer_name(region, namespace)}\n" for region in regions)
    )
