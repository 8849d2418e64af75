"""Settings of streaming."""

from typing import Annotated, Final, Self

from pydantic import BeforeValidator, Field, model_validator

from components.settings import Model
from components.settings.values import (
    Bytes,
    Count,
    Cpu,
    Duration,
    RegionName,
    counted,
    distinct,
    mistake,
    one_or,
    pattern,
)

ALL: Final = "all"
"""Instead of a list of regions: every one, also those to come."""

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
    counted(
        lambda n: n in (1, 3, 5),
        "must be 1, 3 or 5: controllers need an odd quorum",
        "write 1, 3 or 5",
        enum=[1, 3, 5],
    ),
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


def _one_as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


_RegionNames = Annotated[tuple[RegionName, ...], Field(strict=False)]
Regions = Annotated[
    _RegionNames, BeforeValidator(_one_as_list, json_schema_input_type=RegionName | _RegionNames), distinct("one")
]


class TopicSettings(Model):
    """A topic. Every region has it, and takes its own records."""

    name: TopicName
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
    replicated_to: Regions = ()
    """Names of the regions that get the records of all others, or `all`: every region, also those to come. There, the
    records of another region are in a topic of their own, such as `us-central1.council-decisions`."""

    @model_validator(mode="after")
    def _all_is_not_one_of_many(self) -> Self:
        if ALL in self.replicated_to and len(self.replicated_to) > 1:
            raise mistake("must not have all beside regions in replicatedTo", "write replicatedTo: all, or the regions")
        return self


class StreamingUserSettings(Model):
    """A user of Kafka beside the services: it has its own certificate, and rights on these topics only."""

    name: UserName
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
