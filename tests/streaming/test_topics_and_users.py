"""Topics and users of Kafka: the configurations that are allowed, and the rights that users get."""

from typing import Any

import pytest

from components.streaming import configuration, mirrors, users
from components.streaming.configuration import RegionKafka
from components.streaming.settings import StreamingSettings
from stacks.settings import parse
from tests.support.bad_settings import complaints

pytestmark = pytest.mark.unit

US, EU, ASIA = "us-central1", "europe-west1", "asia-east1"
OWN = {"cloud": "existing", "egressAddresses": ["192.0.2.1"]}
EVERYWHERE: dict[str, Any] = {"name": "decisions", "replicatedTo": "all", "maxSize": "100Mi"}
SOMEWHERE: dict[str, Any] = {"name": "observations", "replicatedTo": [EU], "maxSize": "100Mi"}
NOWHERE: dict[str, Any] = {"name": "here-only", "maxSize": "100Mi"}
TOPICS = [EVERYWHERE, SOMEWHERE, NOWHERE]


def values(*topics: object, regions: tuple[str, ...] = (US, EU, ASIA), **streaming: Any) -> dict[str, Any]:
    """The configuration of a stack of these regions with these topics."""
    return {
        "stage": "continental",
        "regions": [{**OWN, "name": name, "context": name} for name in regions],
        "messaging": {"servers": 3},
        "database": {"primaryRegion": regions[0]},
        "streaming": {"enabled": True, "topics": list(topics), **streaming},
    }


def streaming(*topics: dict[str, Any], **more: Any) -> StreamingSettings:
    """The streaming settings of such a stack."""
    return parse(values(*topics, **more)).streaming


def kafka(region: str, settings: StreamingSettings, *peers: str) -> RegionKafka:
    return RegionKafka(region=region, settings=settings, namespace="kafka", peering=True, peers=peers)


def rights(spec: dict[str, Any]) -> set[tuple[str, str, str, str]]:
    """The (kind, name, pattern, operation) of each right."""
    return {
        (one["resource"]["type"], one["resource"]["name"], one["resource"]["patternType"], operation)
        for one in spec["authorization"]["acls"]
        for operation in one["operations"]
    }


def topics_with(spec: dict[str, Any], operation: str) -> set[str]:
    """The topics on which a user has a right."""
    return {name for kind, name, _, allowed in rights(spec) if (kind, allowed) == ("topic", operation)}


def test_brokers_whose_nodes_may_have_no_zone_are_not_asked_for_it() -> None:
    # Kafka's init container fails on a node without the label.
    assert "rack" not in configuration.cluster(kafka(US, streaming(*TOPICS)))["kafka"]


def test_a_region_gets_the_topics_that_are_replicated_to_it() -> None:
    settings = streaming(*TOPICS)
    arriving = {region: [one.name for one in configuration.arriving(region, settings)] for region in (US, EU, ASIA)}
    assert arriving == {US: ["decisions"], EU: ["decisions", "observations"], ASIA: ["decisions"]}


def test_a_region_gives_the_topics_that_others_get() -> None:
    settings = streaming(*TOPICS)
    leaving = {
        region: [one.name for one in configuration.leaving(region, (US, EU, ASIA), settings)]
        for region in (US, EU, ASIA)
    }
    assert leaving == {US: ["decisions", "observations"], EU: ["decisions"], ASIA: ["decisions", "observations"]}


def test_the_services_write_every_topic_and_read_every_topic_with_the_records_of_other_regions() -> None:
    settings = streaming(*TOPICS)
    spec = users.client_user(kafka(EU, settings, US, ASIA), users.application(settings))
    own = {"decisions", "observations", "here-only"}
    assert topics_with(spec, "Write") == own
    assert topics_with(spec, "Read") == own | {
        f"{peer}.{topic}" for peer in (US, ASIA) for topic in ("decisions", "observations")
    }
    assert topics_with(spec, "Create") == topics_with(spec, "Delete") == set()
    assert ("group", "sacred-council.", "prefix", "Read") in rights(spec)


def test_a_user_has_rights_on_its_topics_only() -> None:
    reader = {"name": "analytics", "consumes": ["decisions"], "consumeRate": "3Mi"}
    settings = streaming(*TOPICS, users=[reader])
    spec = users.client_user(kafka(US, settings, EU), settings.users[0])
    assert topics_with(spec, "Read") == {"decisions", f"{EU}.decisions"}
    assert topics_with(spec, "Write") == set()
    assert {name for kind, name, _, _ in rights(spec) if kind in ("group", "transactionalId")} == {"analytics."}
    assert spec["quotas"] == {"producerByteRate": 2**20, "consumerByteRate": 3 * 2**20}


def test_other_regions_only_read_and_only_what_is_replicated() -> None:
    settings = streaming(*TOPICS)
    found = rights(users.peer_user(kafka(US, settings, EU, ASIA)))
    assert {operation for _, _, _, operation in found} == {"Describe", "DescribeConfigs", "Read"}
    assert {name for kind, name, _, _ in found if kind == "topic"} == {"decisions", "observations"}


def test_the_mirror_writes_no_topic_of_the_region_itself() -> None:
    settings = streaming(*TOPICS)
    found = rights(users.mirror_user(kafka(US, settings, EU, ASIA)))
    writes = {(name, pattern) for kind, name, pattern, operation in found if (kind, operation) == ("topic", "Write")}
    assert writes == {
        ("__mirror", "prefix"),
        ("mm2-offset-syncs.", "prefix"),
        (f"{EU}.", "prefix"),
        (f"{ASIA}.", "prefix"),
    }


def test_there_is_one_mirror_for_any_number_of_regions_and_it_reads_no_copies() -> None:
    settings = streaming(*TOPICS)
    spec = mirrors.mirror(kafka(EU, settings, US, ASIA))
    assert [(one["source"]["alias"], one["topicsPattern"]) for one in spec["mirrors"]] == [
        (ASIA, "decisions|observations"),
        (US, "decisions|observations"),
    ]
    assert [one["source"]["bootstrapServers"] for one in spec["mirrors"]] == [
        "asia-east1-0.peers.kafka.svc:9094",
        "us-central1-0.peers.kafka.svc:9094",
    ]


def test_a_topic_spreads_its_size_over_its_partitions() -> None:
    settings = streaming({**EVERYWHERE, "partitions": 4, "retention": "1d"})
    config = configuration.topic(settings.topics[0], 3)
    assert (config["partitions"], config["replicas"]) == (4, 3)
    assert config["config"]["retention.ms"] == 86_400_000
    assert config["config"]["retention.bytes"] == 25 * 2**20
    assert config["config"]["min.insync.replicas"] == 2


def test_a_single_broker_replicates_nothing() -> None:
    config = configuration.broker_config(streaming(NOWHERE))
    assert {key: value for key, value in config.items() if "replica" in key and "class" not in key} == {
        "default.replication.factor": 1,
        "min.insync.replicas": 1,
        "offsets.topic.replication.factor": 1,
        "transaction.state.log.replication.factor": 1,
        "share.coordinator.state.topic.replication.factor": 1,
    }


def test_brokers_and_controllers_never_have_the_same_id() -> None:
    assert (configuration.node_ids("broker"), configuration.node_ids("controller")) == ("[0-99]", "[100-199]")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (
            {"topics": [{"name": "decisions", "replicatedTo": ["europe-west2"]}]},
            'streaming.topics[0].replicatedTo: "europe-west2" is not the name of a region of this stack; did you '
            "mean europe-west1?",
        ),
        (
            {"topics": [{"name": "decisions", "replicas": 3}]},
            "streaming.topics[0].replicas: 3 must not be above streaming.brokers, which is 1; write 1 or less, or "
            "raise streaming.brokers",
        ),
        (
            {"topics": [NOWHERE, NOWHERE]},
            'streaming.topics[1].name: "here-only" is already the name of streaming.topics[0]; choose another name',
        ),
        (
            {"topics": [NOWHERE], "users": [{"name": "peers", "consumes": ["here-only"]}]},
            'streaming.users[0].name: "peers" is the name of a user that the program makes itself; choose another name',
        ),
        (
            {"topics": [NOWHERE], "users": [{"name": "analytics"}]},
            "streaming.users[0]: has a right on no topic; name topics in produces or consumes, or remove the user",
        ),
        (
            {"topics": [NOWHERE], "users": [{"name": "analytics", "consumes": ["here-onyl"]}]},
            'streaming.users[0].consumes: "here-onyl" is not the name of a topic of this stack; did you '
            "mean here-only?",
        ),
        (
            {"topics": [{"name": "decisions", "replicatedTo": "all", "maxSize": "3Gi"}]},
            'streaming.storage: "10Gi" is too little for the topics in us-central1: with their replicas, and with what '
            "the other regions send, they need 9.00Gi, and a fifth of each broker stays free; raise storage or "
            "brokers, lower maxSize, or replicate fewer topics",
        ),
        (
            {"topics": [{"name": "council.decisions"}]},
            'streaming.topics[0].name: "council.decisions" must be a DNS label of at most 63 characters: lower case '
            "letters, digits and hyphens; write e.g. council-decisions",
        ),
    ],
)
def test_what_does_not_fit_together_is_refused(change: dict[str, Any], complaint: str) -> None:
    (line,) = complaints({**values(), "streaming": {"enabled": True, **change}})
    assert line == complaint


def test_a_missing_name_gets_an_example_that_it_can_have() -> None:
    assert complaints(values({"partitions": 3}, users=[{"produceRate": "1Mi"}])) == [
        "streaming.topics[0].name: is missing; add e.g. name: council-decisions",
        "streaming.users[0].name: is missing; add e.g. name: analytics",
    ]


def test_a_malformed_topic_hides_no_mistake_in_another() -> None:
    assert complaints(values(7, {**NOWHERE, "replicas": 3})) == [
        "streaming.topics[0]: 7 must be a map of settings; write one indented `key: value` per line below it",
        "streaming.topics[1].replicas: 3 must not be above streaming.brokers, which is 1; write 1 or less, or raise "
        "streaming.brokers",
    ]


def test_all_regions_are_not_one_of_several() -> None:
    (line,) = complaints(values({"name": "decisions", "replicatedTo": ["all", EU]}))
    assert line.endswith("must be either all or names of regions; write all, or remove it and name the regions")


def test_topics_need_no_room_while_streaming_is_off() -> None:
    large = {"name": "decisions", "maxSize": "900Gi"}
    assert parse({**values(), "streaming": {"topics": [large]}}).streaming.enabled is False
