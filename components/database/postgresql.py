"""What the application has in a PostgreSQL server of a cloud, whichever cloud that is."""

from dataclasses import dataclass

import pulumi

from components import network
from components.connection import connection_secret, mount_path, secret_name
from components.database import postgresql_plan as plan
from components.database.credentials import DatabaseCredentials
from components.database.postgresql_bootstrap import PostgresBootstrap, PostgresBootstrapArgs, Server


@dataclass(frozen=True, kw_only=True)
class PostgresApplicationArgs:
    """The `server`, the Job's `namespace`, the clients' `client_namespace`, and how the application logs in."""

    region: str
    namespace: pulumi.Input[str]
    client_namespace: pulumi.Input[str]
    server: Server
    credentials: DatabaseCredentials


class PostgresApplication(pulumi.ComponentResource):
    """The application's database, its user, its way there, and the Secret that says how.

    Outputs: `url` (secret), `host`, `port`, `secret_name`, as `components.database.Database` promises them.
    """

    url: pulumi.Output[str]
    host: pulumi.Output[str]
    port: pulumi.Output[int]
    secret_name: pulumi.Output[str]

    def __init__(self, name: str, args: PostgresApplicationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:database:PostgresApplication", name, None, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        bootstrap = PostgresBootstrap(
            f"{name}-bootstrap",
            PostgresBootstrapArgs(
                region=args.region, namespace=args.namespace, server=args.server, credentials=args.credentials
            ),
            self._child,
        )
        opened = network.policy(
            f"{name}-clients",
            name="to-database",
            app=secret_name("database"),
            region=args.region,
            namespace=args.client_namespace,
            egress=[network.egress([plan.PORT], network.cidr(args.server.addresses))],
            opts=self._child,
        )
        self._connect(name, args, [bootstrap.job, opened])
        self.register_outputs({"host": self.host, "port": self.port, "secret_name": self.secret_name})

    def _connect(self, name: str, args: PostgresApplicationArgs, ready: list[pulumi.Resource]) -> None:
        credentials, host = args.credentials, args.server.host
        url = pulumi.Output.all(host=host, password=credentials.password).apply(
            lambda known: plan.connection_url(
                username=credentials.username,
                password=known["password"],
                host=known["host"],
                database=credentials.database,
                authority_file=f"{mount_path('database')}/ca.crt",
            )
        )
        secret = connection_secret(
            f"{name}-connection",
            "database",
            region=args.region,
            namespace=args.client_namespace,
            settings={
                "url": url,
                "host": host,
                "port": str(plan.PORT),
                "database": credentials.database,
                "username": credentials.username,
                "password": credentials.password,
                "ca.crt": args.server.authority,
            },
            opts=pulumi.ResourceOptions.merge(self._child, pulumi.ResourceOptions(depends_on=ready)),
        )
        self.secret_name = secret.metadata.name
        self.host = self.secret_name.apply(lambda _: host)
        self.port = self.secret_name.apply(lambda _: plan.PORT)
        self.url = pulumi.Output.secret(self.secret_name.apply(lambda _: url))
