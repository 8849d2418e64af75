"""Clusters on Azure: closed, hardened, encrypted, logged."""

import pytest

from components.cluster.aks import features
from components.versions import KUBERNETES_VERSION
from stacks.geography import CATALOGUE
from stacks.settings import cloud_rules
from tests.clusters import CLUSTER_TYPES, OFFICE, cluster, made, only, public, rendered_cluster
from tests.regions import rendered_with


def test_aks_nodes_are_private_hardened_and_in_three_zones() -> None:
    (pool,) = cluster("aks")["agentPoolProfiles"]
    assert pool["enableNodePublicIP"] is False
    assert pool["securityProfile"] == {"enableSecureBoot": True, "enableVTPM": True, "sshAccess": "Disabled"}
    assert pool["availabilityZones"] == ["1", "2", "3"]
    assert (pool["enableAutoScaling"], pool["minCount"], pool["maxCount"]) == (True, 4, 9)


def test_aks_nodes_have_the_version_of_the_control_plane() -> None:
    (pool,) = cluster("aks")["agentPoolProfiles"]
    assert pool["orchestratorVersion"] == cluster("aks")["kubernetesVersion"] == KUBERNETES_VERSION


def test_aks_keeps_its_machines_in_a_group_whose_name_it_takes_in_every_region() -> None:
    longest = max((region.name for region in CATALOGUE if region.cloud == "azure"), key=len)
    found = only(rendered_with(((longest, "azure"),)), CLUSTER_TYPES["aks"]).inputs
    assert found["nodeResourceGroup"] == f"{found['resourceGroupName']}-nodes"
    # AKS takes 80 characters; it also writes the name into a label of the nodes, which takes 63.
    assert len(found["nodeResourceGroup"]) <= 63


def test_the_group_of_the_machines_is_named_once_because_another_would_replace_the_cluster() -> None:
    assert "nodeResourceGroup" in only(public("aks"), CLUSTER_TYPES["aks"]).ignored


def test_aks_leaves_the_number_of_machines_to_the_autoscaler() -> None:
    assert "agentPoolProfiles[*].count" in only(public("aks"), CLUSTER_TYPES["aks"]).ignored


def test_settings_and_cluster_know_the_same_channels() -> None:
    assert cloud_rules.CHOOSES_VERSIONS == features.CHOOSES_VERSIONS


@pytest.mark.parametrize("channel", cloud_rules.CHOOSES_VERSIONS)
def test_aks_is_asked_for_no_version_where_azure_decides_about_it(channel: str) -> None:
    found = only(rendered_cluster("aks", OFFICE, channel=channel), CLUSTER_TYPES["aks"])
    (pool,) = found.inputs["agentPoolProfiles"]
    assert found.inputs["autoUpgradeProfile"]["upgradeChannel"] == channel
    assert "kubernetesVersion" not in found.inputs
    assert "orchestratorVersion" not in pool
    assert {"kubernetesVersion", "agentPoolProfiles[*].orchestratorVersion"} < set(found.ignored)


def test_aks_goes_out_through_its_nat_with_a_fixed_address() -> None:
    rendered = public("aks")
    assert cluster("aks")["networkProfile"]["outboundType"] == "userAssignedNATGateway"
    assert rendered.named("here-network-nodes-subnet").inputs["natGateway"]["id"].endswith("here-network-nat")
    address = only(rendered, "azure-native:network:PublicIPAddress").inputs
    assert (address["sku"], address["publicIPAllocationMethod"]) == ({"name": "Standard"}, "Static")


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


def test_aks_has_its_roles_before_it_is_made() -> None:
    rendered = public("aks")
    found = only(rendered, CLUSTER_TYPES["aks"])
    roles = {r.urn for r in rendered.of_type("azure-native:authorization:RoleAssignment")}
    assert len(roles) == 3
    assert roles <= found.dependencies


def test_aks_control_plane_may_use_its_subnets_and_its_keyonly() -> None:
    identity = public("aks").named("here-cluster-control-plane-identity")
    scopes = {
        r.inputs["scope"].rpartition("/")[2]
        for r in public("aks").of_type("azure-native:authorization:RoleAssignment")
        if r.inputs["principalId"] == made(identity, "principalId")
    }
    assert scopes == {
        "here-network-nodes-subnet",
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
    # Text, and true unless it is said otherwise: the SDK's description of the setting.
    assert cluster("aks")["autoScalerProfile"] == {"skipNodesWithLocalStorage": "false"}
