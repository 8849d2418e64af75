"""The connections between Kafka's pods, judged by the network policies of a whole region."""

from functools import cache
from typing import Any

import pytest

from components.streaming.configuration import operator_values
from tests.support import connections
from tests.support.cluster_objects import Cluster, cluster_with, own_objects
from tests.support.manifests import Manifest
from tests.support.regions import IOWA, MIXED, streamed

pytestmark = pytest.mark.stack


def operator() -> Manifest:
    """Return the Deployment of the operator as far as policies need it: the chart's package is not here."""
    labels = {"name": "strimzi-cluster-operator", "strimzi.io/kind": "cluster-operator"}
    container = {
        "name": "strimzi-cluster-operator",
        "env": operator_values()["extraEnvs"],
        "ports": [{"name": "http", "containerPort": 8080}],
    }
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    metadata = {"name": "strimzi-cluster-operator", "namespace": "kafka"}
    return {"kind": "Deployment", "metadata": metadata, "spec": {"template": template}}


@cache
def region(*, policies: bool = True) -> Cluster:
    """Return the cluster of a region with two peers, with or without the policies that open Kafka's namespace."""
    objects = [*own_objects(streamed(*MIXED), IOWA[0]), operator()]
    opening = [o for o in objects if o["kind"] == "NetworkPolicy" and o["metadata"]["name"].startswith("kafka-")]
    return cluster_with(objects if policies else [o for o in objects if o not in opening], cloud="gcp", platform="gke")


def of_kafka(found: list[str]) -> list[str]:
    return [each for each in found if "/kafka/" in each]


def test_kafka_has_the_pods_that_strimzi_makes() -> None:
    names = [pods.maker for pods in region().pods if pods.namespace == "kafka"]
    (pool,) = (o for o in region().of_kind("KafkaNodePool") if o["spec"]["roles"] == ["broker"])
    assert [name for name in names if name.startswith("Kafka/kafka/council-broker-")] == [
        f"Kafka/kafka/council-broker-{number}" for number in range(pool["spec"]["replicas"])
    ]
    assert {
        "Kafka/kafka/council-entity-operator",
        "Kafka/kafka/council-kafka-exporter",
        "KafkaMirrorMaker2/kafka/mirror-mirrormaker2",
    } <= set(names)


@pytest.mark.parametrize(
    "rule",
    [
        connections.closed_brokers,
        connections.closed_addresses,
        connections.closed_load_balancers,
        connections.without_api,
        connections.without_dns,
        connections.idle_policies,
    ],
    ids=lambda rule: str(rule.__name__),
)
def test_nothing_of_kafka_breaks_the_rule(rule: Any) -> None:
    assert of_kafka(rule(region())) == []


@pytest.mark.parametrize(
    "rule",
    [connections.closed_brokers, connections.closed_addresses, connections.without_api],
    ids=lambda r: r.__name__,
)
def test_without_its_policies_the_rule_finds_closed_connections(rule: Any) -> None:
    assert of_kafka(rule(region(policies=False)))
