"""The address plan of the regions' networks."""

import json
from ipaddress import IPv4Address, IPv4Network
from itertools import combinations, pairwise
from pathlib import Path

import pytest

from sandbox import manifests
from sandbox.addresses import RegionAddresses
from sandbox.controllers.egress import egress_addresses
from sandbox.layout import Layout
from sandbox.regions import SLOTS

pytestmark = pytest.mark.unit

ZONES = range(len(manifests.ZONES))
ALL = [RegionAddresses(slot) for slot in range(SLOTS)]


def _networks(addresses: RegionAddresses) -> list[IPv4Network]:
    single = [addresses.router, addresses.egress, *(addresses.node(zone) for zone in ZONES)]
    return [
        addresses.load_balancers,
        *(addresses.pods_of(zone) for zone in ZONES),
        *(IPv4Network(f"{address}/32") for address in single),
    ]


def test_what_leaves_a_region_has_the_addresses_that_its_cloud_gave(tmp_path: Path) -> None:
    """The other regions' gateways admit these addresses and no other."""
    (tmp_path / "Pulumi.yaml").write_text("name: council\n")
    layout = Layout(project=tmp_path, home=tmp_path, binaries=tmp_path)
    state = layout.state / ".pulumi" / "stacks" / "council" / "s.json"
    state.parent.mkdir(parents=True)
    urn = "urn:pulumi:s::council::sacred-council:stack:Cloud::"
    resources = [
        {"urn": f"{urn}eu-west-3-cloud", "type": "t", "outputs": {"egress_addresses": ["192.0.2.1", "192.0.2.2"]}},
        {"urn": f"{urn}own-cloud", "type": "t", "outputs": {"egress_addresses": []}},
        {"urn": f"{urn}eu-west-3-network", "type": "t", "outputs": {"egress_addresses": ["192.0.2.9"]}},
    ]
    state.write_text(json.dumps({"checkpoint": {"latest": {"resources": resources}}}))
    assert egress_addresses(layout, "s") == {"eu-west-3": ["192.0.2.1", "192.0.2.2"]}
    assert egress_addresses(layout, "other") == {}


def test_no_two_parts_of_the_plan_overlap() -> None:
    parts = [IPv4Network(manifests.SERVICE_CIDR), *(network for each in ALL for network in _networks(each))]
    parts.sort()
    assert [(a, b) for a, b in pairwise(parts) if a.overlaps(b)] == []


def test_a_regions_pods_are_those_of_its_nodes() -> None:
    for addresses in ALL:
        assert all(addresses.pods_of(zone).subnet_of(addresses.pods) for zone in ZONES)
    assert [(a, b) for a, b in combinations(ALL, 2) if a.pods.overlaps(b.pods)] == []


@pytest.mark.parametrize("slot", [0, 1, 31, 32, 63])
def test_load_balancers_are_where_the_control_plane_gives_them_addresses(slot: int) -> None:
    template = manifests.load_balancer_stage(slot)["spec"]["next"]["statusTemplate"]
    line = next(line for line in template.splitlines() if "ip: 198" in line)
    second, base = int(line.split(".")[1]), int(line.split("add ")[1].split()[0])
    network = RegionAddresses(slot).load_balancers
    assert network.network_address == IPv4Address(f"198.{second}.{base}.0")
    assert network.num_addresses == IPv4Network(manifests.SERVICE_CIDR).num_addresses


def test_every_node_gives_its_pods_addresses_of_its_own_range() -> None:
    items = manifests.initial_objects("eu", slot=5)["items"]
    nodes = {item["metadata"]["name"]: item["spec"]["podCIDR"] for item in items if item["kind"] == "Node"}
    assert nodes == {f"eu-{zone}": str(RegionAddresses(5).pods_of(index)) for index, zone in enumerate("abc")}
