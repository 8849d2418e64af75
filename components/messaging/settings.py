"""What can be configured of messaging."""

from typing import Annotated, Final, Self

from pydantic import BeforeValidator, Field, model_validator

from components.settings import Model
from components.settings.values import (
    Bytes,
    Cpu,
    Duration,
    RegionName,
    counted,
    distinct,
    mistake,
    not_empty,
    pattern,
)

ALL: Final = "all"
"""Instead of a list of regions: every one, also those to come."""

FILE_SHARE: Final = 0.9
"""Share of a server's storage that JetStream may fill."""

MessagingServers = Annotated[
    int,
    counted(lambda n: n in (1, 3, 5), "must be 1, 3 or 5: JetStream needs an odd quorum", "write 1, 3 or 5"),
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


def _one_as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


Subjects = Annotated[tuple[Subject, ...], Field(strict=False), not_empty("councils.>"), distinct("one")]
Mirrors = Annotated[tuple[RegionName, ...], Field(strict=False), BeforeValidator(_one_as_list), distinct("one")]


class StreamSettings(Model):
    """A stream: it takes messages, wherever they are published, into its `home` region; others can have mirrors."""

    name: StreamName
    subjects: Subjects
    home: RegionName | None = None
    """Needed with several regions. Messages do not move: change it only when the home is lost (runbook)."""
    mirrored_in: Mirrors = ()
    """Names of regions, or `all`."""
    replicas: MessagingServers | None = None
    """Servers that keep each message; None is three of them, or the one there is."""
    retention: Duration = "7d"
    max_size: Bytes = "256Mi"
    """The oldest messages go when there are more."""

    @model_validator(mode="after")
    def _all_is_not_one_of_many(self) -> Self:
        if ALL in self.mirrored_in and len(self.mirrored_in) > 1:
            raise mistake("must not have all beside regions in mirroredIn", "write mirroredIn: all, or the regions")
        return self


class MessagingSettings(Model):
    """NATS JetStream in each region."""

    servers: MessagingServers = 1
    streams: Annotated[tuple[StreamSettings, ...], Field(strict=False)] = ()
    """What is kept of messages. Streams that are taken off the list stay, and their messages."""
    storage: Bytes = "2Gi"
    cpu: Cpu = "100m"
    memory: Bytes = "256Mi"
