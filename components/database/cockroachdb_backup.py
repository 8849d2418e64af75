"""Backups of CockroachDB into object storage, taken by the database itself."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

import pulumi
import pulumi_kubernetes as k8s

from components.cluster import WorkloadIdentity
from components.database import cockroachdb_sql as sql
from components.database.cockroachdb_job import SqlJob, SqlJobArgs
from components.database.cockroachdb_scripts import BACKUP_SCRIPT
from components.storage import ObjectStore
from components.trust import Certificate

APP: Final = "cockroachdb-backup"
FOLDER: Final = "cockroachdb"
HTTPS: Final = 443
DEADLINE: Final = 900


@dataclass(frozen=True, kw_only=True)
class BackupPlan:
    """Where a region's nodes write backups (`store`), as whom (`identity`), and when.

    `schedule` (how often what has changed is added) and `full` (how often all is written again) are cron expressions,
    in UTC, or @hourly, @daily and the like.
    """

    store: ObjectStore
    identity: WorkloadIdentity
    schedule: str
    full: str


@dataclass(frozen=True, kw_only=True)
class CockroachDBBackupArgs:
    """The `region` whose nodes take the backups of the whole database, by `plan`, set up with `certificate`."""

    region: str
    namespace: pulumi.Input[str]
    certificate: Certificate
    plan: BackupPlan


class CockroachDBBackup(pulumi.ComponentResource):
    """A Job that has the database take backups by itself from now on.

    Only nodes of the region read and write for it: those of other regions may be in other clouds, which know nothing
    of this one's identities.

    Outputs: `uri` (where the backups are; nothing in it is secret).
    """

    job: k8s.batch.v1.Job
    uri: pulumi.Output[str]

    def __init__(self, name: str, args: CockroachDBBackupArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:database:CockroachDBBackup", name, None, opts)
        self.uri = backup_uri(args.plan.store)
        statements = self.uri.apply(
            lambda uri: sql.backup_sql(args.region, uri=uri, schedule=args.plan.schedule, full=args.plan.full)
        )
        self.job = SqlJob(
            name,
            SqlJobArgs(
                app=APP,
                region=args.region,
                namespace=args.namespace,
                certificate=args.certificate,
                script=BACKUP_SCRIPT,
                deadline=DEADLINE,
                environment={},
                files={"backup.sql": statements},
            ),
            pulumi.ResourceOptions(parent=self),
        ).job
        self.register_outputs({"uri": self.uri})


def backup_uri(store: ObjectStore) -> pulumi.Output[str]:
    """The URI that BACKUP and RESTORE take. Pods have an identity of the cloud, so there is no key in it."""
    parameters = {"AUTH": "implicit", **store.parameters}
    known = pulumi.Output.all(uri=store.uri, parameters=parameters)
    return known.apply(lambda all_: f"{all_['uri']}/{FOLDER}?{urlencode(all_['parameters'])}")
