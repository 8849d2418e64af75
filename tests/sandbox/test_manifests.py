"""The manifests with which a control plane starts."""

import ipaddress
from pathlib import Path

import pytest

from sandbox import manifests
from sandbox.regions import SLOTS

pytestmark = pytest.mark.unit

DEFAULT = "storageclass.kubernetes.io/is-default-class"


def _third_octets(slot: int) -> set[tuple[int, int]]:
    """The second and third octets of the possible addresses of a slot's load balancers."""
    template = manifests.load_balancer_stage(slot)["spec"]["next"]["statusTemplate"]
    line = next(line for line in template.splitlines() if "ip: 198" in line)
    second = int(line.split(".")[1])
    base = int(line.split("add ")[1].split()[0])
    return {(second, base + offset) for offset in range(8)}


def test_load_balancers_of_all_slots_have_distinct_addresses_in_the_range_for_tests() -> None:
    reserved = ipaddress.ip_network("198.18.0.0/15")
    seen: set[tuple[int, int]] = set()
    for slot in range(SLOTS):
        octets = _third_octets(slot)
        assert seen.isdisjoint(octets)
        assert all(ipaddress.ip_address(f"198.{second}.{third}.7") in reserved for second, third in octets)
        seen |= octets


def test_service_addresses_fit_into_a_slot() -> None:
    network = ipaddress.ip_network(manifests.SERVICE_CIDR)
    assert network.num_addresses == 2048
    assert {int(str(address).split(".")[2]) for address in network} == set(range(8))


def test_everything_listens_on_loopback_and_nothing_is_switched_off() -> None:
    ports = {name: 20000 + index for index, name in enumerate(manifests.PORT_NAMES)}
    configuration, *_ = manifests.kwokctl_configuration(Path("/bin"), ports, 0, metrics_api=Path("/api"))
    options = configuration["options"]
    assert options["bindAddress"] == "127.0.0.1"
    assert options["kubeAuthorization"] is True
    assert options["kubeAdmission"] is True
    assert {name: options[name] for name in ports} == ports


def test_a_region_has_a_node_in_each_of_three_zones_and_one_default_storage_class() -> None:
    items = manifests.initial_objects("eu")["items"]
    nodes = [item for item in items if item["kind"] == "Node"]
    labels = [node["metadata"]["labels"] for node in nodes]
    assert {label["topology.kubernetes.io/zone"] for label in labels} == {"eu-a", "eu-b", "eu-c"}
    assert {label["topology.kubernetes.io/region"] for label in labels} == {"eu"}
    assert default_classes("existing") == ["standard"]


def default_classes(cloud: str) -> list[str]:
    items = manifests.initial_objects("r1", cloud)["items"]
    return [
        item["metadata"]["name"] for item in items if item["metadata"].get("annotations", {}).get(DEFAULT) == "true"
    ]
