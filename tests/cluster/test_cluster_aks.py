"""Clusters on Azure: closed, hardened, encrypted, logged."""

import re
from ipaddress import IPv4Network
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.cluster.aks import network, nodes
from components.cluster.settings import CHOOSES_VERSIONS, AzureRegion, aks_system_nodes
from components.versions import KUBERNETES_VERSION
from stacks.geography import CATALOGUE
from stacks.settings.rules.clouds import most_nodes
from tests.support.clusters import CLUSTER_TYPES, OFFICE, cluster, made, offered, only, public, rendered_cluster
from tests.support.data_services import waits_for
from tests.support.regions import AMSTERDAM, IOWA, configured, rendered_with
from tests.support.rendering import Rendered

pytestmark = pytest.mark.stack

MAINTENANCE = "azure-native:containerservice:MaintenanceConfiguration"


POOL = "azure-native:containerservice:AgentPool"
ZONES = ["1", "2", "3"]
REGION = {
    "name": "westeurope",
    "cloud": "azure",
    "nodes": {"type": "Standard_D4s_v5", "min": 3, "max": 9},
    "adminGroups": ["11111111-2222-3333-4444-555555555555"],
}


def pools(rendered: Rendered | None = None) -> list[dict[str, Any]]:
    """List the inputs of all node pools: those inside the cluster resource and the separate ones."""
    found = rendered or public("aks")
    return [*cluster("aks", found)["agentPoolProfiles"], *(pool.inputs for pool in found.of_type(POOL))]


def of_mode(mode: str) -> list[dict[str, Any]]:
    return sorted((pool for pool in pools() if pool["mode"] == mode), key=lambda pool: str(pool["availabilityZones"]))


def test_aks_nodes_are_private_and_hardened() -> None:
    for pool in pools():
        assert pool["enableNodePublicIP"] is False
        assert pool["securityProfile"] == {"enableSecureBoot": True, "enableVTPM": True, "sshAccess": "Disabled"}


def test_no_node_has_a_dns_cache_that_network_policies_would_not_let_pods_ask() -> None:
    # A rule for addresses does not match the nodes' own, as Cilium understands it; without a word, Kubernetes 1.37
    # brings the cache: https://learn.microsoft.com/azure/aks/localdns-custom
    assert all(pool["localDNSProfile"] == {"mode": "Disabled"} for pool in pools())


def test_each_zone_has_nodes_of_its_own_in_its_own_subnet() -> None:
    for mode in ("System", "User"):
        assert [pool["availabilityZones"] for pool in of_mode(mode)] == [[zone] for zone in ZONES]
        subnets = [pool["vnetSubnetID"].rpartition("/")[2] for pool in of_mode(mode)]
        assert subnets == [f"here-network-nodes-{zone}-subnet" for zone in ZONES]


def test_the_regions_nodes_are_spread_over_its_zones() -> None:
    assert all(pool["enableAutoScaling"] for pool in pools())
    assert [(pool["minCount"], pool["maxCount"]) for pool in of_mode("User")] == [(2, 3), (1, 3), (1, 3)]
    assert cluster("aks")["autoScalerProfile"]["balanceSimilarNodeGroups"] == "true"


def test_azures_own_pods_have_small_nodes_that_no_other_pod_runs_on() -> None:
    # https://learn.microsoft.com/azure/aks/use-system-pools
    for pool in of_mode("System"):
        assert pool["nodeTaints"] == ["CriticalAddonsOnly=true:NoSchedule"]
        assert pool["vmSize"] == "Standard_D2s_v5"
    assert all("nodeTaints" not in pool and pool["vmSize"] == "Standard_D4s_v5" for pool in of_mode("User"))
    assert sum(pool["minCount"] for pool in of_mode("System")) >= 2


@pytest.mark.parametrize("zones", [["1"], ["1", "2"], ZONES])
def test_a_region_always_has_two_nodes_for_azures_own_pods(zones: list[str]) -> None:
    least, most = aks_system_nodes(len(zones))
    assert least * len(zones) >= 2
    assert most > least


def test_the_machines_are_no_part_of_the_cluster_that_another_type_would_have_to_replace() -> None:
    (born_with,) = cluster("aks")["agentPoolProfiles"]
    assert born_with["mode"] == "System"
    assert {pool["mode"] for pool in (one.inputs for one in public("aks").of_type(POOL))} == {"System", "User"}


def born_with(*zones: str) -> tuple[list[str], set[str]]:
    """Return the pools inside the cluster resource and the separate ones, by name."""
    rendered = rendered_cluster("aks", OFFICE, zones=zones)
    inline = [pool["name"] for pool in cluster("aks", rendered)["agentPoolProfiles"]]
    return inline, {pool.inputs["agentPoolName"] for pool in rendered.of_type(POOL)}


def test_another_zone_above_the_lowest_leaves_the_pools_inside_the_cluster_alone() -> None:
    # Azure refuses other names there: "A new agent pool was introduced".
    two, three = born_with("1", "2"), born_with("1", "2", "3")
    assert two[0] == three[0] == ["system1"]
    assert two[1] < three[1]
    assert born_with("2", "1") == two


@given(machine=st.text(min_size=1), other=st.text(min_size=1), zone=st.sampled_from("123456789"))
def test_another_machine_type_is_another_pool_whose_name_azure_takes(machine: str, other: str, zone: str) -> None:
    name = nodes.pool_name(zone, machine)
    assert re.fullmatch("[a-z][a-z0-9]{0,11}", name)
    assert (name == nodes.pool_name(zone, other)) == (machine == other)


def test_a_zones_subnet_follows_from_its_number_alone() -> None:
    block = IPv4Network("10.7.0.0/17")
    few, many = network.zone_subnets(block, ["3"]), network.zone_subnets(block, ["9", "3", "1"])
    assert few["3"] == many["3"]
    assert not any(IPv4Network(a).overlaps(IPv4Network(b)) for a, b in combinations(many.values(), 2))
    # 64 nodes (one for each /24 of the pods), five addresses that Azure reserves, and internal load balancers.
    assert all(IPv4Network(block).num_addresses >= 1024 for block in many.values())


ADDRESS = "azure-native:network:PublicIPAddress"
ACCOUNT = "azure-native:storage:StorageAccount"


def with_zones(*zones: str) -> Rendered:
    """Return a stack of two regions with backups, of which the one on Azure names these zones."""
    two = (IOWA, AMSTERDAM)
    clouds = configured(*two)["clouds"]
    return rendered_with(
        two,
        clouds={**clouds, "azure": {**clouds["azure"], "zones": list(zones)}},
        database={"primaryRegion": IOWA[0], "nodes": 3, "backup": {"regions": [name for name, _ in two]}},
    )


def test_another_zone_changes_no_address_of_a_load_balancer_and_no_backup() -> None:
    # Azure refuses other zones of an address, so the address would be replaced: azure-cli issue 16653.
    few, more = (
        {
            r.name: r.inputs
            for type_ in (ADDRESS, ACCOUNT)
            for r in with_zones(*zones).of_type(type_)
            if not r.name.endswith("-egress")
        }
        for zones in (("1",), ("1", "2", "3"))
    )
    assert few == more
    assert {tuple(inputs["zones"]) for inputs in few.values() if "zones" in inputs} == {("1", "2", "3")}
    assert len(few) > 1


def test_addresses_that_are_there_keep_their_zones() -> None:
    rendered = with_zones("1", "2")
    addresses = [r for r in rendered.of_type(ADDRESS) if not r.name.endswith("-egress")]
    assert {r.ignored for r in addresses} == {("zones",)}


def test_a_region_without_a_list_of_its_zones_has_addresses_in_three() -> None:
    assert network.address_zones("austriaeast") == network.address_zones("westeurope") == ("1", "2", "3")


def test_settings_and_plan_count_the_same_nodes() -> None:
    for zones in (["1"], ["1", "2"], ZONES):
        region = AzureRegion.model_validate({**REGION, "zones": zones})
        most = most_nodes(region)
        surge = len(zones) * 2
        assert most + len(zones) * aks_system_nodes(len(zones))[1] + surge == 64


def test_aks_nodes_have_the_version_of_the_control_plane() -> None:
    assert {pool["orchestratorVersion"] for pool in pools()} == {KUBERNETES_VERSION}
    assert cluster("aks")["kubernetesVersion"] == KUBERNETES_VERSION


def test_azure_upgrades_on_the_regions_own_day_and_within_it() -> None:
    found = {r.inputs["configName"]: r.inputs for r in public("aks").of_type(MAINTENANCE)}
    # The names are Azure's: https://learn.microsoft.com/azure/aks/planned-maintenance
    assert found.keys() == {"default", "aksManagedAutoUpgradeSchedule", "aksManagedNodeOSUpgradeSchedule"}
    # `az aks maintenanceconfiguration` sends only timeInWeek for AKS's own releases, only a window for the others.
    releases = found.pop("default")
    assert "maintenanceWindow" not in releases
    (time,) = releases["timeInWeek"]
    assert time["day"] == "Tuesday"
    assert time["hourSlots"] == list(range(16))
    assert all("timeInWeek" not in inputs for inputs in found.values())
    for window in (inputs["maintenanceWindow"] for inputs in found.values()):
        assert window["schedule"] == {"weekly": {"dayOfWeek": "Tuesday", "intervalWeeks": 1}}
        assert (window["startTime"], window["utcOffset"]) == ("00:00", "+00:00")
        assert 4 <= window["durationHours"] <= 24
        assert window["durationHours"] == len(time["hourSlots"])


def test_azure_gets_one_change_of_a_cluster_at_a_time() -> None:
    """AKS refuses a change of a cluster while another one is under way."""
    windows = public("aks").of_type(MAINTENANCE)
    assert len(windows) == 3
    for one, other in combinations(windows, 2):
        assert one.name in waits_for(public("aks"), other) or other.name in waits_for(public("aks"), one)
    pools = {pool.name for pool in public("aks").of_type(POOL)}
    assert pools
    assert all(pools <= waits_for(public("aks"), window) for window in windows)


def test_aks_keeps_its_machines_in_a_group_whose_name_it_takes_in_every_region() -> None:
    longest = max((region.name for region in CATALOGUE if region.cloud == "azure"), key=len)
    found = only(rendered_with(((longest, "azure"),)), CLUSTER_TYPES["aks"]).inputs
    assert found["nodeResourceGroup"] == f"{found['resourceGroupName']}-nodes"
    # AKS accepts 80 characters, but also writes the name into a node label, which accepts 63.
    assert len(found["nodeResourceGroup"]) <= 63


def test_the_group_of_the_machines_is_named_once_because_another_would_replace_the_cluster() -> None:
    assert "nodeResourceGroup" in only(public("aks"), CLUSTER_TYPES["aks"]).ignored


def test_aks_leaves_the_number_of_machines_to_the_autoscaler() -> None:
    assert "agentPoolProfiles[*].count" in only(public("aks"), CLUSTER_TYPES["aks"]).ignored
    separate = public("aks").of_type(POOL)
    assert separate
    assert all("count" in pool.ignored for pool in separate)


@pytest.mark.parametrize("channel", CHOOSES_VERSIONS)
def test_aks_is_asked_for_no_version_where_azure_decides_about_it(channel: str) -> None:
    rendered = rendered_cluster("aks", OFFICE, channel=channel)
    found = only(rendered, CLUSTER_TYPES["aks"])
    assert found.inputs["autoUpgradeProfile"]["upgradeChannel"] == channel
    assert "kubernetesVersion" not in found.inputs
    profiles, separate = pools(rendered), rendered.of_type(POOL)
    assert profiles
    assert separate
    assert all("orchestratorVersion" not in pool for pool in profiles)
    assert all("orchestratorVersion" in pool.ignored for pool in separate)
    assert {"kubernetesVersion", "agentPoolProfiles[*].orchestratorVersion"} < set(found.ignored)


def test_each_zone_goes_out_through_a_nat_that_stands_in_it() -> None:
    rendered = public("aks")
    assert cluster("aks")["networkProfile"]["outboundType"] == "userAssignedNATGateway"
    for zone in ZONES:
        subnet = rendered.named(f"here-network-nodes-{zone}-subnet").inputs
        nat = rendered.named(f"here-network-{zone}-nat").inputs
        address = rendered.named(f"here-network-{zone}-egress").inputs
        assert subnet["natGateway"]["id"].endswith(f"here-network-{zone}-nat")
        assert nat["publicIpAddresses"][0]["id"].endswith(f"here-network-{zone}-egress")
        assert nat["zones"] == address["zones"] == [zone]
        assert (address["sku"], address["publicIPAllocationMethod"]) == ({"name": "Standard"}, "Static")
    assert len(offered("aks").inputs["egressAddresses"]) == len(ZONES)


def test_aks_enforces_network_policies_with_cilium() -> None:
    profile = cluster("aks")["networkProfile"]
    assert (profile["networkPolicy"], profile["networkDataplane"]) == ("cilium", "cilium")
    assert (profile["podCidr"], profile["serviceCidr"]) == ("100.65.192.0/18", "10.7.128.0/18")
    assert profile["dnsServiceIP"] == "10.7.128.10"


def test_aks_lets_in_by_entraonly() -> None:
    found = cluster("aks")
    assert found["disableLocalAccounts"]
    assert found["aadProfile"]["enableAzureRBAC"]
    assert found["apiServerAccessProfile"]["disableRunCommand"]


def test_aks_encrypts_secrets_with_a_key_that_rotates() -> None:
    rendered = public("aks")
    kms = cluster("aks")["securityProfile"]["azureKeyVaultKms"]
    assert kms["enabled"]
    key = only(rendered, "azure-native:keyvault:Key")
    assert kms["keyId"] == made(key, "keyUriWithVersion")
    (action,) = key.inputs["properties"]["rotationPolicy"]["lifetimeActions"]
    assert action == {"action": {"type": "rotate"}, "trigger": {"timeAfterCreate": "P90D"}}
    vault = only(rendered, "azure-native:keyvault:Vault").inputs["properties"]
    assert vault["enablePurgeProtection"]
    assert vault["enableRbacAuthorization"]


def test_pulumi_leaves_the_key_to_the_vault_where_the_deployer_may_delete_nothing() -> None:
    assert only(public("aks"), "azure-native:keyvault:Key").retained
    assert not only(public("aks"), "azure-native:keyvault:Vault").retained


def test_aks_has_its_roles_before_it_is_made() -> None:
    rendered = public("aks")
    found = only(rendered, CLUSTER_TYPES["aks"])
    roles = {r.urn for r in rendered.of_type("azure-native:authorization:RoleAssignment")}
    assert len(roles) == 5
    assert roles <= found.dependencies


def test_aks_control_plane_may_use_its_subnets_and_its_keyonly() -> None:
    identity = public("aks").named("here-cluster-control-plane-identity")
    scopes = {
        r.inputs["scope"].rpartition("/")[2]
        for r in public("aks").of_type("azure-native:authorization:RoleAssignment")
        if r.inputs["principalId"] == made(identity, "principalId")
    }
    assert scopes == {
        *(f"here-network-nodes-{zone}-subnet" for zone in ZONES),
        "here-network-control-plane-subnet",
        "here-cluster-encryption-vault",
    }


def test_aks_logs_its_control_plane() -> None:
    setting = only(public("aks"), "azure-native:monitor:DiagnosticSetting").inputs
    logged = {log["category"] for log in setting["logs"] if log["enabled"]}
    assert {"kube-apiserver", "kube-audit-admin", "kube-controller-manager", "kube-scheduler", "guard"} <= logged


def test_aks_updates_itself_within_a_minor_version() -> None:
    assert cluster("aks")["autoUpgradeProfile"] == {"upgradeChannel": "patch", "nodeOSUpgradeChannel": "NodeImage"}


def test_aks_trusts_one_service_account_for_each_identity() -> None:
    trust = only(public("aks"), "azure-native:managedidentity:FederatedIdentityCredential").inputs
    assert trust["subject"] == "system:serviceaccount:cockroachdb:backup"
    assert trust["issuer"] == made(only(public("aks"), CLUSTER_TYPES["aks"]), "oidcIssuerProfile")["issuerURL"]


def test_aks_nodes_go_although_their_pods_have_an_empty_directory() -> None:
    # The SDK documents the setting as text with the default "true".
    assert cluster("aks")["autoScalerProfile"]["skipNodesWithLocalStorage"] == "false"
