"""Settings of circles' voice and video."""

from typing import Annotated, Final

from pydantic import Field

from components.settings import Model
from components.settings.values import Bytes, Count, Cpu, Duration, SigningKey

MOST_SERVERS: Final = 10
"""Most servers of a region. Each has load balancers and addresses of its own."""

ServerCount = Annotated[int, Field(ge=1, le=MOST_SERVERS)]


class CirclesSettings(Model):
    """Voice and video of circles, by LiveKit: docs/circles.md."""

    enabled: bool = False
    """Whether the members of a circle hear and see each other. It needs `mesh.enabled`, and with several regions
    `edge.cdn`, whose DNS leads browsers to one region."""
    servers: ServerCount = 2
    """LiveKit servers in each region. Each has one public address, on `aws` two. A call is on one server."""
    max_participants: Count = 50
    """Most participants of one call."""
    max_rate: Bytes = "100M"
    """Most bytes that a server takes and sends in a second. Above it, nobody can join a call that is on it."""
    connections_per_second: Count = 50
    """Most participants that one pod of the public gateway lets connect in a second."""
    drain: Duration = "1h"
    """Longest time that a server which stops waits until its calls end. Then it ends them, and their participants
    connect to another server."""
    signing_key: SigningKey = "blue"
    """Which of two keys the services sign tokens with; the servers accept both. To change it, see
    docs/runbooks/rotate-certificates-and-passwords.md."""
    cpu: Cpu = "2"
    """Processor time of a server."""
    memory: Bytes = "1Gi"
    """Memory of a server."""
