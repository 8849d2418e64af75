"""Clusters of all platforms: their common outputs, and who may reach them."""

import json
import re
from typing import Any

import pytest

from tests.support.clusters import CLOUDS, CLUSTER_TYPES, OFFICE, cluster, made, offered, only, public, rendered_cluster
from tests.support.regions import AMSTERDAM, IOWA, MIXED, VIRGINIA, rendered
from tests.support.rendering import render

pytestmark = pytest.mark.stack

PLATFORMS = ["existing", *CLOUDS]


def kubeconfig(platform: str) -> dict[str, Any]:
    """Return the kubeconfig of the cluster's provider."""
    found: dict[str, Any] = json.loads(only(public(platform), "pulumi:providers:kubernetes").inputs["kubeconfig"])
    return found


LABELS = {"part-of": "sacred-council", "managed-by": "pulumi", "region": "here", "team": "love"}


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_platform_has_one_provider_with_the_same_options(platform: str) -> None:
    inputs = only(public(platform), "pulumi:providers:kubernetes").inputs
    options = {"enableConfigMapMutable": "true", "enableSecretMutable": "true", "skipUpdateUnreachable": "true"}
    assert options.items() <= inputs.items()
    identifier = "here" if platform == "existing" else f"{CLOUDS[platform]}/here"
    assert inputs["clusterIdentifier"] == identifier


def test_a_context_that_is_named_later_is_the_same_cluster() -> None:
    region = {"name": "local", "cloud": "existing"}
    identifiers = {
        render("local", {"sacred-council:regions": [settings]})
        .named("local-cluster-kubernetes")
        .inputs["clusterIdentifier"]
        for settings in (region, region | {"context": "kind-one"})
    }
    assert identifiers == {"local"}


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_platform_offers_the_same_outputs(platform: str) -> None:
    shown = offered(platform).inputs
    always = {"egressAddresses", "foundAs", "public", "dnsServer", "zoneLabels", "gpus"}
    cloud = {"apiEndpoint", "apiCertificateAuthority", "storageClass", "identity"}
    mesh = {"meshPlatform"} if platform == "gke" else set()
    assert set(shown) == (always if platform == "existing" else always | cloud | mesh)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_only_clouds_promise_the_label_of_the_zone_on_every_node(platform: str) -> None:
    assert offered(platform).inputs["zoneLabels"] == (platform != "existing")


@pytest.mark.parametrize("platform", CLOUDS)
def test_every_cloud_has_an_endpoint_and_fixed_egress_addresses(platform: str) -> None:
    shown = offered(platform).inputs
    assert shown["apiEndpoint"].startswith("https://")
    assert len(shown["egressAddresses"]) == len(set(shown["egressAddresses"])) >= 1
    assert shown["identity"]["principal"]
    assert shown["identity"]["tokenEndpoints"]


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_cloud_s_command_line_finds_the_cluster_by_what_is_offered(platform: str) -> None:
    shown = offered(platform)
    found_as = shown.inputs["foundAs"]
    assert set(found_as) == {"existing": set(), "aks": {"name", "resourceGroup"}}.get(platform, {"name"})
    assert all(isinstance(value, str) and value for value in found_as.values())
    assert not [path for path in shown.secret_paths if path.startswith("foundAs")]
    if platform != "existing":
        assert kubeconfig(platform)["clusters"][0]["name"] == found_as["name"]


@pytest.mark.parametrize("platform", CLOUDS)
def test_the_kubeconfig_of_the_provider_is_secret_and_holds_no_credential(platform: str) -> None:
    assert "kubeconfig" in only(public(platform), "pulumi:providers:kubernetes").secret_paths
    (user,) = kubeconfig(platform)["users"]
    assert set(user["user"]) == {"exec"}


def test_load_balancers_of_aws_face_the_internet() -> None:
    # The AWS Load Balancer Controller makes them internal unless they say otherwise.
    assert offered("eks").inputs["public"]["service.beta.kubernetes.io/aws-load-balancer-scheme"] == "internet-facing"


@pytest.mark.parametrize("platform", PLATFORMS)
def test_everything_has_a_component_and_an_explicit_provider(platform: str) -> None:
    rendered = public(platform)
    resources = [r for r in rendered.resources if r.custom and not r.type.startswith(("pulumi:", "test:"))]
    assert [r.name for r in resources if not r.provider or "sacred-council:cluster:" not in r.parent] == []
    components = {r.urn for r in rendered.resources if not r.custom}
    assert components <= rendered.registered_outputs.keys()


@pytest.mark.parametrize("platform", PLATFORMS)
def test_logical_names_begin_with_the_name_of_their_component(platform: str) -> None:
    rendered = public(platform)
    names = {r.urn: r.name for r in rendered.resources}
    strangers = [r.name for r in rendered.resources if r.parent in names and not r.name.startswith(names[r.parent])]
    assert strangers == []


@pytest.mark.parametrize("platform", CLOUDS)
def test_what_uses_the_cluster_waits_for_nodes_and_for_the_way_out(platform: str) -> None:
    rendered = public(platform)
    (provider,) = rendered.of_type("pulumi:providers:kubernetes")
    waits = {urn.rpartition("::")[2] for urn in provider.dependencies}
    needed = {
        "gke": {"here-cluster-nodes-pool", "here-network-nat"},
        "eks": {"here-cluster-nodes-a", "here-network-a-private-default", "here-cluster-addons-coredns-addon"},
        "aks": {"here-cluster", "here-cluster-nodes-1-pool", "here-network-1-nat"},
    }
    assert needed[platform] <= waits


@pytest.mark.parametrize("platform", CLOUDS)
def test_deletion_protection_stops_pulumi_and_others(platform: str) -> None:
    def guards(protected: bool) -> tuple[bool, bool]:
        rendered = rendered_cluster(platform, OFFICE, protected=protected)
        found = only(rendered, CLUSTER_TYPES[platform])
        locks = rendered.of_type("azure-native:authorization:ManagementLockByScope")
        return found.protected, bool(locks) or found.inputs.get("deletionProtection", False)

    assert guards(protected=True) == (True, True)
    assert guards(protected=False) == (False, False)


@pytest.mark.parametrize("platform", CLOUDS)
def test_only_the_cluster_is_protected(platform: str) -> None:
    assert [r.type for r in public(platform).resources if r.protected] == [CLUSTER_TYPES[platform]]


@pytest.mark.parametrize("platform", CLOUDS)
def test_labels_of_the_region_are_on_thecluster(platform: str) -> None:
    labels = cluster(platform)["resourceLabels" if platform == "gke" else "tags"]
    assert LABELS.items() <= labels.items()


@pytest.mark.parametrize("platform", CLOUDS)
def test_the_api_is_public_for_the_given_networks_only(platform: str) -> None:
    assert _networks(platform, cluster(platform)) == [OFFICE]


@pytest.mark.parametrize("platform", CLOUDS)
def test_without_networks_the_api_has_no_public_address(platform: str) -> None:
    assert _api_is_public(platform, cluster(platform))
    assert not _api_is_public(platform, cluster(platform, rendered_cluster(platform)))


def test_networks_are_not_monitored_unless_it_is_asked_for() -> None:
    assert not public("eks").of_type("aws:ec2/flowLog:FlowLog")
    assert not public("aks").of_type("azure-native:network:FlowLog")
    assert not any("logConfig" in r.inputs for r in public("gke").of_type("gcp:compute/subnetwork:Subnetwork"))


def test_all_clouds_watch_their_networks_in_the_same_way() -> None:
    # Ten minutes is the longest interval of AWS and Azure, so it gives the fewest entries. The entries expire.
    (logs,) = [
        found
        for r in rendered_cluster("gke", OFFICE, flow_logs=True).of_type("gcp:compute/subnetwork:Subnetwork")
        if (found := r.inputs.get("logConfig"))
    ]
    assert logs["aggregationInterval"] == "INTERVAL_10_MIN"
    assert logs["metadata"] == "EXCLUDE_ALL_METADATA"
    log = only(rendered_cluster("eks", OFFICE, flow_logs=True), "aws:ec2/flowLog:FlowLog").inputs
    assert (log["vpcId"], log["trafficType"], log["maxAggregationInterval"]) == ("here-network-vpc-id", "ALL", 600)
    log = only(rendered_cluster("aks", OFFICE, flow_logs=True), "azure-native:network:FlowLog").inputs
    assert log["targetResourceId"].endswith("/here-network-vnet")
    assert log["retentionPolicy"] == {"days": 90, "enabled": True}


def test_the_flow_logs_of_azure_are_with_the_only_watcher_of_the_location() -> None:
    # Azure creates the only watcher: https://learn.microsoft.com/azure/network-watcher/network-watcher-create
    rendered = rendered_cluster("aks", OFFICE, flow_logs=True)
    log = only(rendered, "azure-native:network:FlowLog").inputs
    assert (log["resourceGroupName"], log["networkWatcherName"]) == ("NetworkWatcherRG", "NetworkWatcher_westeurope")
    account = only(rendered, "azure-native:storage:StorageAccount").inputs
    assert re.fullmatch("[a-z0-9]{3,24}", account["accountName"])
    assert account["networkRuleSet"] == {"bypass": "AzureServices", "defaultAction": "Deny"}


def test_the_flow_logs_of_aws_go_to_a_group_of_their_own_that_forgets() -> None:
    rendered = rendered_cluster("eks", OFFICE, flow_logs=True)
    log = only(rendered, "aws:ec2/flowLog:FlowLog").inputs
    group = rendered.named("here-network-flows-group")
    assert log["logDestination"] == made(group, "arn")
    assert group.inputs["retentionInDays"] == 90
    role = rendered.named("here-network-flows-identity-role").inputs
    (trusted,) = json.loads(role["assumeRolePolicy"])["Statement"]
    assert trusted["Principal"] == {"Service": "vpc-flow-logs.amazonaws.com"}
    assert trusted["Condition"] == {"StringEquals": {"aws:SourceAccount": "123456789012"}}
    (allowed,) = json.loads(rendered.named("here-network-flows-identity-policy").inputs["policy"])["Statement"]
    assert allowed["Resource"] == [made(group, "arn"), f"{made(group, 'arn')}:*"]


@pytest.mark.parametrize("platform", CLOUDS)
def test_nodes_reach_the_api_inside_the_network(platform: str) -> None:
    found = cluster(platform)
    match platform:
        case "gke":
            assert found["privateClusterConfig"]["privateEndpointSubnetwork"] == "here-network-control-plane-id"
        case "eks":
            assert found["vpcConfig"]["endpointPrivateAccess"]
        case "aks":
            assert found["apiServerAccessProfile"]["enableVnetIntegration"]


def _networks(platform: str, found: dict[str, Any]) -> list[str]:
    match platform:
        case "gke":
            return [one["cidrBlock"] for one in found["masterAuthorizedNetworksConfig"]["cidrBlocks"]]
        case "eks":
            return list(found["vpcConfig"]["publicAccessCidrs"])
        case _:
            return list(found["apiServerAccessProfile"]["authorizedIPRanges"])


def _api_is_public(platform: str, found: dict[str, Any]) -> bool:
    match platform:
        case "gke":
            return not found["privateClusterConfig"]["enablePrivateEndpoint"]
        case "eks":
            return bool(found["vpcConfig"]["endpointPublicAccess"])
        case _:
            return not found["apiServerAccessProfile"]["enablePrivateCluster"]


def test_the_output_of_a_region_of_a_cloud_says_what_its_cluster_is_called() -> None:
    regions = rendered(*MIXED).outputs["regions"]
    assert {name: set(region["cluster"]) for name, region in regions.items()} == {
        IOWA[0]: {"name"},
        VIRGINIA[0]: {"name"},
        AMSTERDAM[0]: {"name", "resourceGroup"},
    }
    assert "cluster" not in render("local").outputs["regions"]["local"]
