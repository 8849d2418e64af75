"""Kafka's own programs know every key that the program sets, and Strimzi passes each of them on."""

import pytest

from components.streaming import configuration, mirrors
from components.streaming.configuration import RegionKafka
from components.streaming.settings import StreamingSettings, TopicSettings
from tests.support import strimzi
from tests.support.kafka_programs import known_keys

pytestmark = pytest.mark.conformance

SETTINGS = StreamingSettings()
MIRROR = mirrors.mirror(
    RegionKafka(region="here", settings=SETTINGS, namespace="kafka", peering=True, peers=("there",))
)

CLIENTS = {
    "consumer": "consumer.ConsumerConfig",
    "producer": "producer.ProducerConfig",
    "admin": "admin.AdminClientConfig",
}
"""The clients of connectors, by the prefix of their keys."""


def test_brokers_know_every_key() -> None:
    known = known_keys("kafka.server.KafkaConfig")
    assert set(configuration.broker_config(SETTINGS)) - known == set()
    assert {"auto.create.topic.enable"} - known == {"auto.create.topic.enable"}


def test_the_operator_passes_every_key_of_brokers_on() -> None:
    asked = configuration.broker_config(SETTINGS)
    assert strimzi.kept(asked).keys() == asked.keys()
    assert strimzi.kept({"listeners": "x", "ssl.keystore.location": "x"}) == {}


def test_topics_know_every_key() -> None:
    known = known_keys("org.apache.kafka.storage.internals.log.LogConfig")
    settings = TopicSettings.model_validate({"name": "decisions"})
    assert set(configuration.topic(settings, 3)["config"]) - known == set()


def test_workers_of_mirrors_know_every_key() -> None:
    known = known_keys("org.apache.kafka.connect.runtime.distributed.DistributedConfig")
    assert set(MIRROR["target"]["config"]) - known == set()


@pytest.mark.parametrize("kind", ["Source", "Checkpoint"])
def test_connectors_of_mirrors_know_every_key(kind: str) -> None:
    known = known_keys(f"org.apache.kafka.connect.mirror.Mirror{kind}Config") | {"exactly.once.support"}
    for client, main in CLIENTS.items():
        known |= {f"{client}.{key}" for key in known_keys(f"org.apache.kafka.clients.{main}")}
    assert set(MIRROR["mirrors"][0][f"{kind.lower()}Connector"]["config"]) - known == set()
