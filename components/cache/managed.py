"""What clients need for a cache of a cloud, whichever cloud that is.

The clouds' services have passwords besides the identities of their cloud. Those identities give a client a token for an
hour, and only with a library of the cloud: a caller would know which cache it has. So passwords it is.
"""

from dataclasses import dataclass

import pulumi

from components import network
from components.cache.arguments import ManagedCacheArgs, connection_url
from components.connection import Connection, secret_name


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Where a cache is (`host`, known once it answers, and `port`), and who signs its certificate (PEM)."""

    host: pulumi.Output[str]
    port: int
    password: pulumi.Output[str]
    authority: pulumi.Input[str]


def connect(name: str, args: ManagedCacheArgs, endpoint: Endpoint, opts: pulumi.ResourceOptions) -> Connection:
    """Make the clients' way to the cache, and the Secret that says how to log in.

    The Secret is a child of the caller's, called as with every other engine: a stack that changes its engine changes
    the Secret and does not replace it.
    """
    opened = network.policy(
        f"{name}-clients",
        name="to-cache",
        app=secret_name("cache"),
        region=args.region,
        namespace=args.client_namespace,
        egress=[network.egress([endpoint.port], network.cidr(args.managed_addresses))],
        opts=opts,
    )
    url = pulumi.Output.all(password=endpoint.password, host=endpoint.host).apply(
        lambda known: connection_url(password=known["password"], host=known["host"], port=endpoint.port)
    )
    return Connection.publish(
        name,
        "cache",
        region=args.region,
        namespace=args.client_namespace,
        url=url,
        host=endpoint.host,
        port=endpoint.port,
        settings={"username": "default", "password": endpoint.password, "ca.crt": endpoint.authority},
        after=[opened],
        opts=opts,
    )
