"""The Job that keeps the database in step with the list of regions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_kubernetes as k8s

from components.database import cockroachdb_sql as sql
from components.database.cockroachdb_job import SqlJob, SqlJobArgs
from components.database.cockroachdb_scripts import REGIONS_SCRIPT
from components.peering import StorePeers
from components.trust import Certificate

APP: Final = "cockroachdb-regions"
DEADLINE: Final = 3600
"""Seconds: regions join as soon as their clusters stand, and those that leave must give away their data first."""


@dataclass(frozen=True, kw_only=True)
class CockroachDBRegionsArgs:
    """The name of the primary `region`, its `peers` (None: it is alone), what the `database` is to `survive`.

    `backed_up` are the regions that take backups.
    """

    region: str
    namespace: pulumi.Input[str]
    certificate: Certificate
    database: str
    survive: sql.Survival
    backed_up: Sequence[str] = ()
    peers: StorePeers | None = None


class CockroachDBRegions(pulumi.ComponentResource):
    """A Job of the primary region that adds regions to the database, drops others, and sets the survival goal.

    It ends the backups of regions that take none any more.

    It carries the list of regions, so it runs again when the list changes. Pulumi deletes after everything else: a
    region's nodes go only once this Job has dropped the region and emptied them. Nothing waits for it but that.
    """

    job: k8s.batch.v1.Job

    def __init__(self, name: str, args: CockroachDBRegionsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:database:CockroachDBRegions", name, None, opts)
        regions = sorted([args.region, *(args.peers.regions if args.peers else ())])
        statements = sql.regions_sql(args.database, primary_region=args.region, regions=regions, survive=args.survive)
        self.job = SqlJob(
            name,
            SqlJobArgs(
                app=APP,
                region=args.region,
                namespace=args.namespace,
                certificate=args.certificate,
                script=REGIONS_SCRIPT,
                deadline=DEADLINE,
                environment={"DATABASE": args.database},
                files={
                    "regions": "".join(f"{region}\n" for region in regions),
                    "regions.sql": statements,
                    "stale-backups.sql": sql.stale_backups_sql(args.backed_up),
                    "database-regions.sql": sql.regions_of_database_sql(args.database),
                },
            ),
            pulumi.ResourceOptions(parent=self),
        ).job
        self.register_outputs({})
