"""Settings of messaging."""

from typing import Annotated, Final

from pydantic import Field

from components.settings import Model
from components.settings.values import (
    Bytes,
    Count,
    Cpu,
    Duration,
    Origins,
    RegionName,
    RegionNames,
    distinct,
    not_empty,
    pattern,
    quorum,
)

FILE_SHARE: Final = 0.9
"""Share of a server's storage that JetStream may fill."""

MessagingServers = Annotated[
    int,
    quorum("JetStream needs an odd quorum"),
]

StreamName = Annotated[
    str,
    pattern(
        r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}",
        "must be at most 63 letters, digits, hyphens and underscores",
        "write e.g. council-decisions",
    ),
]
_TOKEN: Final = r"[A-Za-z0-9_-]+"  # noqa: S105 - a part of a subject
Subject = Annotated[
    str,
    pattern(
        # What begins with `*.` would be JetStream's own subjects too ($JS.API...), which no stream may take.
        rf"\*|{_TOKEN}(\.({_TOKEN}|\*))*(\.>)?",
        "must be a NATS subject: words with dots between them, after the first * for any word, > for all that follow",
        "write e.g. councils.> or councils.*.decisions",
    ),
]
Subjects = Annotated[tuple[Subject, ...], Field(strict=False), not_empty("councils.>"), distinct("a subject")]


class StreamSettings(Model):
    """A stream: its home region keeps the messages, and other regions can have mirrors."""

    name: StreamName = Field(examples=["council-decisions"])
    """Name of the stream."""
    subjects: Subjects = Field(examples=[["councils.>"]])
    """Subjects whose messages the stream keeps. No message may belong to two streams."""
    home: RegionName | None = None
    """Name of the region that keeps the stream. Messages do not move, so change it only when the home is lost:
    docs/runbooks/nats-gateway-lost.md. Needed with several regions. None: the only region."""
    mirrored_in: RegionNames = ()
    """Names of the regions that keep a copy, or `all`: every region, also those to come."""
    replicas: MessagingServers | None = None
    """Servers of the region that keep each message, at most `messaging.servers`. None: 3, or 1 where there is one
    server."""
    retention: Duration = "7d"
    """How long a message is kept."""
    max_size: Bytes = "256Mi"
    """Most data that the stream keeps. The oldest messages go when there are more."""


class AgentSettings(Model):
    """Agents: programs that take part in circles, with a key, rights and limits of their own."""

    enabled: bool = False
    """Whether services can let agents into circles: docs/live-collaboration.md#agents. Without
    `messaging.websocket.enabled` it has no effect."""
    max_message: Bytes | None = None
    """Largest message of an agent, at most that of a browser. None: a quarter of `messaging.websocket.maxMessage`."""
    subscriptions: Count = 16
    """Most subscriptions of an agent's connection, at most the 64 of a browser."""


class WebSocketSettings(Model):
    """NATS over WebSocket at `/live` of the public gateway, so that browsers share the state of their circles."""

    enabled: bool = False
    """Whether browsers reach NATS at `/live` of the public gateway: docs/live-collaboration.md. It needs
    `mesh.enabled`."""
    home: RegionName | None = None
    """Name of the region that keeps the state of circles; every other region has a copy. Needed with several regions.
    Change it only when the region is lost: docs/runbooks/nats-gateway-lost.md. None: the only region."""
    origins: Origins = ()
    """Origins of the pages that may connect, such as `https://sacred-council.love`. Without any: `https://` and
    `edge.domain`."""
    servers: Count = 2
    """NATS servers for browsers in each region, besides `messaging.servers`."""
    max_connections: Count = 1_000
    """Most browsers of one server."""
    connections_per_second: Count = 50
    """Most browsers that one pod of the public gateway lets connect in a second."""
    upload_per_second: Bytes = "4Mi"
    """Most data that one pod of the public gateway takes from all browsers in a second. Above it, browsers wait."""
    max_message: Bytes = "64Ki"
    """Largest message of a browser, at most 1Mi."""
    max_size: Bytes = "256Mi"
    """Most data of the state of all circles together. When there is more, no value is taken until others expire."""
    retention: Duration = "30d"
    """How long a value of a circle is kept after its last change."""
    agents: AgentSettings = AgentSettings()
    """Agents in circles. Off by default."""
    cpu: Cpu = "250m"
    """Processor time of a server for browsers."""
    memory: Bytes = "256Mi"
    """Memory of a server for browsers."""


class MessagingSettings(Model):
    """NATS JetStream in each region."""

    servers: MessagingServers = 1
    """NATS servers in each region. With several regions or `database.primaryRegion` it is 3 or 5. From 1 to more, see
    docs/runbooks/nats-more-servers.md first."""
    streams: Annotated[tuple[StreamSettings, ...], Field(strict=False)] = ()
    """Streams of messages. The program makes a stream and changes it; a stream that leaves the list stays, with its
    messages."""
    storage: Bytes = "2Gi"
    """Disk of a server. The streams may fill nine tenths of it together. For a larger disk see
    docs/runbooks/volume-filling.md#larger-volumes."""
    cpu: Cpu = "100m"
    """Processor time of a server."""
    memory: Bytes = "256Mi"
    """Memory of a server."""
    websocket: WebSocketSettings = WebSocketSettings()
    """Live collaboration of browsers, see docs/live-collaboration.md. Off by default."""
