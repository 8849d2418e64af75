"""Sizes, addresses and names of data services that clouds run: pure functions."""

import re

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from components.addresses import halves
from components.authorities import AMAZON, MICROSOFT, public_authorities, select
from components.cache import instances as nodes
from components.cache.managed import connection_url
from components.cluster.eks.managed_services import weekly_hour
from components.database import instances as machines
from components.database import postgresql
from components.mesh.data_service_entries import service_entry
from components.quantities import cpus, gibibytes
from stacks import topology
from tests.support.managed import PEM

pytestmark = pytest.mark.unit

counts, sizes = st.integers(1, 64), st.integers(1, 384)


@given(counts, sizes, st.booleans())
def test_a_machine_of_rds_and_of_flexible_server_has_what_was_asked_for(cpu: int, gib: int, standby: bool) -> None:
    for table in (machines.RDS, machines.FLEXIBLE_SERVER):
        found = machines.smallest(table, cpu=str(cpu), memory=f"{gib}Gi", standby=standby)
        (chosen,) = [one for one in table if one.name == found]
        assert chosen.cpus >= cpu
        assert chosen.gibibytes >= gib
        assert not (standby and chosen.burstable)
        smaller = [one for one in table if one.cpus < chosen.cpus and one.gibibytes >= gib and one.cpus >= cpu]
        assert all(one.burstable for one in smaller) or chosen.burstable


@given(counts, sizes)
def test_a_machine_of_cloud_sql_is_one_that_google_makes(cpu: int, gib: int) -> None:
    name = machines.cloud_sql_tier(cpu=str(cpu), memory=f"{gib}Gi")
    match = re.fullmatch(r"db-custom-(\d+)-(\d+)", name)
    assert match
    count, mib = int(match[1]), int(match[2])
    assert count >= cpu
    assert mib >= max(gib * 1024, 3840)
    assert count == 1 or count % 2 == 0
    assert mib % 256 == 0
    assert 0.9 * 1024 <= mib / count <= 6.5 * 1024


def test_what_no_machine_has_is_refused_with_the_way_out() -> None:
    for table in (machines.RDS, machines.FLEXIBLE_SERVER):
        with pytest.raises(ValueError, match=r"no machine here has 1 CPUs and 999Gi; .*instances\.database"):
            machines.smallest(table, cpu="1", memory="999Gi", standby=False)
    with pytest.raises(ValueError, match=r"Cloud SQL has no machine with 1 CPUs and 999Gi"):
        machines.cloud_sql_tier(cpu="1", memory="999Gi")


@given(st.integers(1, 96), st.integers(1, 4096))
def test_settings_know_the_machines_that_google_makes(count: int, steps: int) -> None:
    mib = steps * 256
    fits = (count == 1 or count % 2 == 0) and mib >= 3840 and 0.9 * 1024 * count <= mib <= 6.5 * 1024 * count
    assert machines.is_cloud_sql_machine(count, mib) == fits
    assert not machines.is_cloud_sql_machine(count, mib + 1)


def test_a_disk_of_rds_grows_as_far_as_aws_goes() -> None:
    assert machines.rds_disk_limit(50, 10) == 500
    assert machines.rds_disk_limit(20_000, 10) == 65_536
    # AWS refuses a limit that is less than 26 % above the disk.
    assert machines.rds_disk_limit(52_013, 10) is None


@given(st.integers(1, 16384))
def test_a_disk_of_azure_is_the_smallest_that_is_enough(gib: int) -> None:
    disk = machines.azure_disk(f"{gib}Gi")
    assert disk >= gib
    assert [size for size in machines.FLEXIBLE_SERVER_DISKS if gib <= size < disk] == []


def test_every_machine_of_flexible_server_has_a_tier() -> None:
    tiers = {one.name: machines.sku_tier(one.name) for one in machines.FLEXIBLE_SERVER}
    assert {name for name, tier in tiers.items() if tier == "Burstable"} == {"Standard_B1ms", "Standard_B2s"}
    with pytest.raises(ValueError, match="'D2ds_v5' does not begin with Standard_B"):
        machines.sku_tier("D2ds_v5")


@given(st.integers(1, 100), st.integers(1, 99))
def test_a_node_holds_what_was_asked_for(gib: int, percent: int) -> None:
    data = f"{max(gib * 1024 * percent // 100, 1)}Mi"
    for table, share in ((nodes.ELASTICACHE, 0.75), (nodes.AZURE, 0.8)):
        found = nodes.smallest(table, memory=f"{gib}Gi", max_memory=data, data_share=share)
        (chosen,) = [one for one in table if one.name == found]
        assert chosen.gibibytes >= gib
        assert chosen.gibibytes * share * 1024 >= int(data.removesuffix("Mi"))


def test_what_no_node_holds_is_refused_with_the_way_out() -> None:
    with pytest.raises(ValueError, match=r"no node here has 999Gi with 1Gi for data; .*instances\.cache"):
        nodes.smallest(nodes.AZURE, memory="999Gi", max_memory="1Gi", data_share=0.8)


@given(st.integers(0, 255))
def test_the_halves_of_the_managed_range_are_it_and_do_not_overlap(slot: int) -> None:
    managed = topology.address_plan(slot).managed
    first, second = halves(managed)
    assert not first.overlaps(second)
    assert (managed, managed) == (first.supernet(), second.supernet())


@pytest.mark.parametrize(("quantity", "number"), [("500m", 0.5), ("2", 2), ("0.25", 0.25)])
def test_processor_time_is_a_number(quantity: str, number: float) -> None:
    assert cpus("cpu", quantity) == number


@pytest.mark.parametrize(("quantity", "number"), [("1Gi", 1), ("1025Mi", 2), ("1G", 1), ("2T", 1863)])
def test_gibibytes_are_rounded_up(quantity: str, number: int) -> None:
    assert gibibytes("storage", quantity) == number


def test_a_verifier_depends_on_password_and_salt_and_shows_neither_password() -> None:
    one = postgresql.scram_verifier("pencil", "salt")
    assert one == postgresql.scram_verifier("pencil", "salt")
    assert len({one, postgresql.scram_verifier("pencil", "pepper"), postgresql.scram_verifier("pen", "salt")}) == 3
    assert "pencil" not in one


def test_passwords_of_caches_are_escaped() -> None:
    url = connection_url(password="a/b+c=", host="here", port=10000)
    assert url == "rediss://default:a%2Fb%2Bc%3D@here:10000/0"


def test_the_mesh_s_entry_leads_to_any_address_of_the_range() -> None:
    entry = service_entry("cache", 6379, "10.7.192.0/19")
    assert entry["addresses"] == ["10.7.192.0/19"]
    assert entry["ports"] == [{"name": "tcp-cache", "number": 6379, "protocol": "TCP"}]
    assert (entry["location"], entry["resolution"], entry["exportTo"]) == ("MESH_EXTERNAL", "NONE", ["."])


@pytest.mark.parametrize("names", [AMAZON, MICROSOFT])
def test_public_authorities_are_certificates_of_those_names(names: tuple[str, ...]) -> None:
    found = x509.load_pem_x509_certificates(public_authorities(names).encode())
    assert sorted(str(one.subject.rfc4514_string()).partition("CN=")[2].partition(",")[0] for one in found) == sorted(
        names
    )
    assert all(one.subject == one.issuer for one in found)


def test_an_authority_that_is_gone_is_named() -> None:
    with pytest.raises(ValueError, match="certifi has no Nobody's Root; pin a version of it that has"):
        select(f'# Label: "Amazon Root CA 1"\n{PEM}\n', ["Nobody's Root"])


def test_a_window_of_aws_is_an_hour_of_one_day() -> None:
    # ddd:hh24:mi-ddd:hh24:mi: https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html
    assert weekly_hour("Tuesday", 4) == "tue:04:00-tue:05:00"
