"""Start commands and SQL of CockroachDB, as pure functions of the regions' names."""

import re
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.database import cockroachdb_nodes as nodes
from components.database import cockroachdb_sql as sql
from components.peering import PEER_NAMES

pytestmark = pytest.mark.unit

names = st.from_regex(r"[a-z]([-a-z0-9]{0,30}[a-z0-9])?", fullmatch=True)
several = st.lists(names, min_size=1, max_size=8, unique=True)


def flags(command: str) -> dict[str, str]:
    """Return the flags of a start command, by name."""
    return dict(part.split("=", 1) for part in shlex.split(command) if part.startswith("--"))


@given(names, names)
def test_every_node_asks_its_own_region_first_and_then_the_primary_region_alone(
    region: str, primary_region: str
) -> None:
    together = nodes.join_list(region, primary_region).split(",")
    assert together[:3] == [f"cockroachdb-{i}.cockroachdb:26257" for i in range(3)]
    others = [f"{primary_region}-{i}.peers.${{POD_NAMESPACE}}.svc:26257" for i in range(3)]
    assert together[3:] == ([] if region == primary_region else others)


@given(names, names)
def test_alone_or_not_a_node_has_the_same_locality_store_and_ports(region: str, primary_region: str) -> None:
    alone = flags(nodes.start_command(region, primary_region=region, alone=True))
    together = flags(nodes.start_command(region, primary_region=primary_region, alone=False))
    for flag in ("--locality", "--store", "--listen-addr", "--http-addr", "--certs-dir"):
        assert alone[flag] == together[flag]


@given(names)
def test_other_regions_reach_a_node_at_its_peer_endpoint_and_peers_at_its_pod(region: str) -> None:
    found = flags(nodes.start_command(region, primary_region=region, alone=False))
    endpoint = found["--advertise-addr"].replace("${POD_NAME##*-}", "2").replace("${POD_NAMESPACE}", "cockroachdb")
    assert endpoint == f"{region}-2.peers.cockroachdb.svc:26257"
    pod = found["--locality-advertise-addr"]
    assert pod == f"region={region}@${{POD_NAME}}.cockroachdb.${{POD_NAMESPACE}}:26257"
    assert f"region={region}," in found["--locality"]


@given(names)
def test_what_is_advertised_is_in_the_certificate(region: str) -> None:
    for alone in (True, False):
        found = flags(nodes.start_command(region, primary_region=region, alone=alone))
        name = found["--advertise-addr"].replace("${POD_NAMESPACE}", "cockroachdb").rpartition(":")[0]
        patterns = {pattern.format("cockroachdb") for pattern in nodes.NODE_NAMES}
        assert f"*.{name.partition('.')[2]}" in patterns
    assert set(PEER_NAMES) <= set(nodes.NODE_NAMES)


@given(several, st.data())
def test_the_order_of_regions_changes_no_statement(regions: list[str], data: st.DataObject) -> None:
    primary_region = data.draw(st.sampled_from(regions))
    moved = data.draw(st.permutations(regions))
    one, other = (
        sql.regions_sql("council", primary_region=primary_region, regions=order, survive="zone")
        for order in (regions, moved)
    )
    assert one == other


@given(several, st.data(), st.sampled_from(["zone", "region"]))
def test_the_database_is_at_home_in_the_primary_region_then_elsewhere_and_survives_last(
    regions: list[str], data: st.DataObject, survive: sql.Survival
) -> None:
    primary_region = data.draw(st.sampled_from(regions))
    statements = sql.regions_sql(
        "council", primary_region=primary_region, regions=regions, survive=survive
    ).splitlines()
    assert statements[0] == f'ALTER DATABASE council SET PRIMARY REGION "{primary_region}";'
    assert statements[-1] == f"ALTER DATABASE council SURVIVE {survive.upper()} FAILURE;"
    added = [re.fullmatch(r'.* ADD REGION IF NOT EXISTS "(.*)";', line) for line in statements[1:-1]]
    assert sorted(found.group(1) for found in added if found) == sorted(set(regions) - {primary_region})
    assert all(added)


@given(st.text(min_size=1))
def test_names_are_quoted_whatever_is_in_them(name: str) -> None:
    quoted = sql.quoted(name)
    assert quoted[0] == quoted[-1] == '"'
    assert quoted[1:-1].replace('""', "") == name.replace('"', "")
    assert quoted[1:-1].replace('""', '"') == name


@pytest.mark.parametrize("region", ["us-central1", "here"])
def test_a_region_is_dropped_only_if_it_is_there(region: str) -> None:
    assert sql.drop_region_sql("council", region) == f'ALTER DATABASE council DROP REGION IF EXISTS "{region}";\n'
