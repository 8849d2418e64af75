"""The memory of the monitoring follows from the region's size, unless settings override it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.monitoring import Memory, RegionSize, memory, sizes
from components.monitoring.settings import MonitoringSettings
from components.quantities import quantity_bytes
from stacks.monitoring_targets import region_size
from stacks.settings import parse
from tests.support.regions import AMSTERDAM, IOWA, SINGAPORE, Where, configured
from tests.support.rendering import ROOT

pytestmark = pytest.mark.unit

SMALL = RegionSize(nodes=3, pods=12)
NUMBERS = st.integers(min_value=1, max_value=500)
RETENTIONS = st.sampled_from(["1h", "12h", "7d", "15d", "4w", "1y", "10y"])
SIZES = st.builds(RegionSize, nodes=NUMBERS, pods=NUMBERS)
SETTINGS = st.builds(MonitoringSettings, retention=RETENTIONS)


def in_bytes(wanted: Memory) -> dict[str, int]:
    return {part: quantity_bytes(part, value) for part, value in vars(wanted).items()}


def test_the_page_has_the_rules() -> None:
    days = f"1/{1 / sizes.KIB_OF_A_SERIES_AND_DAY:g} KiB x days of retention, {sizes.LONGEST} at most"
    more = f"{sizes.STATE_METRICS_MIB_OF_A_NODE} MiB for each node beyond {sizes.STATE_METRICS_NODES}"
    rules = (
        f"{sizes.SERIES_OF_A_REGION:,} + {sizes.SERIES_OF_A_NODE:,} x nodes + {sizes.SERIES_OF_A_POD:,} x pods",
        f"{sizes.PROMETHEUS_BASE} MiB + series x ({sizes.KIB_OF_A_SERIES:g} KiB + {days})",
        f"{sizes.SIDECAR_BASE} MiB + series x {sizes.SIDECAR_KIB_OF_A_SERIES:g} KiB",
        f"{sizes.QUERY_BASE} MiB + series x {sizes.QUERY_KIB_OF_A_SERIES:g} KiB",
        f"{sizes.STATE_METRICS_BASE} MiB, and {more}",
        f"{sizes.GRAFANA} MiB",
        f"rounded up to a multiple of {sizes.STEP} MiB",
    )
    page = (ROOT / "docs" / "monitoring.md").read_text()
    assert [rule for rule in rules if rule not in page] == []


def test_the_smallest_region_keeps_what_fits_on_one_machine() -> None:
    assert memory(SMALL, MonitoringSettings()) == Memory(
        prometheus="1024Mi", thanos_sidecar="256Mi", thanos_query="384Mi", kube_state_metrics="256Mi", grafana="768Mi"
    )


@given(SIZES, SETTINGS, NUMBERS, NUMBERS)
def test_a_larger_region_never_gets_less(size: RegionSize, settings: MonitoringSettings, nodes: int, pods: int) -> None:
    larger = RegionSize(nodes=size.nodes + nodes, pods=size.pods + pods)
    before, after = in_bytes(memory(size, settings)), in_bytes(memory(larger, settings))
    assert all(after[part] >= before[part] for part in before)
    assert after["prometheus"] > before["prometheus"] or nodes * 4_000 + pods * 1_500 < 20_000


@given(SIZES, SETTINGS)
def test_prometheus_has_at_least_eight_kibibytes_for_each_series(
    size: RegionSize, settings: MonitoringSettings
) -> None:
    assert in_bytes(memory(size, settings))["prometheus"] >= 8 * 1024 * size.series


@given(SIZES)
def test_ten_years_of_metrics_need_no_more_memory_than_a_month(size: RegionSize) -> None:
    month, years = (MonitoringSettings(retention=kept) for kept in ("30d", "10y"))
    assert memory(size, month) == memory(size, years)


@pytest.mark.parametrize(("nodes", "wanted"), [(3, 256), (100, 256), (200, 512), (400, 896)])
def test_kube_state_metrics_has_what_its_documentation_asks_for(nodes: int, wanted: int) -> None:
    """250 MiB up to 100 nodes, then 2 MiB for each node."""
    size = RegionSize(nodes=nodes, pods=1)
    assert memory(size, MonitoringSettings()).kube_state_metrics == f"{wanted}Mi"


def test_grafana_has_more_than_it_is_killed_at() -> None:
    assert sizes.GRAFANA >= 768


def test_settings_may_say_another_size_of_each_part() -> None:
    said = {"prometheus": "4Gi", "grafana": "1Gi"}
    settings = parse({"stage": "regional", **plain(IOWA), "monitoring": {"memory": said}})
    found, derived = memory(SMALL, settings.monitoring), memory(SMALL, MonitoringSettings())
    assert (found.prometheus, found.grafana) == ("4Gi", "1Gi")
    assert found.thanos_query == derived.thanos_query


def plain(*regions: Where) -> dict[str, Any]:
    """The settings of a stack with the usual services."""
    return {**configured(*regions), "services": {}}


def test_a_region_is_as_large_as_its_most_nodes_and_pods() -> None:
    regions = plain(IOWA, SINGAPORE)
    regions["regions"][1]["nodes"] = {**regions["regions"][1]["nodes"], "max": 30}
    settings = parse({"stage": "continental", **regions})
    assert region_size(settings, IOWA[0]) == RegionSize(nodes=9, pods=12)
    assert region_size(settings, SINGAPORE[0]) == RegionSize(nodes=30, pods=12)


@pytest.mark.parametrize(("zones", "nodes"), [(["1", "2", "3"], 15), (["1", "2"], 13), (["2"], 13)])
def test_on_azure_the_nodes_of_azure_s_own_pods_count_too(zones: list[str], nodes: int) -> None:
    """AKS wants two nodes for them, ours are one in each zone, and autoscalers may double the pools.

    https://learn.microsoft.com/azure/aks/use-system-pools
    """
    regions = plain(AMSTERDAM)
    regions["regions"][0]["zones"] = zones
    assert region_size(parse({"stage": "regional", **regions}), AMSTERDAM[0]).nodes == nodes


@pytest.mark.parametrize(
    ("streaming", "pods"),
    [
        # A broker, a controller, the mirror's worker, two operators, and the exporter.
        ({"enabled": True}, 12 + 6),
        # Three brokers, three controllers, and two workers of the mirror.
        ({"enabled": True, "brokers": 3, "controllers": 3}, 12 + 11),
        ({"brokers": 3}, 12),
    ],
)
def test_kafka_s_pods_count_where_there_is_kafka(streaming: dict[str, object], pods: int) -> None:
    settings = parse({"stage": "regional", **plain(IOWA), "streaming": streaming})
    assert region_size(settings, IOWA[0]).pods == pods


def test_matching_s_pods_count_where_there_is_matching() -> None:
    """At most two embedding servers, and three pods of the service that uses them."""
    matching = {"enabled": True, "maxReplicas": 2, "sourceNetworks": ["203.0.113.7/32"]}
    settings = parse({"stage": "regional", **plain(IOWA), "matching": matching})
    assert region_size(settings, IOWA[0]).pods == 12 + 2 + 3


def test_the_ledger_s_pods_count_where_there_is_a_ledger() -> None:
    ledger = {"enabled": True, "validators": 4}
    settings = parse({"stage": "regional", **plain(IOWA), "ledger": ledger})
    assert region_size(settings, IOWA[0]).pods == 12 + 4


def test_circles_servers_count_where_there_are_some() -> None:
    settings = parse({"stage": "regional", **plain(IOWA), "circles": {"enabled": True, "servers": 3}})
    assert region_size(settings, IOWA[0]).pods == 12 + 3


def test_a_longer_retention_needs_more_memory_in_prometheus_alone() -> None:
    week, month = (vars(memory(SMALL, MonitoringSettings(retention=kept))) for kept in ("7d", "30d"))
    assert {part: month[part] for part in week if month[part] != week[part]} == {"prometheus": "1152Mi"}
