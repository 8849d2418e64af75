"""Metrics of all regions: queried in every region, open only to peers, and the changes of adding a region."""

import json

import pytest

from tests.support.regions import BELGIUM, GOOGLE, IOWA, MIXED, Where, changed, configured, of_region, own, targets
from tests.support.rendering import Rendered, render

pytestmark = pytest.mark.stack

# Resources of the monitoring that list the other regions. All of them can change in place.
KNOWS_PEERS = {
    "monitoring-alerts-rules",
    "monitoring-peer-0-service",
    "monitoring-peers-endpoints",
    "monitoring-thanos-query-endpoints",
    "monitoring-thanos-query-policy-thanos-query",
    "monitoring-thanos-query-policy-thanos-store",
}


@pytest.fixture(scope="module")
def stacks() -> dict[tuple[Where, ...], Rendered]:
    """Stacks of one, two and three regions with monitoring."""
    return {chosen: targets(*chosen) for chosen in ((IOWA,), (IOWA, BELGIUM), GOOGLE)}


def of_monitoring(before: Rendered, after: Rendered) -> set[str]:
    """Return the names of the first region's monitoring resources that change."""
    return {name for name in changed(before, after, IOWA[0]) if name.startswith("monitoring-")}


def test_a_cluster_of_ones_own_beside_a_cloud_only_adds_and_changes_what_knows_its_peers() -> None:
    two = {**configured(IOWA, BELGIUM), "monitoring": {"enabled": True}}
    three = {**two, "regions": [*two["regions"], own("cellar")]}
    before, after = (
        render("multiregion", {f"sacred-council:{key}": value for key, value in settings.items()})
        for settings in (two, three)
    )
    assert of_region(before, IOWA[0]).keys() == of_region(after, IOWA[0]).keys()
    assert of_monitoring(before, after) == KNOWS_PEERS
    endpoint = after.named(f"{IOWA[0]}-monitoring-peer-0-service").inputs["spec"]
    assert "192.0.2.10/32" in endpoint["loadBalancerSourceRanges"]


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


def test_peer_endpoints_to_metrics_exist_on_all_clouds() -> None:
    stack = targets(*MIXED)
    for name, _ in MIXED:
        endpoint = stack.named(f"{name}-monitoring-peer-0-service").inputs["spec"]
        assert len(endpoint["loadBalancerSourceRanges"]) >= len(MIXED) - 1
        assert [port["port"] for port in endpoint["ports"]] == [10901]
