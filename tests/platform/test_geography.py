"""The catalogue of cloud regions, and distances."""

import datetime
import math
import zoneinfo
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stacks.geography import CATALOGUE, FIRST_FREE_SLOT, NOWHERE, Place, distance_km, lookup
from stacks.geography.carbon import carbon_of
from stacks.geography.places import EARTH_RADIUS_KM

pytestmark = pytest.mark.unit

HALF_WAY_AROUND_KM = math.pi * EARTH_RADIUS_KM

# Addresses in use depend on these slots: add lines, never change or remove one.
SLOTS = {
    "us-central1": 1,
    "europe-west1": 2,
    "asia-east1": 3,
    "us-east1": 4,
    "us-west1": 5,
    "northamerica-northeast1": 6,
    "southamerica-east1": 7,
    "europe-west2": 8,
    "europe-west3": 9,
    "europe-north1": 10,
    "asia-northeast1": 11,
    "asia-southeast1": 12,
    "asia-south1": 13,
    "australia-southeast1": 14,
    "me-west1": 15,
    "africa-south1": 16,
    "us-east-1": 64,
    "us-east-2": 65,
    "us-west-2": 66,
    "ca-central-1": 67,
    "sa-east-1": 68,
    "eu-west-1": 69,
    "eu-central-1": 70,
    "eu-west-3": 71,
    "eu-north-1": 72,
    "ap-southeast-1": 73,
    "ap-northeast-1": 74,
    "ap-south-1": 75,
    "ap-southeast-2": 76,
    "me-central-1": 77,
    "af-south-1": 78,
    "eastus": 128,
    "centralus": 129,
    "westus2": 130,
    "canadacentral": 131,
    "brazilsouth": 132,
    "northeurope": 133,
    "westeurope": 134,
    "uksouth": 135,
    "germanywestcentral": 136,
    "swedencentral": 137,
    "southeastasia": 138,
    "japaneast": 139,
    "centralindia": 140,
    "australiaeast": 141,
    "uaenorth": 142,
    "southafricanorth": 143,
}

places = st.builds(
    Place,
    city=st.just("somewhere"),
    latitude=st.floats(-90, 90),
    longitude=st.floats(-180, 180),
    time_zone=st.just("Etc/UTC"),
    languages=st.just(("en",)),
)


def place_of(name: str) -> Place:
    """Return the place of a region of the catalogue."""
    region = lookup(name)
    assert region is not None
    return region.place


def test_the_slots_of_the_catalogue_never_change() -> None:
    assert {region.name: region.slot for region in CATALOGUE} == SLOTS


def test_names_and_slots_are_unique_across_all_clouds() -> None:
    assert max(Counter(region.name for region in CATALOGUE).values()) == 1
    assert max(Counter(region.slot for region in CATALOGUE).values()) == 1


def test_there_are_at_least_thirty_regions_and_ten_of_each_cloud() -> None:
    clouds = Counter(region.cloud for region in CATALOGUE)
    assert set(clouds) == {"gcp", "aws", "azure"}
    assert clouds.total() >= 30
    assert min(clouds.values()) >= 10


def test_each_cloud_keeps_to_its_own_slots_and_leaves_the_free_ones_alone() -> None:
    blocks = {"gcp": range(1, 64), "aws": range(64, 128), "azure": range(128, FIRST_FREE_SLOT)}
    assert [region.name for region in CATALOGUE if region.slot not in blocks[region.cloud]] == []


def test_time_zones_are_known_to_iana() -> None:
    zones = {region.place.time_zone for region in CATALOGUE} | {NOWHERE.time_zone}
    assert zones - zoneinfo.available_timezones() == set()


def test_every_place_is_on_earth_and_speaks() -> None:
    for region in CATALOGUE:
        place = region.place
        assert -90 <= place.latitude <= 90, region.name
        assert -180 <= place.longitude <= 180, region.name
        assert place.languages, region.name
        assert place.country is not None, region.name


def test_a_place_lies_about_where_its_time_zone_does() -> None:
    winter = datetime.datetime(2025, 1, 15, tzinfo=datetime.UTC)
    for region in CATALOGUE:
        offset = winter.astimezone(zoneinfo.ZoneInfo(region.place.time_zone)).utcoffset()
        assert offset is not None
        hours_by_sun = region.place.longitude / 15
        assert abs(offset.total_seconds() / 3600 - hours_by_sun) < 2, region.name


def test_carbon_figures_name_their_source_or_are_unknown() -> None:
    known = [region.carbon for region in CATALOGUE if region.carbon is not None]
    assert [region.name for region in CATALOGUE if region.carbon is None] == ["westus2"]
    for carbon in known:
        assert (carbon.year, carbon.source) == (2025, "Electricity Maps (ODbL)")
        assert 0 < carbon.grams_per_kwh < 1000
        assert 0 <= carbon.carbon_free <= 1


def test_a_grid_without_figures_is_an_error() -> None:
    with pytest.raises(KeyError):
        carbon_of("US-NW-GCPD")


def test_an_unknown_region_is_not_found() -> None:
    assert lookup("us-central9") is None


@pytest.mark.parametrize(
    ("one", "other", "kilometres"),
    [
        ("europe-west2", "eu-west-3", 344),
        ("asia-northeast1", "asia-southeast1", 5_320),
        ("australia-southeast1", "europe-west2", 16_990),
        ("eu-central-1", "europe-west3", 0),
    ],
)
def test_distances_are_those_of_the_globe(one: str, other: str, kilometres: int) -> None:
    assert distance_km(place_of(one), place_of(other)) == pytest.approx(kilometres, rel=0.01, abs=1)


@given(places, places)
def test_a_distance_is_the_same_both_ways_and_at_most_half_way_around(one: Place, other: Place) -> None:
    assert distance_km(one, other) == pytest.approx(distance_km(other, one))
    assert 0 <= distance_km(one, other) <= HALF_WAY_AROUND_KM + 1e-6


@given(places, places, places)
def test_a_detour_is_never_shorter(one: Place, other: Place, detour: Place) -> None:
    assert distance_km(one, other) <= distance_km(one, detour) + distance_km(detour, other) + 1e-3


@given(places)
def test_the_other_side_of_the_globe_is_half_way_around(place: Place) -> None:
    antipode = Place(
        city="antipode",
        latitude=-place.latitude,
        longitude=place.longitude - math.copysign(180, place.longitude),
        time_zone="Etc/UTC",
        languages=("en",),
    )
    assert distance_km(place, antipode) == pytest.approx(HALF_WAY_AROUND_KM, abs=1)
