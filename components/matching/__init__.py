"""Matching. Callers depend only on `Matching`."""

from typing import Protocol

import pulumi


class Matching(Protocol):
    """The outputs of matching, known once its table is there."""

    url: pulumi.Output[str]
    """HTTPS address of the embedding servers. It holds no secret."""
    host: pulumi.Output[str]
    port: pulumi.Output[int]
    secret_name: pulumi.Output[str]
    """The Secret `matching-connection` in the clients' namespace.

    Keys: url, host, port, token, ca.crt, model, dimension, table, database.url, database.username and
    database.password.
    """


__all__ = ["Matching"]
