"""Caches. Callers know only what `Cache` promises, whichever engine is behind it."""

from typing import Final, Protocol

import pulumi


class Cache(Protocol):
    """What every cache component offers, once it accepts connections.

    `url` is secret: a rediss:// URL with the password; it always leads to the node that accepts writes. `secret_name`
    is the Secret `cache-connection` in the clients' namespace with the keys url, host, port, username, password
    and ca.crt.
    """

    url: pulumi.Output[str]
    host: pulumi.Output[str]
    port: pulumi.Output[int]
    secret_name: pulumi.Output[str]


ENGINES: Final = ("Redis", "Memorystore", "ElastiCache", "AzureManagedRedis")
TYPES: Final = tuple(f"sacred-council:cache:{engine}" for engine in ENGINES)
"""Every engine's component: whoever changes the engine of a stack names them, so that what all have stays."""

__all__ = ["TYPES", "Cache"]
