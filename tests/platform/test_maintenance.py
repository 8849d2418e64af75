"""When clouds may restart a region's machines and data services: on the region's day of the week."""

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.cluster.maintenance import DAYS, MaintenanceWindow
from stacks import topology
from stacks.clouds import maintenance_window
from stacks.geography import CATALOGUE
from stacks.settings import parse
from tests.conftest import STACKS
from tests.support.rendering import stack_config

pytestmark = pytest.mark.unit


def plans(stack: str) -> tuple[topology.RegionPlan, ...]:
    config = stack_config(stack).items()
    return topology.plan(parse({key.partition(":")[2]: value for key, value in config if "sacred" in key}))


@pytest.mark.parametrize("stack", STACKS)
def test_no_two_regions_of_a_cloud_s_own_updates_share_a_day(stack: str) -> None:
    # EKS updates nothing by itself.
    days = [maintenance_window(plan).day for plan in plans(stack) if plan.cloud in ("gcp", "azure")]
    assert len(days) == len(set(days))


def test_a_region_keeps_its_day_whatever_others_there_are() -> None:
    alone, among = plans("regional"), plans("planetary")
    name = alone[0].name
    (same,) = [plan for plan in among if plan.name == name]
    assert maintenance_window(same) == maintenance_window(alone[0])


def test_the_regions_of_a_cloud_are_spread_over_the_week() -> None:
    for cloud in ("gcp", "aws", "azure"):
        slots = [region.slot for region in CATALOGUE if region.cloud == cloud]
        days = [(slot + slot // 64) % 7 for slot in slots]
        assert {days.count(day) for day in range(7)} <= {2, 3}


@given(st.sampled_from(DAYS), st.integers(0, 24), st.integers(0, 48))
def test_a_window_is_long_enough_for_gke_and_ends_on_its_own_day(day: str, start: int, hours: int) -> None:
    # 48 hours in 32 days: https://cloud.google.com/kubernetes-engine/docs/concepts/maintenance-windows-and-exclusions
    if 4 * hours >= 48 and start + hours <= 24:
        assert MaintenanceWindow(day=day, start_hour=start, hours=hours)
    else:
        with pytest.raises(ValueError, match="GKE refuses less"):
            MaintenanceWindow(day=day, start_hour=start, hours=hours)


def test_a_day_that_is_none_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ValueError, match=r"expected one of Monday, .*got 'Mon'"):
        MaintenanceWindow(day="Mon")


def test_days_follow_each_other_as_in_a_calendar() -> None:
    monday = datetime(2026, 1, 5)
    assert [f"{monday + timedelta(days=number):%A}" for number in range(7)] == list(DAYS)
    assert all(one != other for one, other in pairwise(DAYS))
