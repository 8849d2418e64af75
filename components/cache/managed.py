"""The parts of a managed cache that are the same for all clouds.

Clients log in with passwords. The clouds also accept their own identities, but those issue a token for an hour and need
a library of the cloud, so clients would depend on the cloud.
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
"""Hour in UTC on the region's maintenance day."""


@dataclass(frozen=True, kw_only=True)
class ManagedCacheArgs:
    """One region's managed cache."""

    context: RegionContext
    settings: CacheSettings
    """A node has at least `memory`, and stores at least `max_memory` of data.

    Several `replicas` are that many nodes in different zones, and another node takes over when one fails.
    """
    maintenance_day: str
    """Day of the week on which the cloud may restart the cache."""

    @property
    def region(self) -> str:
        """The region's name."""
        return self.context.region

    @property
    def client_namespace(self) -> pulumi.Output[str]:
        """The clients' namespace."""
        return self.context.namespaces[SERVICES]


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Address and credentials of a cache."""

    host: pulumi.Output[str]
    """Known once the cache answers."""
    port: int
    addresses: str
    """IPv4 range (CIDR) that contains the cache's address."""
    password: pulumi.Output[str]
    authority: pulumi.Input[str]
    """Signs the cache's certificate (PEM)."""


def connect(name: str, args: ManagedCacheArgs, endpoint: Endpoint, opts: pulumi.ResourceOptions) -> Connection:
    """Open the network from the clients to the cache, and publish the connection's Secret.

    The Secret is a child of the caller and has the same name for every engine, so it survives a switch of engines.
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
    """Return the URL for clients. It escapes the password, because some clouds' passwords need that."""
    return f"rediss://default:{quote(password, safe='')}@{host}:{port}/0"
