"""Metrics of all regions: asked in every region, read only by each other, and what a region more changes."""

import json

import pytest

from tests.regions import BELGIUM, GOOGLE, IOWA, MIXED, Where, changed, of_region, watched
from tests.rendering import Rendered, render

# Of the monitoring, what must know the other regions. All of it can change in place.
KNOWS_PEERS = {
    "monitoring-alerts-rules",
    "monitoring-door-0-service",
    "monitoring-peers-endpoints",
    "monitoring-thanos-query-endpoints",
    "monitoring-thanos-query-policy-thanos-query",
    "monitoring-thanos-query-policy-thanos-store",
}


@pytest.fixture(scope="module")
def stacks() -> dict[tuple[Where, ...], Rendered]:
    """Stacks with monitoring, of one, two and three regions."""
    return {chosen: watched(*chosen) for chosen in ((IOWA,), (IOWA, BELGIUM), GOOGLE)}


def of_monitoring(before: Rendered, after: Rendered) -> set[str]:
    """What changes of the first region's monitoring."""
    return {name for name in changed(before, after, IOWA[0]) if name.startswith("monitoring-")}


def test_without_known_callers_there_is_no_door_to_metrics_and_nobody_asks_for_them() -> None:
    places = {"latitude": 50.0, "longitude": 4.0, "timeZone": "Europe/Brussels", "languages": ["nl"]}
    mine = [
        {"name": name, "cloud": "existing", "context": name, "geography": places, "slot": slot}
        for slot, name in enumerate(["one", "two"], start=200)
    ]
    settings = {
        "sacred-council:regions": mine,
        "sacred-council:database": {"founder": "one"},
        "sacred-council:messaging": {"servers": 3},
    }
    stack = render("local", settings)
    assert [r.name for r in stack.resources if "monitoring-door" in r.name or "thanos" in r.name] == []
    assert [r.name for r in stack.resources if "nats-door" in r.name and r.type.endswith(":Service")] != []


def test_a_second_region_only_adds_and_changes_what_is_told_of_it(stacks: dict[tuple[Where, ...], Rendered]) -> None:
    before, after = stacks[IOWA,], stacks[IOWA, BELGIUM]
    assert of_region(before, IOWA[0]).keys() <= of_region(after, IOWA[0]).keys()
    assert of_monitoring(before, after) == {"monitoring-alerts-rules", "monitoring-prometheus-release"}


def test_a_third_region_changes_only_what_knows_its_peers(stacks: dict[tuple[Where, ...], Rendered]) -> None:
    before, after = stacks[IOWA, BELGIUM], stacks[GOOGLE]
    assert of_region(before, IOWA[0]).keys() == of_region(after, IOWA[0]).keys()
    assert of_monitoring(before, after) == KNOWS_PEERS


def test_every_region_is_asked_in_every_region(stacks: dict[tuple[Where, ...], Rendered]) -> None:
    stack = stacks[GOOGLE]
    for name, _ in GOOGLE:
        text = stack.named(f"{name}-monitoring-thanos-query-endpoints").inputs["data"]["endpoints.yaml"]
        asked = {one["address"].partition(".")[0] for one in json.loads(text)["endpoints"]}
        others = {f"{other}-0" for other, _ in GOOGLE if other != name}
        assert asked == {"kube-prometheus-stack-thanos-discovery"} | others


def test_doors_to_metrics_exist_on_all_clouds() -> None:
    stack = watched(*MIXED)
    for name, _ in MIXED:
        door = stack.named(f"{name}-monitoring-door-0-service").inputs["spec"]
        assert len(door["loadBalancerSourceRanges"]) >= len(MIXED) - 1
        assert [port["port"] for port in door["ports"]] == [10901]
