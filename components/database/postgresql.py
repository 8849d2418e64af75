"""What the application has in a PostgreSQL server of a cloud, whichever cloud that is."""

import pulumi

from components import network
from components.connection import Connection, connection_secret, mount_path, secret_name
from components.database import postgresql_plan as plan
from components.database.managed import ManagedDatabaseArgs
from components.database.postgresql_bootstrap import PostgresBootstrap, PostgresBootstrapArgs, Server


def connect(name: str, args: ManagedDatabaseArgs, server: Server, opts: pulumi.ResourceOptions) -> Connection:
    """Make the application's database, its user, its way there, and the Secret that says how.

    The Secret is a child of the caller's, called as with every other engine: a stack that changes its engine changes
    the Secret and does not replace it.
    """
    bootstrap = PostgresBootstrap(
        f"{name}-bootstrap",
        PostgresBootstrapArgs(
            region=args.region, namespace=args.namespace, server=server, credentials=args.credentials
        ),
        opts,
    )
    opened = network.policy(
        f"{name}-clients",
        name="to-database",
        app=secret_name("database"),
        region=args.region,
        namespace=args.client_namespace,
        egress=[network.egress([plan.PORT], network.cidr(server.addresses))],
        opts=opts,
    )
    url = _url(args, server)
    secret = connection_secret(
        f"{name}-connection",
        "database",
        region=args.region,
        namespace=args.client_namespace,
        settings={
            "url": url,
            "host": server.host,
            "port": str(plan.PORT),
            "database": args.credentials.database,
            "username": args.credentials.username,
            "password": args.credentials.password,
            "ca.crt": server.authority,
        },
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[bootstrap.job, opened])),
    )
    return Connection.after(secret, url=url, host=server.host, port=plan.PORT)


def _url(args: ManagedDatabaseArgs, server: Server) -> pulumi.Output[str]:
    credentials = args.credentials
    return pulumi.Output.all(host=server.host, password=credentials.password).apply(
        lambda known: plan.connection_url(
            username=credentials.username,
            password=known["password"],
            host=known["host"],
            database=credentials.database,
            authority_file=f"{mount_path('database')}/ca.crt",
        )
    )
