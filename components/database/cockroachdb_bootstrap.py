"""The Job that initialises a CockroachDB cluster and makes the application's database and user."""

from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_kubernetes as k8s

from components.database import cockroachdb_plan as plan
from components.database.cockroachdb_job import SqlJob, SqlJobArgs
from components.database.cockroachdb_scripts import BOOTSTRAP_SCRIPT
from components.database.cockroachdb_sql import application_sql
from components.database.credentials import DatabaseCredentials
from components.peering import StorePeers, peer_name
from components.trust import Certificate

APP: Final = "cockroachdb-bootstrap"
PRIMARY_REGION_DEADLINE: Final = 900
JOINING_DEADLINE: Final = 2700
"""Seconds. A region that joins waits until the primary region is there, whose cluster may take a quarter of an hour."""


@dataclass(frozen=True, kw_only=True)
class CockroachDBBootstrapArgs:
    """Whose cluster (`region`, `namespace`), the administrator's `certificate`, and what the application gets.

    Only the Job of the primary region initialises the cluster; the others wait until theirs has joined it.
    `peers` None: the region is alone.
    """

    region: str
    namespace: pulumi.Input[str]
    certificate: Certificate
    credentials: DatabaseCredentials
    license_key: pulumi.Input[str] | None
    primary_region: bool
    peers: StorePeers | None = None


class CockroachDBBootstrap(pulumi.ComponentResource):
    """A Job that runs once, and again when the application's credentials or the licence have changed.

    Regions that come and go do not make it run again.

    Outputs: `job`.
    """

    job: k8s.batch.v1.Job

    def __init__(self, name: str, args: CockroachDBBootstrapArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:database:CockroachDBBootstrap", name, None, opts)
        peers, credentials = args.peers, args.credentials
        self.job = SqlJob(
            name,
            SqlJobArgs(
                app=APP,
                region=args.region,
                namespace=args.namespace,
                certificate=args.certificate,
                script=BOOTSTRAP_SCRIPT,
                deadline=PRIMARY_REGION_DEADLINE if args.primary_region else JOINING_DEADLINE,
                environment={
                    "IS_PRIMARY_REGION": "true" if args.primary_region else "false",
                    "DATABASE": credentials.database,
                    "USERNAME": credentials.username,
                },
                files={"application.sql": application_sql(credentials.database, credentials.username)},
                notes={"others": _others(args)},
                secrets={"password": credentials.password, "license": args.license_key or ""},
                egress=[peers.egress(plan.SQL_PORT)] if peers else [],
            ),
            pulumi.ResourceOptions(parent=self),
        ).job
        self.register_outputs({})


def _others(args: CockroachDBBootstrapArgs) -> pulumi.Output[str]:
    """A node of each other region, one a line."""
    regions = sorted(args.peers.regions) if args.peers else []
    return pulumi.Output.from_input(args.namespace).apply(
        lambda namespace: "".join(f"{peer_name(region, namespace)}\n" for region in regions)
    )
