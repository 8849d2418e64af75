"""Settings of streaming."""

from typing import Annotated, Final

from pydantic import Field

from components.settings import Model
from components.settings.values import (
    Bytes,
    Count,
    Cpu,
    Duration,
    RegionNames,
    distinct,
    one_or,
    pattern,
    quorum,
)

FILE_SHARE: Final = 0.8
"""Share of a broker's storage that the topics may fill. Kafka deletes whole segments, so topics exceed their limit."""

MOST_BROKERS: Final = 100
"""Brokers have the node ids below this number, controllers those from it on."""

BrokerCount = Annotated[
    int,
    one_or(3, "two brokers cannot lose one and keep accepting records", "write 1, 3 or more"),
    Field(le=MOST_BROKERS),
]
ControllerCount = Annotated[
    int,
    quorum("controllers need an odd quorum"),
]
TopicName = Annotated[
    str,
    # No dot: the name of a replicated topic is the region's name, a dot, and this name.
    pattern(
        r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?",
        "must be a DNS label of at most 63 characters: lower case letters, digits and hyphens",
        "write e.g. council-decisions",
    ),
]
UserName = Annotated[
    str,
    # The certificate names the user and the region, in 64 characters together.
    pattern(
        r"[a-z]([-a-z0-9]{0,29}[a-z0-9])?",
        "must be a DNS label of at most 31 characters: lower case letters, digits and hyphens, starting with a letter",
        "write e.g. analytics",
    ),
]
TopicNames = Annotated[tuple[TopicName, ...], Field(strict=False), distinct("a topic")]


class TopicSettings(Model):
    """A topic. Every region has it, and takes its own records."""

    name: TopicName = Field(examples=["council-decisions"])
    """Name of the topic."""
    partitions: Count = 3
    """Partitions of the topic. More can be added later, never fewer; records of a key then change their partition."""
    replicas: Count | None = None
    """Brokers of the region that keep each record, at most `streaming.brokers`. It cannot be changed later. None: 3, or
    1 where there is one broker."""
    retention: Duration = "7d"
    """How long a record is kept."""
    max_size: Bytes = "1Gi"
    """Most data of the topic that a region keeps, without replicas. The oldest records go when there are more."""
    replicated_to: RegionNames = ()
    """Names of the regions that get the records of all others, or `all`: every region, also those to come. There, the
    records of another region are in a topic of their own, such as `us-central1.council-decisions`."""


class StreamingUserSettings(Model):
    """A user of Kafka beside the services: it has its own certificate, and rights on these topics only."""

    name: UserName = Field(examples=["analytics"])
    """Name of the user. Its certificate is in the Secret `streaming-<name>` of the services' namespace. Its consumer
    groups and transactions begin with its name and a dot."""
    produces: TopicNames = ()
    """Topics that it may write."""
    consumes: TopicNames = ()
    """Topics that it may read, with the records of other regions that are replicated to its region."""
    produce_rate: Bytes = "1Mi"
    """Most bytes per second that it may write to each broker. Kafka slows it down above that."""
    consume_rate: Bytes = "2Mi"
    """Most bytes per second that it may read from each broker."""


class StreamingSettings(Model):
    """Kafka in each region: docs/streaming.md."""

    enabled: bool = False
    """Whether each region has Kafka."""
    brokers: BrokerCount = 1
    """Kafka brokers in each region. With 3 a broker may fail. Topics keep their number of replicas, so a stack that
    will grow starts with 3."""
    controllers: ControllerCount = 1
    """Controllers of each region's brokers. With 3 a controller may fail. The number cannot be changed later."""
    storage: Bytes = "10Gi"
    """Disk of a broker. The topics may fill four fifths of it together. It can only grow."""
    cpu: Cpu = "250m"
    """Processor time of a broker."""
    memory: Bytes = "1Gi"
    """Memory of a broker. Java's heap gets half of it, and the rest caches files."""
    topics: Annotated[tuple[TopicSettings, ...], Field(strict=False)] = ()
    """Topics of records. A topic that leaves the list is deleted, with its records."""
    users: Annotated[tuple[StreamingUserSettings, ...], Field(strict=False)] = ()
    """Users beside the services, which may write and read every topic."""
    produce_rate: Bytes = "10Mi"
    """Most bytes per second that the services together may write to each broker."""
    consume_rate: Bytes = "20Mi"
    """Most bytes per second that the services together may read from each broker."""
