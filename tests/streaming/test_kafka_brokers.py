"""Three regions of real Kafka with the rendered configuration: brokers, users, topics and mirrors.

The brokers' properties come from the rendered resources by Strimzi's rules (tests/support/strimzi.py).
"""

import re
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from components.peering import peer_name
from components.streaming import configuration
from tests.support.contracts import documents
from tests.support.kafka_programs import java
from tests.support.kafka_regions import STEP_SECONDS, Regions, kafka_regions
from tests.support.regions import GOOGLE, rendered_with
from tests.support.rendering import Rendered
from tests.support.servers import eventually

pytest.importorskip("confluent_kafka", reason="confluent-kafka is not there: install requirements-dev.txt")

pytestmark = [pytest.mark.conformance, pytest.mark.campaign, pytest.mark.timeout(1500)]

IOWA, BELGIUM, TAIWAN = (name for name, _ in GOOGLE)
NAMES = (IOWA, BELGIUM, TAIWAN)
BY_PATTERN = [r"^([a-z0-9-]+\.)?decisions$"]
LOOK_SECONDS = 11
LOCAL_GROUP = "sacred-council.local"
STREAMING = {
    "enabled": True,
    "storage": "1Gi",
    "topics": [
        {"name": "decisions", "replicatedTo": "all", "maxSize": "64Mi"},
        {"name": "secrets", "maxSize": "64Mi"},
    ],
    "users": [{"name": "analytics", "consumes": ["decisions"]}],
}


def values(region: str, what: str, count: int = 20) -> list[str]:
    return [f"{region} {what} {number}" for number in range(count)]


def read_here(regions: Regions, region: str, count: int) -> Counter[str]:
    """What the region's local group reads next, by value."""
    read = regions.ask(region, "consume", group=LOCAL_GROUP, topics=BY_PATTERN, count=count, quiet=4)
    return Counter(value for _, value in read)


@pytest.fixture(scope="module")
def stack() -> Rendered:
    return rendered_with(GOOGLE, streaming=STREAMING)


@pytest.fixture(scope="module")
def regions(stack: Rendered, tmp_path_factory: pytest.TempPathFactory, private_hosts: list[str]) -> Iterator[Regions]:
    """Three regions that run, with their topics, users and mirrors. The tests build on each other."""
    java("kafka.Kafka")
    with kafka_regions(stack, tmp_path_factory.mktemp("kafka"), private_hosts) as built:
        built.start(*NAMES)
        for name in NAMES:
            built.prepare(name)
        built.mirror(*NAMES)
        yield built


def test_what_is_produced_in_one_region_is_consumed_once_in_every_region(regions: Regions) -> None:
    sent = [value for name in NAMES for value in values(name, "first")]
    for name in NAMES:
        assert regions.ask(name, "produce", topic="decisions", values=values(name, "first")) == []
    eventually(lambda: _mirrored(regions), seconds=STEP_SECONDS, what="all regions have all topics")
    for name in NAMES:
        assert read_here(regions, name, len(sent)) == Counter(sent), name


def _mirrored(regions: Regions) -> bool:
    wanted = {name: {f"{peer}.decisions" for peer in NAMES if peer != name} for name in NAMES}
    return all(wanted[name] <= regions.ask(name, "topics").keys() for name in NAMES)


def test_no_copy_is_copied_and_no_other_topic_leaves_its_region(regions: Regions) -> None:
    for name in NAMES:
        seen = set(regions.ask(name, "topics", as_operator=True))
        copies = {topic for topic in seen if topic.endswith((".decisions", ".secrets"))}
        assert copies == {f"{peer}.decisions" for peer in NAMES if peer != name}


def test_servers_publish_every_metric_of_the_contract_with_its_labels(regions: Regions) -> None:
    lines = [line for process in ("controller", "broker", "mirror") for line in regions.metrics(IOWA, process)]
    found: dict[str, set[str]] = {}
    for line in lines:
        name, _, rest = line.partition("{") if "{" in line else (line.partition(" ")[0], "", "")
        found.setdefault(name, set()).update(re.findall(r'(\w+)="', rest))
    contract = documents()["kafka"]["metrics"]
    assert {name: set(described.get("labels", [])) for name, described in contract.items()} == {
        name: found.get(name) for name in contract
    }
    assert f'kafka_mirror_task{{source="{BELGIUM}",status="running",task="0"}}' in {
        line.rpartition(" ")[0].replace(",}", "}") for line in lines
    }


def test_a_user_reads_its_topics_and_nothing_else(regions: Regions) -> None:
    read = regions.ask(
        BELGIUM, "consume", user="analytics", group="analytics.local", topics=BY_PATTERN, count=60, quiet=2
    )
    assert len(read) == 60
    for group, topic, refused in (
        ("analytics.local", "secrets", "TOPIC_AUTHORIZATION_FAILED"),
        ("sacred-council.local", "decisions", "GROUP_AUTHORIZATION_FAILED"),
    ):
        asked = regions.ask(BELGIUM, "consume", user="analytics", group=group, topics=[topic], count=1, quiet=2)
        assert asked == [["", refused]]
    assert regions.ask(BELGIUM, "produce", user="analytics", topic="decisions", values=["x"]) == [
        "TOPIC_AUTHORIZATION_FAILED"
    ]


def test_a_key_of_one_region_opens_no_other(regions: Regions) -> None:
    there = f"{peer_name(BELGIUM, 'kafka')}:{configuration.PEER_PORT}"
    assert regions.ask(IOWA, "produce", address=there, topic="decisions", values=["x"]) == [
        "TOPIC_AUTHORIZATION_FAILED"
    ]
    seen = regions.ask(IOWA, "topics", certificate=configuration.PEER_CERTIFICATE, address=there)
    assert set(seen) == {"decisions"}
    assert regions.ask(
        IOWA,
        "produce",
        certificate=configuration.PEER_CERTIFICATE,
        address=there,
        topic="decisions",
        values=["x"],
    ) == ["TOPIC_AUTHORIZATION_FAILED"]


def test_a_client_without_a_certificate_of_the_platform_is_refused(regions: Regions) -> None:
    # Signed by the operator's own authority, which the clients' listener does not trust.
    assert regions.ask(IOWA, "topics", certificate="operator") == "_TRANSPORT"


def test_a_region_that_is_killed_stops_nobody_and_loses_and_repeats_nothing(regions: Regions) -> None:
    regions.kill(TAIWAN)
    alive = (IOWA, BELGIUM)
    for name in alive:
        assert regions.ask(name, "produce", topic="decisions", values=values(name, "second")) == []
    sent = [value for name in alive for value in values(name, "second")]
    for name in alive:
        assert read_here(regions, name, len(sent)) == Counter(sent), name
    regions.start(TAIWAN)
    regions.mirror(TAIWAN)
    assert regions.ask(TAIWAN, "produce", topic="decisions", values=values(TAIWAN, "third")) == []
    assert read_here(regions, TAIWAN, 60) == Counter([*sent, *values(TAIWAN, "third")])
    for name in alive:
        assert read_here(regions, name, 20) == Counter(values(TAIWAN, "third")), name


def test_another_region_takes_over_where_a_group_stopped(regions: Regions) -> None:
    group = f"sacred-council.{IOWA}"
    first = regions.ask(IOWA, "consume", group=group, topics=["decisions"], count=40, quiet=2)
    assert len(first) == 40
    assert regions.ask(IOWA, "produce", topic="decisions", values=values(IOWA, "unread")) == []

    seen: list[dict[str, int]] = []

    def settled() -> bool:
        """Whether the offsets are there, and were the same at three looks, more than two translations apart."""
        seen.append(regions.ask(BELGIUM, "offsets", as_operator=True, group=group))
        time.sleep(LOOK_SECONDS)
        return bool(seen[-1]) and seen[-3:] == [seen[-1]] * 3

    eventually(settled, seconds=STEP_SECONDS, what="the group's offsets are in the other region")
    regions.kill(IOWA)
    read = regions.ask(BELGIUM, "consume", group=group, topics=[f"{IOWA}.decisions"], count=60, quiet=4)
    found, unread = Counter(value for _, value in read), Counter(values(IOWA, "unread"))
    # The mirror keeps fewer translated offsets the older they are: the group may begin a little earlier.
    again = found - unread
    assert unread - found == Counter()
    assert again <= Counter(value for _, value in first)
    assert sum(again.values()) < len(first) // 2
