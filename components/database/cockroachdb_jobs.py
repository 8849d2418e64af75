"""The Jobs that set up a region's part of a CockroachDB cluster."""

import pulumi

from components.database import cockroachdb_plan as plan
from components.database.cockroachdb_arguments import CockroachDBArgs
from components.database.cockroachdb_backup import CockroachDBBackup, CockroachDBBackupArgs
from components.database.cockroachdb_bootstrap import CockroachDBBootstrap, CockroachDBBootstrapArgs
from components.database.cockroachdb_regions import CockroachDBRegions, CockroachDBRegionsArgs
from components.trust import Certificate, CertificateArgs


class CockroachDBJobs(pulumi.ComponentResource):
    """Bootstrap in every region, the list of regions in the primary region, backups where they are taken.

    Outputs: `bootstrapped` (what clients wait for), `backup_uri` (None: the region takes no backups).
    """

    bootstrapped: pulumi.Resource
    backup_uri: pulumi.Output[str] | None

    def __init__(self, name: str, args: CockroachDBArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:database:CockroachDBJobs", name, None, opts)
        self._args = args
        self._certificate = self._root_certificate(name)
        self.bootstrapped = self._bootstrap(name)
        after = pulumi.ResourceOptions(parent=self, depends_on=[self.bootstrapped])
        if args.primary_region == args.region:
            self._regions(name, after)
        self.backup_uri = self._backup(name, after)
        self.register_outputs({})

    def _root_certificate(self, name: str) -> Certificate:
        args = self._args
        return Certificate(
            f"{name}-certificate",
            CertificateArgs(
                authority=args.authority,
                common_name="root",
                app=plan.APP,
                region=args.region,
                namespace=args.namespace,
                secret_name="cockroachdb-client-root",  # noqa: S106 - the name of a Secret
                usages=("client",),
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _bootstrap(self, name: str) -> pulumi.Resource:
        args = self._args
        return CockroachDBBootstrap(
            f"{name}-bootstrap",
            CockroachDBBootstrapArgs(
                region=args.region,
                namespace=args.namespace,
                certificate=self._certificate,
                credentials=args.credentials,
                license_key=args.license_key,
                primary_region=args.primary_region == args.region,
                peers=args.peers,
            ),
            opts=pulumi.ResourceOptions(parent=self),
        ).job

    def _regions(self, name: str, opts: pulumi.ResourceOptions) -> None:
        args = self._args
        CockroachDBRegions(
            f"{name}-regions",
            CockroachDBRegionsArgs(
                region=args.region,
                namespace=args.namespace,
                certificate=self._certificate,
                database=args.credentials.database,
                survive=args.survive,
                backed_up=args.backed_up,
                peers=args.peers,
            ),
            opts,
        )

    def _backup(self, name: str, opts: pulumi.ResourceOptions) -> pulumi.Output[str] | None:
        args = self._args
        if args.backup is None:
            return None
        return CockroachDBBackup(
            f"{name}-backup",
            CockroachDBBackupArgs(
                region=args.region, namespace=args.namespace, certificate=self._certificate, plan=args.backup
            ),
            opts,
        ).uri
