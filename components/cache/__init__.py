"""Caches. Callers depend only on `Cache` and need not know the engine behind it."""

from typing import Final, Protocol

import pulumi


class Cache(Protocol):
    """The outputs of every cache component, known once it accepts connections."""

    url: pulumi.Output[str]
    """Secret rediss:// URL with the password. It always leads to the node that accepts writes."""
    host: pulumi.Output[str]
    port: pulumi.Output[int]
    secret_name: pulumi.Output[str]
    """The Secret `cache-connection` in the clients' namespace.

    Keys: url, host, port, username, password and ca.crt.
    """
    authority: pulumi.Output[str]
    """Certificates (PEM) of the authority that signed the cache's."""


ENGINES: Final = ("Redis", "Memorystore", "ElastiCache", "AzureManagedRedis")
TYPES: Final = tuple(f"sacred-council:cache:{engine}" for engine in ENGINES)
"""Component types of all engines. The stack aliases them, so that switching engines updates the Secret in place."""

__all__ = ["TYPES", "Cache"]
