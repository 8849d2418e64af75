"""What each edge site can keep while its link is down. Pure.

An outbox takes messages until it has `maxSize` of its stream (docs/edge-sites.md). So an outage may last as long as
that size divided by what the site publishes; the few bytes that JetStream adds to each message are not counted.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from components.messaging import streams
from components.settings.values import bytes_of
from stacks.settings import Settings

MESSAGES_PER_SECOND: Final = 10
MESSAGE_BYTES: Final = 2**10


@dataclass(frozen=True, kw_only=True)
class Outbox:
    """What a site publishes to a stream of its home, and its home does not have yet."""

    stream: str
    bytes: int
    """The most that it keeps."""
    hours: float
    """Of an outage, while the site publishes `MESSAGES_PER_SECOND` of `MESSAGE_BYTES` to the stream."""


@dataclass(frozen=True, kw_only=True)
class SiteStorage:
    """The disk of an edge site's NATS."""

    site: str
    home: str
    disk_bytes: int
    copies_bytes: int
    """The most that the copies of the home's streams take."""
    outboxes: tuple[Outbox, ...]


def storages(settings: Settings) -> Iterator[SiteStorage]:
    """The disks of all edge sites, sorted by the site's name."""
    for site in sorted(settings.edge_sites, key=lambda one: one.name):
        held = streams.held(site.home, settings.messaging.streams)
        sent = [stream for stream in held if streams.home_of(stream, site.home) == site.home]
        yield SiteStorage(
            site=site.name,
            home=site.home,
            disk_bytes=bytes_of(site.storage),
            copies_bytes=sum(bytes_of(stream.max_size) for stream in held),
            outboxes=tuple(_outbox(stream.name, bytes_of(stream.max_size)) for stream in sent),
        )


def _outbox(stream: str, most: int) -> Outbox:
    return Outbox(stream=stream, bytes=most, hours=round(most / (MESSAGES_PER_SECOND * MESSAGE_BYTES) / 3600, 1))
