"""Specs of Kafka's users: who may do what. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from components.settings.values import bytes_of
from components.streaming.configuration import (
    APPLICATION_USER,
    INTERNAL,
    RegionKafka,
    arriving,
    leaving,
    remote_topic,
)
from components.streaming.settings import StreamingSettings, StreamingUserSettings

OFFSET_SYNCS: Final = "mm2-offset-syncs."
EVERY_RIGHT_ON_TOPICS: Final = ("Alter", "AlterConfigs", "Create", "Describe", "DescribeConfigs", "Read", "Write")
READ: Final = ("Describe", "DescribeConfigs", "Read")


def acl(kind: str, name: str, operations: Sequence[str], *, prefix: bool = False) -> dict[str, Any]:
    """A right on a topic, group or transactional id, or on all whose name begins with `name`."""
    resource = {"type": kind, "name": name, "patternType": "prefix" if prefix else "literal"}
    return {"type": "allow", "resource": resource, "operations": list(operations), "host": "*"}


def user(acls: Sequence[Mapping[str, Any]], quotas: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Spec of a KafkaUser whose certificate the platform issues."""
    return {
        "authentication": {"type": "tls-external"},
        "authorization": {"type": "simple", "acls": [dict(one) for one in acls]},
        **({"quotas": dict(quotas)} if quotas else {}),
    }


def application(settings: StreamingSettings) -> StreamingUserSettings:
    """The user of the services: it may write and read every topic."""
    every = tuple(sorted(topic.name for topic in settings.topics))
    return StreamingUserSettings.model_construct(
        name=APPLICATION_USER,
        produces=every,
        consumes=every,
        produce_rate=settings.produce_rate,
        consume_rate=settings.consume_rate,
    )


def client_user(kafka: RegionKafka, settings: StreamingUserSettings) -> dict[str, Any]:
    """Spec of a user with rights on its topics only."""
    name = f"{settings.name}."
    here = {topic.name for topic in arriving(kafka.region, kafka.settings)}
    read = [
        *settings.consumes,
        *(remote_topic(peer, topic) for peer in sorted(kafka.peers) for topic in settings.consumes if topic in here),
    ]
    acls = [
        *(acl("topic", topic, ["Describe", "Write"]) for topic in settings.produces),
        *(acl("topic", topic, READ) for topic in read),
        *([acl("group", name, ["Delete", "Describe", "Read"], prefix=True)] if settings.consumes else []),
        *([acl("transactionalId", name, ["Describe", "Write"], prefix=True)] if settings.produces else []),
    ]
    rates = {
        "producerByteRate": bytes_of(settings.produce_rate),
        "consumerByteRate": bytes_of(settings.consume_rate),
    }
    return user(acls, rates)


def peer_user(kafka: RegionKafka) -> dict[str, Any]:
    """Spec of the user by which other regions read what is replicated to them, and how far its groups are."""
    topics = leaving(kafka.region, kafka.peers, kafka.settings)
    return user([*(acl("topic", topic.name, READ) for topic in topics), acl("group", "*", ["Describe"])])


def mirror_user(kafka: RegionKafka) -> dict[str, Any]:
    """Spec of the user by which the mirror writes what comes from other regions, and moves groups' offsets."""
    return user(
        [
            acl("topic", INTERNAL, EVERY_RIGHT_ON_TOPICS, prefix=True),
            acl("topic", OFFSET_SYNCS, EVERY_RIGHT_ON_TOPICS, prefix=True),
            *(acl("topic", f"{peer}.", EVERY_RIGHT_ON_TOPICS, prefix=True) for peer in sorted(kafka.peers)),
            acl("group", "*", ["Describe", "Read"]),
            # Kafka Connect writes each source's records and its position in one transaction.
            acl("transactionalId", INTERNAL, ["Describe", "Write"], prefix=True),
            acl("transactionalId", f"connect-cluster-{INTERNAL}", ["Describe", "Write"]),
        ]
    )
