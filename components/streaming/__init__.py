"""Streaming. Callers depend only on `Streaming`."""

from typing import Protocol

import pulumi


class Streaming(Protocol):
    """The outputs of every streaming component, known once its users and topics are declared.

    An operator makes the brokers. Clients may be there first, and try again until the brokers answer.
    """

    url: pulumi.Output[str]
    """kafka+ssl:// URL. It holds no secret: clients show a certificate."""
    host: pulumi.Output[str]
    port: pulumi.Output[int]
    secret_name: pulumi.Output[str]
    """The Secret `streaming-connection` in the clients' namespace.

    Keys: url, host, port, bootstrap.servers, username, region, ca.crt, tls.crt and tls.key.
    """


__all__ = ["Streaming"]
