"""What clients need for a cache of a cloud, whichever cloud that is.

The clouds' services have passwords besides the identities of their cloud. Those identities give a client a token for an
hour, and only with a library of the cloud: a caller would know which cache it has. So passwords it is.
"""

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

import pulumi

from components import network
from components.cache.settings import CacheSettings
from components.connection import Connection, secret_name
from components.context import RegionContext
from components.namespaces import SERVICES

BACKUP_DAYS: Final = 7
MAINTENANCE_HOUR: Final = 4
"""UTC, on the region's day of maintenance."""


@dataclass(frozen=True, kw_only=True)
class ManagedCacheArgs:
    """One region's cache, which the cloud runs."""

    context: RegionContext
    settings: CacheSettings
    """A node has at least its `memory`, and holds at least its `max_memory`. More `replicas` than one are as many nodes
    over several zones, one of which takes over."""
    maintenance_day: str
    """The day of the week on which the cloud may restart the cache."""

    @property
    def region(self) -> str:
        """The region's name."""
        return self.context.region

    @property
    def client_namespace(self) -> pulumi.Output[str]:
        """Where the clients are."""
        return self.context.namespaces[SERVICES]


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Where a cache is, and how to log in."""

    host: pulumi.Output[str]
    """Known once the cache answers."""
    port: int
    addresses: str
    """The cache's address is one of them (CIDR)."""
    password: pulumi.Output[str]
    authority: pulumi.Input[str]
    """Signs the cache's certificate (PEM)."""


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
        egress=[network.egress([endpoint.port], network.cidr(endpoint.addresses))],
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


def connection_url(*, password: str, host: str, port: int) -> str:
    """The URL that clients connect with. Some clouds' passwords have letters that a URL must not have as they are."""
    return f"rediss://default:{quote(password, safe='')}@{host}:{port}/0"
