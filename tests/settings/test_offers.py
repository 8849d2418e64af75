"""What each cloud offers in each region: the program chooses from the tables, and settings refuse anything else."""

import re
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components import offers
from components.cache import instances as nodes
from components.cluster.settings import AzureRegion
from components.database import instances as machines
from components.offers import refresh, tables
from components.offers.sizes import family_of
from components.versions import POSTGRESQL_VERSION
from stacks import geography, standbys
from stacks.settings import parse
from tests.support.offered import KINDS, WHERE, mistakes, named, naming, stack

pytestmark = pytest.mark.unit

MANAGED = tuple(region for region in geography.CATALOGUE if region.cloud in ("aws", "azure"))
DATABASES = {"aws": machines.RDS, "azure": machines.FLEXIBLE_SERVER}
CACHES = {
    "aws": (nodes.ELASTICACHE, nodes.ELASTICACHE_DATA_SHARE),
    "azure": (nodes.AZURE, nodes.AZURE_DATA_SHARE),
}


def test_the_tables_are_about_every_region_of_the_catalogue() -> None:
    known = [(row["cloud"], row["region"]) for row in tables.rows("regions")]
    assert known == [(region.cloud, region.name) for region in geography.CATALOGUE], (
        "with regions.csv also correct the rows of sizes.csv that say `all` or `all but`: see CONTRIBUTING.md"
    )
    for row in offers.table():
        assert (row.regions or set()) <= {name for cloud, name in known if cloud == row.cloud}


UNPRICED = {"sa-east-1"}
"""Regions for which no source has prices."""

LISTED = [
    # The list of Cyclenerd (2026-08-20), rounded to five decimals. Its africa-south1 costs what europe-west1 costs.
    ("gcp", "africa-south1", "e2-standard-4", 0.14743),
    ("gcp", "us-central1", "e2-standard-4", 0.13402),
    ("gcp", "me-west1", "n2-standard-4", 0.21366),
    # The list of Karpenter (2026-07-20).
    ("aws", "us-east-1", "m7i.xlarge", 0.2016),
    ("aws", "us-east-1", "m7g.xlarge", 0.1632),
]


@pytest.mark.parametrize(("cloud", "region", "name", "usd"), LISTED)
def test_prices_are_those_of_their_lists(cloud: str, region: str, name: str, usd: float) -> None:
    found = offers.machine_price(cloud, region, name)
    assert found is not None
    assert (found.usd_per_hour, found.source.date != "unknown") == (usd, True)


def test_every_region_but_those_without_a_source_has_prices_of_machines() -> None:
    unpriced = {one.name for one in geography.CATALOGUE if not offers.monthly_prices(one.cloud, one.name)}
    assert unpriced == UNPRICED


@pytest.mark.parametrize(("cloud", "kind"), KINDS)
def test_each_kind_of_size_has_rows_and_no_type_has_two(cloud: str, kind: offers.Kind) -> None:
    rows = [row for row in offers.table() if (row.cloud, row.kind) == (cloud, kind)]
    assert rows
    types = [(row.family, size) for row in rows for size in row.sizes]
    assert len(types) == len(set(types))


@pytest.mark.parametrize("name", ["g2-standard-4", "a2-highgpu-1g"])
@pytest.mark.parametrize("region", [one.name for one in geography.CATALOGUE if one.cloud == "gcp"])
def test_the_zones_of_gpus_are_known_exactly_where_google_cloud_has_them(region: str, name: str) -> None:
    has = offers.offered("gcp", "machine", region, name)
    assert bool(offers.gpu_zones("gcp", region, name)) == has, "see gpu_zones.csv in CONTRIBUTING.md"


TABLES = ("sizes", "machines", "prices", "gpus", "gpu_zones")


def test_every_row_has_a_source_with_an_address_and_a_day() -> None:
    used = {row["source"] for name in TABLES for row in tables.rows(name)}
    used |= {source for row in tables.rows("regions") for source in row["source"].split()}
    assert used == set(tables.sources())
    for source in tables.sources().values():
        assert re.fullmatch(r"https://[\w.-]+/\S+", source.address)
        assert source.date == "unknown" or date.fromisoformat(source.date) <= date.today()


UNDATED = {"cloud-sql", "skypilot-aws", "skypilot-gcp"}
"""Sources whose day nobody knows (docs/adr/0026)."""


def test_only_sources_without_a_version_or_a_known_day_have_no_date() -> None:
    assert {name for name, source in tables.sources().items() if source.date == "unknown"} == UNDATED


@pytest.mark.parametrize(
    ("cloud", "kind", "names"),
    [
        ("aws", "database", [one.name for one in machines.RDS]),
        ("aws", "cache", [one.name for one in nodes.ELASTICACHE]),
        ("azure", "database", [one.name for one in machines.FLEXIBLE_SERVER]),
        ("azure", "cache", [one.name for one in nodes.AZURE]),
        ("gcp", "database", [machines.cloud_sql_tier(cpu=str(n), memory=f"{4 * n}Gi") for n in (1, 2, 16, 96)]),
    ],
)
def test_every_size_that_the_program_may_choose_has_a_row(cloud: str, kind: offers.Kind, names: list[str]) -> None:
    rows = [row for row in offers.table() if (row.cloud, row.kind) == (cloud, kind)]
    parts = {name: family_of(cloud, name) for name in names}
    missing = [
        name for name, (family, size) in parts.items() if not any(r.family == family and r.has(size) for r in rows)
    ]
    assert missing == []


@pytest.mark.parametrize(
    ("cloud", "kind", "region", "name", "expected"),
    [
        ("aws", "database", "af-south-1", "db.m7g.large", False),
        ("aws", "database", "eu-west-3", "db.r7g.large", False),
        ("aws", "database", "af-south-1", "db.m6g.large", True),
        ("aws", "cache", "me-central-1", "cache.t4g.micro", False),
        ("aws", "machine", "sa-east-1", "m7i.xlarge", True),
        ("azure", "database", "westus2", "Standard_D2ds_v5", False),
        ("azure", "database", "westeurope", "Standard_D2ds_v5", True),
        ("azure", "machine", "southafricanorth", "Standard_D4s_v5", True),
        ("azure", "cache", "westeurope", "Balanced_B5", None),
        ("azure", "cache", "westeurope", "Balanced_B7", False),
        ("gcp", "machine", "africa-south1", "c3-standard-4", False),
        ("gcp", "machine", "africa-south1", "e2-standard-4", True),
        ("gcp", "database", "africa-south1", "db-custom-2-8192", True),
        # The tables do not know a future family, a region outside the catalogue, or a custom machine.
        ("aws", "machine", "sa-east-1", "m99z.large", None),
        ("aws", "machine", "ap-east-1", "m7i.large", None),
        ("gcp", "machine", "us-east1", "n2-custom-2-8192", None),
    ],
)
def test_what_is_there_what_is_not_and_what_nobody_knows(
    cloud: str, kind: offers.Kind, region: str, name: str, expected: bool | None
) -> None:
    assert offers.offered(cloud, kind, region, name) is expected


@pytest.mark.parametrize(
    ("cloud", "kind", "region", "name", "expected"),
    [
        ("aws", "database", "me-central-1", "db.r7g.4xlarge", "db.r6g.4xlarge"),
        ("aws", "cache", "me-central-1", "cache.t4g.small", "cache.t3.small"),
        ("aws", "machine", "af-south-1", "m7i.3xlarge", "m7i.4xlarge"),
        ("azure", "database", "japaneast", "Standard_E8ds_v5", "Standard_E8ds_v4"),
        ("azure", "machine", "eastus", "Standard_D7s_v5", "Standard_D8s_v5"),
        ("azure", "cache", "eastus", "Balanced_B7", "Balanced_B5"),
        ("gcp", "machine", "me-west1", "e2-standard-64", "e2-standard-32"),
        # Another line is one for general purposes, and nobody is advised to take accelerators.
        ("aws", "machine", "us-east-1", "mac1.metal", "m5.metal"),
        ("aws", "machine", "us-east-1", "m7i.32xlarge", "m7i.24xlarge"),
        ("aws", "machine", "us-east-1", "p5.48xlarge", "m5.24xlarge"),
        ("aws", "machine", "us-east-1", "g5.3xlarge", "g5.4xlarge"),
        ("aws", "machine", "us-east-1", "t3.nano", "t3.small"),
        ("gcp", "machine", "us-central1", "f1-micro", "e2-small"),
    ],
)
def test_the_nearest_is_the_same_size_of_the_next_generation_or_the_next_size(
    cloud: str, kind: offers.Kind, region: str, name: str, expected: str
) -> None:
    assert offers.nearest(cloud, kind, region, name) == expected


@pytest.mark.parametrize("region", MANAGED, ids=lambda region: region.name)
@pytest.mark.parametrize("standby", [False, True])
def test_every_region_has_databases_and_caches_of_every_size(region: geography.CloudRegion, standby: bool) -> None:
    offered = offers.here(region.cloud, "database", region.name, DATABASES[region.cloud])
    for cpus in (1, 2, 3, 8, 16, 32, 48, 64):
        for gib in (cpus, 4 * cpus, 7 * cpus):
            machines.smallest(offered, cpu=str(cpus), memory=f"{gib}Gi", standby=standby)
    known, share = CACHES[region.cloud]
    caches = offers.here(region.cloud, "cache", region.name, known)
    for mib in (64, 512, 1400, 3000, 6000, 12000, 48000, 100000):
        nodes.smallest(caches, memory=f"{mib}Mi", max_memory=f"{mib // 2}Mi", data_share=share)


@given(st.sampled_from(geography.CATALOGUE), st.integers(1, 96), st.integers(1, 700), st.booleans())
def test_a_database_that_the_settings_accept_is_one_that_the_region_has(
    region: geography.CloudRegion, cpu: int, gib: int, standby: bool
) -> None:
    database = {"cpu": cpu, "memory": f"{gib}Gi", "nodes": 3 if standby else 1}
    if mistakes(stack(region, database=database)):
        return
    if region.cloud == "gcp":
        name = machines.cloud_sql_tier(cpu=str(cpu), memory=f"{gib}Gi")
    else:
        known = offers.here(region.cloud, "database", region.name, DATABASES[region.cloud])
        name = machines.smallest(known, cpu=str(cpu), memory=f"{gib}Gi", standby=standby)
    # Azure does not publish which regions have burstable machines.
    burstable = name.startswith("Standard_B")
    assert offers.offered(region.cloud, "database", region.name, name) is (None if burstable else True)
    assert mistakes(naming(region, "database", name)) == []


@given(st.sampled_from(geography.CATALOGUE), st.integers(1, 400_000), st.integers(1, 99))
def test_a_cache_that_the_settings_accept_is_one_that_the_region_has(
    region: geography.CloudRegion, mib: int, share: int
) -> None:
    memory, data = f"{mib}Mi", f"{max(1, mib * share // 100)}Mi"
    if mistakes(stack(region, cache={"memory": memory, "maxMemory": data})):
        return
    if region.cloud == "gcp":
        assert nodes.memorystore_size(memory)
        return
    table, data_share = CACHES[region.cloud]
    known = offers.here(region.cloud, "cache", region.name, table)
    name = nodes.smallest(known, memory=memory, max_memory=data, data_share=data_share)
    assert offers.offered(region.cloud, "cache", region.name, name) is (True if region.cloud == "aws" else None)
    assert mistakes(naming(region, "cache", name)) == []


@pytest.mark.parametrize(("cloud", "kind"), KINDS)
def test_settings_accept_exactly_the_types_that_a_region_has(cloud: str, kind: offers.Kind) -> None:
    names = named(cloud, kind) or ["db-custom-2-8192"]
    for region in (region for region in geography.CATALOGUE if region.cloud == cloud):
        for name in names[:: max(1, len(names) // 40)]:
            found = mistakes(naming(region, kind, name))
            refused = [text for text in found if f"{WHERE[kind]}: " in text]
            missing = offers.offered(cloud, kind, region.name, name) is False
            unfit = offers.unfit(cloud, kind, name) is not None
            assert bool(refused) == (missing or unfit), (region.name, name)


@given(st.data())
def test_the_remedy_is_a_type_that_the_region_has(data: st.DataObject) -> None:
    cloud, kind = data.draw(st.sampled_from([one for one in KINDS if one != ("gcp", "database")]))
    region = data.draw(st.sampled_from([one.name for one in geography.CATALOGUE if one.cloud == cloud]))
    name = data.draw(st.sampled_from(named(cloud, kind)))
    nearest = offers.nearest(cloud, kind, region, name)
    assert nearest
    (known,) = [one for one in geography.CATALOGUE if one.name == region]
    assert mistakes(naming(known, kind, nearest)) == []


@pytest.mark.parametrize("name", ["db.m4.large", "db.r4.xlarge", "db.t2.micro"])
def test_a_class_that_rds_does_not_give_to_our_postgresql_is_refused(name: str) -> None:
    (place,) = [one for one in geography.CATALOGUE if one.name == "us-east-1"]
    assert offers.offered("aws", "database", place.name, name)
    (said,) = mistakes(naming(place, "database", name))
    complaint = f"is of a generation that RDS does not give to PostgreSQL {POSTGRESQL_VERSION}; write e.g. "
    assert said.startswith(f'sacred-council:regions[0].instances.database: "{name}" {complaint}')


def test_a_type_that_is_not_there_is_refused_with_its_source_and_the_nearest() -> None:
    (region,) = [one for one in geography.CATALOGUE if one.name == "af-south-1"]
    source = tables.sources()["cfn-lint"]
    assert mistakes(naming(region, "database", "db.r7g.large")) == [
        'sacred-council:regions[0].instances.database: "db.r7g.large" is not available in af-south-1 according to '
        f"components/offers/sizes.csv ({source.address}, {source.date}); write e.g. db.r6g.large"
    ]


def test_the_machine_of_azure_s_own_pods_is_one_that_the_region_has() -> None:
    (japan,) = [one for one in geography.CATALOGUE if one.name == "japaneast"]
    (said,) = mistakes(stack(japan, systemMachine="Standard_D2s_v7"))
    assert said.startswith('sacred-council:regions[0].systemMachine: "Standard_D2s_v7" is not available in japaneast')
    # Azure's own pods have no premium disks.
    assert mistakes(stack(japan, systemMachine="Standard_D2_v5")) == []
    for name in ("Standard_D2ps_v6", "Standard_B1ms", "Standard_D2_v3"):
        assert len(mistakes(stack(japan, systemMachine=name))) == 1, name


@pytest.mark.parametrize("region", [one for one in MANAGED if one.cloud == "azure"], ids=lambda region: region.name)
def test_every_region_of_azure_has_the_usual_machine_for_azure_s_own_pods(region: geography.CloudRegion) -> None:
    (found,) = parse(stack(region)).regions
    assert isinstance(found, AzureRegion)
    assert offers.offered("azure", "machine", region.name, found.system_machine) is True


@pytest.mark.parametrize(
    ("name", "zones", "expected"),
    [
        ("us-east-2", ["a", "b", "d"], "names zones that us-east-2 does not have: d; choose from a, b, c"),
        ("us-east-1", ["a", "c", "f"], None),
        ("westeurope", ["1", "4"], "names zones that westeurope does not have: 4; choose from 1, 2, 3"),
        ("westeurope", [1, 2], None),
    ],
)
def test_zones_that_a_region_does_not_have_are_refused(name: str, zones: list[Any], expected: str | None) -> None:
    (region,) = [one for one in geography.CATALOGUE if one.name == name]
    found = mistakes(stack(region, zones=zones))
    assert [text.partition("] ")[2] for text in found] == ([expected] if expected else [])


@pytest.mark.parametrize("region", geography.CATALOGUE, ids=lambda region: region.name)
def test_a_region_whose_zones_are_known_has_three(region: geography.CloudRegion) -> None:
    known = offers.zones(region.cloud, region.name)
    assert known == () or len(known) >= 3


def test_a_region_that_takes_no_new_standby_in_another_zone_is_told_and_not_refused() -> None:
    (blocked,) = [one for one in geography.CATALOGUE if one.name == "westeurope"]
    (free,) = [one for one in geography.CATALOGUE if one.name == "uksouth"]
    three = {"nodes": 3}
    (warning,) = standbys.blocked(parse(stack(blocked, database=three)))
    assert warning.startswith("westeurope: ")
    assert list(standbys.blocked(parse(stack(blocked)))) == []
    assert list(standbys.blocked(parse(stack(free, database=three)))) == []


OFFERS = st.dictionaries(
    st.sampled_from(["us-east-1", "sa-east-1", "af-south-1"]),
    st.sets(st.builds("{}.{}".format, st.sampled_from(["m7i", "m7g", "t3"]), st.sampled_from(["large", "2xlarge"]))),
    min_size=3,
)


@given(OFFERS)
def test_rows_that_are_written_say_what_was_read(read: dict[str, set[str]]) -> None:
    regions = list(read)
    said: dict[str, set[str]] = {region: set() for region in regions}
    for row in refresh.table_rows("aws", "machine", read, regions, "x"):
        words = row["regions"]
        there = set(regions) - set(words.removeprefix("all but").split()) if words[:3] == "all" else set(words.split())
        for region in there:
            said[region] |= {row["family"].replace("#", size) for size in row["sizes"].split()}
    assert said == read


@pytest.mark.parametrize(("cloud", "kind"), KINDS)
def test_a_type_is_its_family_and_its_size(cloud: str, kind: str) -> None:
    for name in named(cloud, kind):
        family, size = family_of(cloud, name)
        assert size
        assert family.replace("#", size) == name
