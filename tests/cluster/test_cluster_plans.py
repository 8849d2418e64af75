"""Decisions about clusters that need no cloud: ranges, zones, numbers, names, documents."""

import base64
from dataclasses import replace
from ipaddress import IPv4Network
from itertools import combinations
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from components import offers
from components.cluster import kubeconfig
from components.cluster.aks import cluster as aks
from components.cluster.aks import identity as aks_identity
from components.cluster.eks import network as eks
from components.cluster.eks.identity import autoscaler_policy
from components.cluster.eks.nodes import ami_type
from components.cluster.gke import cluster as gke
from components.cluster.location import NetworkArgs, common_labels
from components.cluster.settings import Nodes
from stacks.geography import CATALOGUE
from stacks.topology import address_plan
from tests.programs.cluster_region import ADDRESSES

pytestmark = pytest.mark.stack

SLOTS = st.integers(min_value=0, max_value=255)
ZONES = st.lists(st.sampled_from("abcdef"), min_size=2, unique_by=eks.zone_slot)


def test_the_zones_that_the_program_chooses_are_zones_of_the_region() -> None:
    for region in CATALOGUE:
        if region.cloud == "aws":
            assert set(eks.usual_zones(region.name)) <= set(offers.zones("aws", region.name))


IDS = {
    "us-east-1a": "use1-az4",
    "us-east-1b": "use1-az3",
    "us-east-1d": "use1-az1",
    "us-east-1-bos-1a": "use1-bos1-az1",
}
"""Zones of an account, as AWS answers. Letters differ from account to account: b is the zone without EKS here."""


def test_zones_without_eks_and_zones_that_the_account_lacks_are_named_before_aws_refuses_them() -> None:
    # docs.aws.amazon.com/eks/latest/userguide/network-reqs.html: use1-az3, usw1-az2 and cac1-az3 take no cluster.
    without, missing = eks.zone_warnings("us-east-1", ["a", "b", "c"], IDS)
    assert "AWS will refuse the zone b: it is use1-az3, where EKS has no clusters" in without
    assert "AWS will refuse the zone c: this account does not have it" in missing
    assert "letters among a, d " in without
    assert list(eks.zone_warnings("us-east-1", ["a", "d"], IDS)) == []
    assert not any(map(offers.has_eks, ("use1-az3", "usw1-az2", "cac1-az3")))


def nodes(least: int, most: int) -> Nodes:
    return Nodes.model_validate({"type": "m7i.large", "min": least, "max": most})


@given(slot=SLOTS, zones=ZONES)
def test_subnets_of_zones_lie_within_their_range_and_never_overlap(slot: int, zones: list[str]) -> None:
    ranges = address_plan(slot)
    parents = [ranges.nodes, ranges.pods, ranges.public, ranges.managed]
    parts = [(parent, IPv4Network(part)) for parent in parents for part in eks.subnets(parent, zones).values()]
    assert all(part.subnet_of(parent) for parent, part in parts)
    assert not any(one.overlaps(other) for (_, one), (_, other) in combinations(parts, 2))


@given(zones=ZONES, gone=st.randoms())
def test_a_zone_keeps_its_subnet_when_others_come_go_or_move(zones: list[str], gone: Any) -> None:
    fewer = list(zones)
    gone.shuffle(fewer)
    fewer = fewer[:-1]
    all_of_them = eks.subnets(ADDRESSES.nodes, zones)
    assert all_of_them.items() >= eks.subnets(ADDRESSES.nodes, fewer).items()


@given(least=st.integers(1, 50), more=st.integers(0, 50), zones=ZONES)
def test_nodes_of_all_zones_add_up_to_the_pool(least: int, more: int, zones: list[str]) -> None:
    pool = nodes(least, least + more + len(zones))
    shares = pool.per_zone(zones)
    assert sum(low for low, _ in shares.values()) == pool.min
    assert sum(high for _, high in shares.values()) == pool.max
    assert all(low <= high and high >= 1 for low, high in shares.values())
    assert shares == pool.per_zone(zones[::-1])


def test_too_few_nodes_for_the_zones_are_refused() -> None:
    with pytest.raises(ValueError, match="max: 2 nodes are not enough for 3 zones; raise max or name fewer zones"):
        nodes(1, 2).per_zone("abc")


def test_regions_have_the_zones_that_eks_has_there() -> None:
    assert list(eks.usual_zones("eu-west-1")) == ["a", "b", "c"]
    assert list(eks.usual_zones("ap-northeast-1")) == ["a", "c", "d"]
    for location in ("eu-west-1", "ap-northeast-1", "ca-central-1"):
        assert len({eks.zone_slot(zone) for zone in eks.usual_zones(location)}) == 3


@pytest.mark.parametrize(
    ("machine", "ami"),
    [
        ("m7i.large", "AL2023_x86_64_STANDARD"),
        ("g5.xlarge", "AL2023_x86_64_STANDARD"),
        ("m7g.large", "AL2023_ARM_64_STANDARD"),
        ("c7gn.large", "AL2023_ARM_64_STANDARD"),
    ],
)
def test_the_operating_system_fits_the_processor(machine: str, ami: str) -> None:
    assert ami_type(machine) == ami


@given(slot=SLOTS)
def test_service_addresses_are_outside_the_networks_of_eks_and_aks(slot: int) -> None:
    ranges = address_plan(slot)
    network = (ranges.nodes, ranges.pods, ranges.public, ranges.managed, ranges.control_plane)
    assert not any(ranges.services.overlaps(one) for one in network)


def test_overlapping_ranges_are_refused() -> None:
    with pytest.raises(ValueError, match=r"pods: 10\.7\.0\.0/18 overlaps nodes|nodes: .* overlaps pods"):
        replace(ADDRESSES, pods=IPv4Network("10.7.0.0/18"))


def test_labels_of_a_region_suit_all_clouds() -> None:
    labels = common_labels(NetworkArgs(region="here", location="there", addresses=ADDRESSES, labels={"team": "love"}))
    assert labels == {"part-of": "sacred-council", "managed-by": "pulumi", "region": "here", "team": "love"}


def _kubeconfig(user: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "council",
        "clusters": [
            {"name": "council", "cluster": {"server": "https://api", "certificate-authority-data": "YXV0aG9yaXR5"}}
        ],
        "users": [{"name": "council", "user": {"exec": user}}],
        "contexts": [{"name": "council", "context": {"cluster": "council", "user": "council"}}],
    }


def test_the_kubeconfig_of_gke_calls_its_plugin() -> None:
    assert kubeconfig.gke("council", "https://api", "YXV0aG9yaXR5") == _kubeconfig(
        {
            "apiVersion": "client.authentication.k8s.io/v1beta1",
            "command": "gke-gcloud-auth-plugin",
            "args": [],
            "interactiveMode": "IfAvailable",
            "installHint": "This cluster needs gke-gcloud-auth-plugin on the PATH.",
            "provideClusterInfo": True,
        }
    )


def test_the_kubeconfig_of_eks_names_the_region() -> None:
    assert kubeconfig.eks("council", "https://api", "YXV0aG9yaXR5", location="eu-west-1") == _kubeconfig(
        {
            "apiVersion": "client.authentication.k8s.io/v1beta1",
            "command": "aws",
            "args": ["--region", "eu-west-1", "eks", "get-token", "--cluster-name", "council", "--output", "json"],
            "interactiveMode": "IfAvailable",
            "installHint": "This cluster needs aws on the PATH.",
            "provideClusterInfo": True,
        }
    )


def test_the_kubeconfig_of_aks_logs_in_with_entra() -> None:
    assert kubeconfig.aks("council", "https://api", "YXV0aG9yaXR5") == _kubeconfig(
        {
            "apiVersion": "client.authentication.k8s.io/v1beta1",
            "command": "kubelogin",
            "args": ["get-token", "--login", "azurecli", "--server-id", "6dae42f8-4368-4678-94ff-3960e28e3630"],
            "interactiveMode": "IfAvailable",
            "installHint": "This cluster needs kubelogin on the PATH.",
            "provideClusterInfo": True,
        }
    )


def test_the_principal_of_a_service_account_on_gke() -> None:
    number = gke.project_number("service-123456789012@container-engine-robot.iam.gserviceaccount.com")
    assert gke.principal("council", number, namespace="cockroachdb", service_account="backup") == (
        "principal://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/"
        "council.svc.id.goog/subject/ns/cockroachdb/sa/backup"
    )


def test_a_service_agent_without_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match="does not look like service-<project number>@"):
        gke.project_number("someone@example.org")


def test_the_autoscaler_changes_node_groups_of_its_own_cluster_only() -> None:
    changing = autoscaler_policy("council")["Statement"][1]
    assert changing["Condition"]["StringEquals"] == {
        "aws:ResourceTag/k8s.io/cluster-autoscaler/council": "owned",
    }


@given(identifier=st.text(min_size=1))
def test_a_vault_has_a_name_that_azure_takes(identifier: str) -> None:
    name = aks_identity.vault_name(f"/subscriptions/1/resourceGroups/{identifier}")
    assert len(name) == 24
    assert name.isascii()
    assert name[0].isalpha()


def test_a_built_in_role_is_named_within_the_subscription_of_its_scope() -> None:
    assert aks_identity.role_definition("/subscriptions/one/resourceGroups/x", "role") == (
        "/subscriptions/one/providers/Microsoft.Authorization/roleDefinitions/role"
    )
    with pytest.raises(ValueError, match="does not begin with /subscriptions/"):
        aks_identity.role_definition("x", "role")


def test_the_api_server_of_aks_is_read_from_its_kubeconfig() -> None:
    document = {"clusters": [{"cluster": {"server": "https://api", "certificate-authority-data": "YXV0aG9yaXR5"}}]}
    encoded = base64.b64encode(yaml.safe_dump(document).encode()).decode()
    assert aks.api_server(encoded) == aks.ApiServer(url="https://api", certificate_authority="YXV0aG9yaXR5")
