"""The trust ledger. Callers depend only on `Ledger`."""

from typing import Protocol

import pulumi


class Ledger(Protocol):
    """The outputs of the ledger, known once the region's validators vote."""

    url: pulumi.Output[str]
    """HTTPS address of the region's validators. It holds no secret: clients show a certificate."""
    host: pulumi.Output[str]
    port: pulumi.Output[int]
    secret_name: pulumi.Output[str]
    """The Secret `ledger-connection` in the clients' namespace.

    Keys: url, host, port, chain.id, region, ca.crt, tls.crt and tls.key.
    """


__all__ = ["Ledger"]
