"""A client of Kafka in a process of its own, because each region has its own names: `python -m ... < task.json`.

The task names an action, the configuration of the client, and the action's arguments. The answer is JSON, too.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaError, KafkaException, Message, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._acl import AclBinding, AclOperation, AclPermissionType
from confluent_kafka.admin._resource import ResourcePatternType, ResourceType
from confluent_kafka.cimpl import NewTopic

SECONDS = 120


def produce(config: dict[str, Any], topic: str, values: list[str]) -> list[str]:
    """Write values. Return the name of each error."""
    errors: list[str] = []

    def written(error: KafkaError | None, _message: Message) -> None:
        if error is not None:
            errors.append(error.name())

    producer = Producer({**config, "acks": "all", "message.timeout.ms": SECONDS * 1000})
    for value in values:
        producer.produce(topic, value=value.encode(), key=value.encode(), on_delivery=written)
    producer.flush(SECONDS + 5)
    return errors


def consume(config: dict[str, Any], group: str, topics: list[str], count: int, quiet: float) -> list[list[str]]:
    """Read until there are `count` values and then none for `quiet` seconds; commit. Return [topic, value] of each."""
    consumer = Consumer(
        {
            **config,
            "group.id": group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "topic.metadata.refresh.interval.ms": 2000,
        }
    )
    consumer.subscribe(topics)
    read: list[list[str]] = []
    deadline, last = time.monotonic() + SECONDS, time.monotonic()
    while time.monotonic() < deadline and (len(read) < count or time.monotonic() < last + quiet):
        message = consumer.poll(0.2)
        if message is None:
            continue
        error = message.error()
        if error is not None:
            if error.code() in (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED):
                return [["", error.name()]]
            continue
        read.append([str(message.topic()), (message.value() or b"").decode()])
        last = time.monotonic()
    if read:
        consumer.commit(asynchronous=False)
    consumer.close()
    return read


def topics(config: dict[str, Any]) -> dict[str, int]:
    """The topics that the client sees, and their partitions."""
    found = AdminClient(config).list_topics(timeout=20).topics
    return {name: len(topic.partitions) for name, topic in found.items()}


def offsets(config: dict[str, Any], group: str) -> dict[str, int]:
    """The offsets that a group has committed, by topic and partition."""
    # The answer comes only as long as the client lives, so that it needs a name.
    admin = AdminClient(config)
    asked = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])
    (found,) = (done.result(20).topic_partitions or [] for done in asked.values())
    return {f"{one.topic} {one.partition}": one.offset for one in found}


def prepare(config: dict[str, Any], new: list[dict[str, Any]], rights: list[dict[str, str]]) -> None:
    """Make topics and rights, as the operators of topics and users do."""
    admin = AdminClient(config)
    made = [NewTopic(one["name"], one["partitions"], one["replicas"], config=one["config"]) for one in new]
    for done in admin.create_topics(made).values():
        done.result(30)
    bindings = [
        AclBinding(
            ResourceType[one["kind"]],
            one["name"],
            ResourcePatternType[one["pattern"]],
            one["principal"],
            one["host"],
            AclOperation[one["operation"]],
            AclPermissionType.ALLOW,
        )
        for one in rights
    ]
    for done in admin.create_acls(bindings).values():
        done.result(30)


ACTIONS: dict[str, Callable[..., Any]] = {
    "produce": produce,
    "consume": consume,
    "topics": topics,
    "offsets": offsets,
    "prepare": prepare,
}

if __name__ == "__main__":
    task = json.load(sys.stdin)
    try:
        print(json.dumps({"answer": ACTIONS[task.pop("action")](**task)}))
    except KafkaException as error:
        print(json.dumps({"error": error.args[0].name()}))
