"""Voice and video of circles. Callers depend only on `Circles`."""

from typing import Protocol

import pulumi


class Circles(Protocol):
    """The outputs of the region's servers for circles, known once one of them is ready."""

    url: pulumi.Output[str]
    """HTTPS address of their API inside the region."""
    host: pulumi.Output[str]
    port: pulumi.Output[int]
    secret_name: pulumi.Output[str]
    """The Secret `circles-connection` in the clients' namespace.

    Keys: url, host, port, ca.crt, region, api.key, api.secret, homes and max.participants.
    """


__all__ = ["Circles"]
