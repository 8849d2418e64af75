"""The plan of each region: no overlaps, no dependence on the list's order, and list changes affect only peers."""

import dataclasses
import subprocess
import sys
from ipaddress import IPv4Network
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from components.addresses import SLOTS, AddressRanges
from stacks import topology
from stacks.geography import CATALOGUE, NOWHERE, distance_km
from stacks.settings import Settings, parse
from stacks.topology import RegionPlan, Site

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]

slots = st.integers(0, SLOTS - 1)
names = st.lists(st.sampled_from([region.name for region in CATALOGUE]), min_size=1, max_size=12, unique=True)


def settings(region_names: list[str]) -> Settings:
    """Return the settings of a stack of catalogue regions on existing clusters."""
    regions = [
        {"name": name, "cloud": "existing", "context": f"context-{name}", "egressAddresses": [f"192.0.2.{index}"]}
        for index, name in enumerate(region_names)
    ]
    data_services = {"database": {"primaryRegion": region_names[0]}, "messaging": {"servers": 3}}
    return parse({"stage": "planetary", "regions": regions, **data_services})


def plans(region_names: list[str]) -> dict[str, RegionPlan]:
    """Return the plan of each region, by name."""
    return {plan.name: plan for plan in topology.plan(settings(region_names))}


def lone(plan: RegionPlan) -> RegionPlan:
    """Return a plan without its references to other regions."""
    return dataclasses.replace(plan, peers=(), failover=())


def parts(addresses: AddressRanges) -> list[IPv4Network]:
    """List the ranges of a plan that are in use."""
    return [
        addresses.nodes,
        addresses.services,
        addresses.managed,
        addresses.public,
        addresses.control_plane,
        addresses.pods,
    ]


@given(slots)
def test_no_ranges_of_a_region_overlap(slot: int) -> None:
    for one, other in combinations(parts(topology.address_plan(slot)), 2):
        assert not one.overlaps(other)


@given(slots, slots)
def test_no_ranges_of_two_slots_overlap(slot: int, other_slot: int) -> None:
    assume(slot != other_slot)
    for one in parts(topology.address_plan(slot)):
        for other in parts(topology.address_plan(other_slot)):
            assert not one.overlaps(other)


@given(slots)
def test_all_ranges_lie_in_private_space(slot: int) -> None:
    addresses = topology.address_plan(slot)
    *regional, pods = parts(addresses)
    network = IPv4Network(f"10.{slot}.0.0/16")
    assert all(part.subnet_of(network) for part in regional)
    assert network.subnet_of(topology.PRIVATE)
    assert pods.subnet_of(topology.SHARED)


def test_the_address_plan_of_a_slot_is_this_and_stays_this() -> None:
    assert {
        field.name: str(getattr(topology.address_plan(7), field.name)) for field in dataclasses.fields(AddressRanges)
    } == {
        "nodes": "10.7.0.0/17",
        "services": "10.7.128.0/18",
        "managed": "10.7.192.0/19",
        "public": "10.7.224.0/20",
        "control_plane": "10.7.240.0/28",
        "pods": "100.65.192.0/18",
    }


@pytest.mark.parametrize("slot", [-1, SLOTS])
def test_a_slot_outside_the_plan_is_refused(slot: int) -> None:
    with pytest.raises(ValueError, match=f"slot {slot} is not within 0 and 255"):
        topology.address_plan(slot)


@given(names.flatmap(lambda chosen: st.tuples(st.just(chosen), st.permutations(chosen))))
def test_the_order_of_the_list_changes_nothing(orders: tuple[list[str], list[str]]) -> None:
    region_names, moved = orders
    assert topology.plan(settings(region_names)) == topology.plan(settings(moved))


@given(names)
def test_a_region_more_or_less_changes_only_who_the_others_know(region_names: list[str]) -> None:
    assume(len(region_names) > 1)
    after, before = plans(region_names), plans(region_names[:-1])
    for name, plan in before.items():
        assert lone(after[name]) == lone(plan)
        assert tuple(peer for peer in after[name].peers if peer != region_names[-1]) == plan.peers
        assert tuple(peer for peer in after[name].failover if peer != region_names[-1]) == plan.failover


@given(names)
def test_every_region_knows_all_others_and_not_itself(region_names: list[str]) -> None:
    for plan in topology.plan(settings(region_names)):
        others = sorted(name for name in region_names if name != plan.name)
        assert list(plan.peers) == others
        assert sorted(plan.failover) == others


@given(names)
def test_failover_goes_from_near_to_far(region_names: list[str]) -> None:
    planned = plans(region_names)
    for plan in planned.values():
        distances = [distance_km(plan.place, planned[name].place) for name in plan.failover]
        assert distances == sorted(distances)


def test_equally_near_regions_fail_over_by_name() -> None:
    assert plans(["us-central1", "southeastasia", "asia-southeast1", "ap-southeast-1"])["us-central1"].failover == (
        "ap-southeast-1",
        "asia-southeast1",
        "southeastasia",
    )


def test_europe_fails_over_to_america_before_asia() -> None:
    planned = plans(["us-central1", "europe-west1", "asia-east1"])
    assert planned["europe-west1"].failover == ("us-central1", "asia-east1")
    assert planned["asia-east1"].failover == ("europe-west1", "us-central1")


def test_the_only_region_may_be_nowhere_in_slot_0() -> None:
    (plan,) = topology.plan(parse({"stage": "local", "regions": [{"name": "local", "cloud": "existing"}]}))
    assert (plan.name, plan.slot, plan.place) == ("local", 0, NOWHERE)
    assert (plan.peers, plan.failover) == ((), ())


def test_the_only_region_keeps_its_addresses_when_others_join_it() -> None:
    alone = {"name": "local", "cloud": "existing"}
    own = {"latitude": 50.85, "longitude": 4.35, "timeZone": "Europe/Brussels", "languages": ["nl"]}
    together = alone | {"context": "home", "egressAddresses": ["192.0.2.1"], "slot": 0, "geography": own}
    iowa = {"name": "us-central1", "cloud": "existing", "context": "iowa", "egressAddresses": ["192.0.2.2"]}
    (before,) = topology.plan(parse({"stage": "local", "regions": [alone]}))
    after, _ = topology.plan(
        parse(
            {
                "stage": "continental",
                "regions": [iowa, together],
                "database": {"primaryRegion": "local"},
                "messaging": {"servers": 3},
            }
        )
    )
    assert (after.name, after.slot, after.addresses) == (before.name, before.slot, before.addresses)


def test_a_region_s_own_geography_and_slot_come_before_the_catalogue_s() -> None:
    own = {"latitude": 50.85, "longitude": 4.35, "timeZone": "Europe/Brussels", "languages": ["nl"], "country": "BE"}
    region = {"name": "us-central1", "cloud": "existing", "geography": own, "slot": 200}
    (plan,) = topology.plan(parse({"stage": "local", "regions": [region]}))
    assert (plan.slot, plan.place.latitude, plan.place.time_zone) == (200, 50.85, "Europe/Brussels")
    assert (plan.place.languages, plan.place.country) == (("nl",), "BE")


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("fr", ("europe-west1",)),
        ("fr-CA", ("northamerica-northeast1",)),
        ("fr-CH", ("europe-west1", "northamerica-northeast1")),
        ("pt", ("southamerica-east1",)),
        ("eo", ("europe-west1", "northamerica-northeast1", "southamerica-east1")),
    ],
)
def test_a_language_is_served_by_its_own_regions_else_by_similar_ones_else_by_all(
    language: str, expected: tuple[str, ...]
) -> None:
    sites = topology.plan(settings(["southamerica-east1", "northamerica-northeast1", "europe-west1"]))
    assert topology.serving(language, sites) == expected


def test_names_derive_from_the_region_s_name() -> None:
    assert topology.mesh_network("us-central1") == "us-central1"


@given(names)
def test_no_region_shares_a_network_or_a_slot_with_another(region_names: list[str]) -> None:
    planned = plans(region_names).values()
    assert len({plan.mesh_network for plan in planned}) == len(region_names)
    assert len({plan.slot for plan in planned}) == len(region_names)


def test_a_site_needs_only_name_cloud_slot_and_place() -> None:
    here = Site(name="here", cloud="existing", slot=1, place=NOWHERE)
    there = Site(name="there", cloud="existing", slot=2, place=NOWHERE)
    assert topology.failover_order(here, [there, here]) == ("there",)


def test_the_pure_modules_do_not_import_pulumi() -> None:
    code = "import sys, stacks.topology, stacks.geography; sys.exit('pulumi' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
