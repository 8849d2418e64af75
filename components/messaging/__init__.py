"""Messaging. Callers know only what `Messaging` promises."""

from typing import Protocol

import pulumi


class Messaging(Protocol):
    """What every messaging component offers, once it accepts connections.

    `url` is secret: a tls:// URL with user and password. `secret_name` is the Secret `messaging-connection` in the
    clients' namespace with the keys url, host, port, username, password, domain and ca.crt.
    """

    url: pulumi.Output[str]
    host: pulumi.Output[str]
    port: pulumi.Output[int]
    secret_name: pulumi.Output[str]


__all__ = ["Messaging"]
