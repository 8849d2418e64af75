"""Messaging. Callers depend only on `Messaging`."""

from typing import Protocol

import pulumi


class Messaging(Protocol):
    """The outputs of every messaging component, known once it accepts connections."""

    url: pulumi.Output[str]
    """Secret tls:// URL with user and password."""
    host: pulumi.Output[str]
    port: pulumi.Output[int]
    secret_name: pulumi.Output[str]
    """The Secret `messaging-connection` in the clients' namespace.

    Keys: url, host, port, username, password, domain and ca.crt. With live collaboration also live.url, live.account,
    live.seed (the key that signs browsers' tokens), live.bucket and live.domain, and with agents live.agentSeed (the
    key that signs agents' tokens).
    """


__all__ = ["Messaging"]
