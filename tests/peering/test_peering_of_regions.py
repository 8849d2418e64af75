"""Peer endpoints and names between regions: who has access, how pods find them, and that a lone region has none."""

import json
from typing import Any

import pytest

from components.metadata import FIELD_MANAGER_ANNOTATION, WAIT_FOR
from components.peering import host
from components.workload import CHECKSUM_ANNOTATION
from tests.support.clusters import CLUSTER_TYPES
from tests.support.data_services import waits_for
from tests.support.regions import (
    AMSTERDAM,
    BELGIUM,
    FIVE,
    IOWA,
    KNOWS_PEERS,
    MIXED,
    PRIMARY_REGION_KNOWS_PEERS,
    VIRGINIA,
    Where,
    changed,
    egress,
    of_region,
    rendered,
    rendered_with,
)
from tests.support.rendering import Rendered, Resource, ancestors, render

pytestmark = pytest.mark.stack

ADDRESSES = {
    "gcp:compute/address:Address",
    "aws:ec2/eip:Eip",
    "azure-native:network:PublicIPAddress",
}


DATA_SERVICES = ("cockroachdb", "nats")
"""Namespaces of data services whose servers talk to servers of other regions."""


def peer_endpoints(stack: Rendered, region: str) -> dict[str, dict[str, Any]]:
    """Return the inputs of the region's peer endpoint Services, by short name. Fail if a data service has none."""
    found = {
        key.partition(" ")[0].removesuffix("-service"): resource.inputs
        for key, resource in of_region(stack, region).items()
        if resource.type == "kubernetes:core/v1:Service" and "-peer-" in resource.name
    }
    assert {data_service for name in found for data_service in DATA_SERVICES if name.startswith(data_service)} == {
        *DATA_SERVICES
    }
    return found


def peering_objects(stack: Rendered, region: str) -> list[str]:
    """List the names of the region's resources that serve other regions."""
    parts = ("-peer-", "-peers", "-addresses-group")
    return [r.name for r in of_region(stack, region).values() if any(part in r.name for part in parts)]


def endpoints(stack: Rendered, region: str, data_service: str) -> dict[str, list[str]]:
    """Return the addresses behind each name of the other regions' peer endpoints."""
    (subset,) = stack.named(f"{region}-{data_service}-peers-endpoints").inputs["subsets"]
    found: dict[str, list[str]] = {}
    for one in subset["addresses"]:
        found.setdefault(one["hostname"], []).append(one["ip"])
    return found


def reserved(stack: Rendered, region: str) -> list[Resource]:
    """List the addresses reserved for the region's peer endpoints. Fail if there are none."""
    found = [r for r in of_region(stack, region).values() if r.type in ADDRESSES and "-peer-" in r.name]
    assert found
    return found


@pytest.mark.parametrize("where", MIXED)
def test_a_region_alone_has_no_peer_endpoints_no_names_and_no_address_for_them(where: Where) -> None:
    alone, among_others = rendered(where), rendered(*FIVE)
    assert len(peering_objects(among_others, where[0])) > 10
    assert peering_objects(alone, where[0]) == []
    assert among_others.objects("Endpoints") != []
    assert alone.objects("Endpoints") == []


def test_a_region_that_is_the_first_of_several_has_closed_peer_endpoints() -> None:
    stack, region = rendered_with((IOWA,), database={"primaryRegion": IOWA[0]}), IOWA[0]
    assert peer_endpoints(stack, region).keys() == peer_endpoints(rendered(*FIVE), region).keys()
    for endpoint in peer_endpoints(stack, region).values():
        assert sorted(endpoint["spec"]["loadBalancerSourceRanges"]) == egress(stack, region)
    assert [r.name for r in stack.objects("Endpoints") if r.inputs.get("subsets")] == []
    assert open_to_all(stack) == []


def test_the_second_region_adds_nothing_to_one_that_is_the_first_of_several() -> None:
    one, three = rendered_with((IOWA,), database={"primaryRegion": IOWA[0]}), rendered(*MIXED)
    assert of_region(one, IOWA[0]).keys() == of_region(three, IOWA[0]).keys()
    assert changed(one, three, IOWA[0]) <= KNOWS_PEERS | PRIMARY_REGION_KNOWS_PEERS
    assert changed(one, three, "platform") == set()


def open_to_all(stack: Rendered) -> list[str]:
    """List the data services' network policies with a rule that names no peer and so admits everybody."""
    policies = [r for r in stack.objects("NetworkPolicy") if r.inputs["metadata"]["namespace"] in DATA_SERVICES]
    assert {r.inputs["metadata"]["namespace"] for r in policies} == {*DATA_SERVICES}
    return [
        r.name
        for r in policies
        for rule in [*r.inputs["spec"].get("ingress", []), *r.inputs["spec"].get("egress", [])]
        if not rule.get("from") and not rule.get("to")
    ]


@pytest.mark.parametrize("where", FIVE)
def test_peer_endpoints_admit_the_other_regions_and_nobody_else(where: Where) -> None:
    stack = rendered(*FIVE)
    others = sorted(address for name, _ in FIVE if name != where[0] for address in egress(stack, name))
    for endpoint in peer_endpoints(stack, where[0]).values():
        assert sorted(endpoint["spec"]["loadBalancerSourceRanges"]) == others
        assert endpoint["spec"]["externalTrafficPolicy"] == "Local"
        assert endpoint["spec"]["publishNotReadyAddresses"] is True


@pytest.mark.parametrize("where", [IOWA, VIRGINIA, AMSTERDAM])
def test_peer_endpoints_have_their_cloud_s_reserved_addresses(where: Where) -> None:
    stack = rendered(*FIVE)
    for name, endpoint in peer_endpoints(stack, where[0]).items():
        annotations = endpoint["metadata"]["annotations"]
        mine = [r for r in reserved(stack, where[0]) if r.name.startswith(f"{where[0]}-{name}-")]
        assert mine
        match where[1]:
            case "gcp":
                assert endpoint["spec"]["loadBalancerIP"].startswith("240.")
                assert annotations["cloud.google.com/l4-rbs"] == "enabled"
            case "aws":
                prefix = "service.beta.kubernetes.io/aws-load-balancer-"
                allocations = annotations[f"{prefix}eip-allocations"].split(",")
                assert len(allocations) == len(annotations[f"{prefix}subnets"].split(",")) == len(mine)
            case _:
                prefix = "service.beta.kubernetes.io/azure-"
                assert annotations[f"{prefix}pip-name"]
                assert annotations[f"{prefix}load-balancer-resource-group"]


def test_on_aws_a_peer_endpoint_to_one_pod_has_one_address_and_a_shared_peer_endpoint_one_in_each_zone() -> None:
    stack = rendered(*FIVE)
    found = [r.name.removeprefix("us-east-1-") for r in reserved(stack, "us-east-1")]
    assert sorted(found) == [
        "cockroachdb-peer-0-a-address",
        *(f"nats-peer-0-{zone}-address" for zone in "abc"),
    ]


def test_on_azure_the_cluster_may_use_the_addresses_before_anything_runs_in_it() -> None:
    stack = rendered(*FIVE)
    role = stack.named("westeurope-cluster-control-plane-addresses-role")
    assert role.inputs["scope"].endswith("ResourceGroup/westeurope-addresses-group")
    (cluster,) = stack.of_type(CLUSTER_TYPES["aks"])
    assert role.name in waits_for(stack, cluster)


@pytest.mark.parametrize("where", FIVE)
def test_every_region_has_names_for_the_peer_endpoints_of_all_others(where: Where) -> None:
    stack = rendered(*FIVE)
    others = [name for name, _ in FIVE if name != where[0]]
    for data_service in DATA_SERVICES:
        found = endpoints(stack, where[0], data_service)
        assert sorted(found) == sorted(host(name) for name in others)
        addresses = [address for behind in found.values() for address in behind]
        assert len(addresses) == len(set(addresses)) >= len(others)
        service = stack.named(f"{where[0]}-{data_service}-peers-service").inputs
        assert service["metadata"]["name"] == "peers"
        assert (service["spec"]["clusterIP"], "selector" in service["spec"]) == ("None", False)


def test_a_reserved_address_waits_for_no_cluster() -> None:
    stack = rendered(*FIVE)
    clusters = {f"{name}-cluster" for name, _ in FIVE}
    for name, _ in FIVE:
        for address in reserved(stack, name):
            assert clusters & waits_for(stack, address) == set()


def test_on_clusters_that_are_there_already_peer_endpoints_have_the_address_they_are_given() -> None:
    place = {"geography": {"latitude": 0, "longitude": 0, "timeZone": "UTC", "languages": ["en"]}}
    regions = [
        {"name": name, "cloud": "existing", "context": name, "egressAddresses": [mine], "slot": 200 + index, **place}
        for index, (name, mine) in enumerate({"east": "192.0.2.1", "west": "192.0.2.2"}.items())
    ]
    stack = render(
        "multiregion",
        {
            "sacred-council:regions": regions,
            "sacred-council:clouds": None,
            "sacred-council:database": {"primaryRegion": "east", "nodes": 3},
            "sacred-council:messaging": {"servers": 3},
            "sacred-council:monitoring": {"enabled": False},
            "sacred-council:scaling": {},
            "sacred-council:streaming": {},
            "sacred-council:edge": {},
        },
    )
    assert len(peer_endpoints(stack, "west")) == 4
    for endpoint in peer_endpoints(stack, "west").values():
        assert endpoint["spec"]["loadBalancerSourceRanges"] == ["192.0.2.1/32"]
        assert "loadBalancerIP" not in endpoint["spec"]
        assert endpoint["metadata"]["annotations"].keys() == {WAIT_FOR, CHECKSUM_ANNOTATION, FIELD_MANAGER_ANNOTATION}
    found = endpoints(stack, "east", "cockroachdb")
    assert sorted(found) == ["west-0", "west-1", "west-2"]
    assert all(address.startswith("198.51.100.") for behind in found.values() for address in behind)


@pytest.mark.parametrize("where", MIXED)
def test_a_peer_endpoint_that_admits_more_regions_is_ready_when_the_provider_has_seen_it(where: Where) -> None:
    before, after = (
        peer_endpoints(rendered_with(regions, database={"primaryRegion": where[0]}), where[0])
        for regions in ((where,), (where, BELGIUM))
    )
    assert before.keys() == after.keys() != set()
    for name, endpoint in after.items():
        annotations = endpoint["metadata"]["annotations"]
        checksum = annotations[CHECKSUM_ANNOTATION]
        address, seen = json.loads(annotations[WAIT_FOR])
        assert address == "jsonpath={.status.loadBalancer.ingress}"
        assert seen == f"jsonpath={{.metadata.annotations['{CHECKSUM_ANNOTATION}']}}={checksum}"
        assert before[name]["metadata"]["annotations"][CHECKSUM_ANNOTATION] != checksum


def test_peer_endpoints_belong_to_the_base_and_wait_for_no_workload() -> None:
    stack = rendered(*MIXED)
    workloads = {r.name for r in stack.objects() if r.inputs["kind"] in ("StatefulSet", "Deployment", "Job")}
    early = [
        r for r in stack.resources if "-peer-" in r.name or r.name.endswith(("-peers-service", "-peers-endpoints"))
    ]
    assert workloads
    assert early
    for resource in early:
        assert workloads & waits_for(stack, resource) == set()
        above = {urn.rpartition("::")[2] for urn in ancestors(stack, resource)}
        assert any(name.endswith(("-base", "-cloud")) for name in above)


def test_two_regions_of_one_cloud_are_peers_like_any_others() -> None:
    stack = rendered(IOWA, BELGIUM)
    assert sorted(endpoints(stack, "us-central1", "nats")) == ["europe-west1-0"]
