"""Caches. Callers know only what `Cache` promises, whichever engine is behind it."""

from typing import Protocol

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


__all__ = ["Cache"]
