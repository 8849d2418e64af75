"""Clusters of all platforms: what they offer alike, and how each is closed to whoever has no business there."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.rendering import Rendered, Resource, render_program

PROGRAM = Path(__file__).parent / "programs" / "clusters.py"
CLOUDS = {"gke": "gcp", "eks": "aws", "aks": "azure"}
PLATFORMS = ["existing", *CLOUDS]
CLUSTER_TYPES = {
    "gke": "gcp:container/cluster:Cluster",
    "eks": "aws:eks/cluster:Cluster",
    "aks": "azure-native:containerservice:ManagedCluster",
}
OFFICE = "203.0.113.0/24"
SPREAD_TAGS = {"part-of": "sacred-council", "managed-by": "pulumi", "region": "here", "team": "love"}


@cache
def _rendered(platform: str, *networks: str, protected: bool = True) -> Rendered:
    config = {"cluster:platform": platform, "cluster:networks": list(networks), "cluster:protected": protected}
    return render_program("test", config, PROGRAM)


def _open(platform: str) -> Rendered:
    return _rendered(platform, OFFICE)


def _only(rendered: Rendered, type_: str) -> Resource:
    (found,) = rendered.of_type(type_)
    return found


def _cluster(platform: str, rendered: Rendered | None = None) -> dict[str, Any]:
    return _only(rendered or _open(platform), CLUSTER_TYPES[platform]).inputs


def _offered(platform: str) -> Resource:
    return _open(platform).named("offered")


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_platform_has_one_provider_with_the_same_options(platform: str) -> None:
    inputs = _only(_open(platform), "pulumi:providers:kubernetes").inputs
    options = {"enableConfigMapMutable": "true", "enableSecretMutable": "true", "skipUpdateUnreachable": "true"}
    assert options.items() <= inputs.items()
    identifier = "here" if platform == "existing" else f"{CLOUDS[platform]}/here"
    assert inputs["clusterIdentifier"] == identifier


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_platform_offers_the_same_outputs(platform: str) -> None:
    offered = _offered(platform).inputs
    always = {"egressAddresses", "public", "internal"}
    cloud = {"apiEndpoint", "apiCertificateAuthority", "kubeconfig", "storageClass", "identity"}
    mesh = {"meshPlatform"} if platform == "gke" else set()
    assert set(offered) == (always if platform == "existing" else always | cloud | mesh)


@pytest.mark.parametrize("platform", CLOUDS)
def test_every_cloud_has_an_endpoint_and_fixed_egress_addresses(platform: str) -> None:
    offered = _offered(platform).inputs
    assert offered["apiEndpoint"].startswith("https://")
    assert len(offered["egressAddresses"]) == len(set(offered["egressAddresses"])) >= 1
    assert offered["identity"]["principal"]
    assert offered["identity"]["tokenEndpoints"]


@pytest.mark.parametrize("platform", CLOUDS)
def test_the_kubeconfig_is_secret_and_holds_no_credential(platform: str) -> None:
    offered = _offered(platform)
    assert "kubeconfig" in offered.secret_paths
    (user,) = json.loads(offered.inputs["kubeconfig"])["users"]
    assert set(user["user"]) == {"exec"}


@pytest.mark.parametrize("platform", CLOUDS)
def test_the_kubeconfig_of_the_provider_is_secret(platform: str) -> None:
    assert "kubeconfig" in _only(_open(platform), "pulumi:providers:kubernetes").secret_paths


@pytest.mark.parametrize("platform", CLOUDS)
def test_public_and_internal_load_balancers_differ(platform: str) -> None:
    offered = _offered(platform).inputs
    assert offered["internal"]
    assert offered["public"] != offered["internal"]


@pytest.mark.parametrize("platform", PLATFORMS)
def test_everything_has_a_component_and_an_explicit_provider(platform: str) -> None:
    rendered = _open(platform)
    inside = [r for r in rendered.resources if r.custom and not r.type.startswith(("pulumi:", "test:"))]
    assert [r.name for r in inside if not r.provider or "sacred-council:cluster:" not in r.parent] == []
    components = {r.urn for r in rendered.resources if not r.custom}
    assert components <= rendered.registered_outputs


@pytest.mark.parametrize("platform", PLATFORMS)
def test_logical_names_begin_with_the_name_of_their_component(platform: str) -> None:
    rendered = _open(platform)
    names = {r.urn: r.name for r in rendered.resources}
    strangers = [r.name for r in rendered.resources if r.parent in names and not r.name.startswith(names[r.parent])]
    assert strangers == []


@pytest.mark.parametrize("platform", CLOUDS)
def test_what_uses_the_cluster_waits_for_nodes_and_for_the_way_out(platform: str) -> None:
    rendered = _open(platform)
    (provider,) = rendered.of_type("pulumi:providers:kubernetes")
    waits = {urn.rpartition("::")[2] for urn in provider.dependencies}
    needed = {
        "gke": {"here-cluster-nodes-pool", "here-network-nat"},
        "eks": {"here-cluster-nodes-a", "here-network-a-private-default", "here-cluster-addons-coredns-addon"},
        "aks": {"here-cluster", "here-network-nat"},
    }
    assert needed[platform] <= waits


@pytest.mark.parametrize("platform", CLOUDS)
def test_deletion_protection_stops_pulumi_and_others(platform: str) -> None:
    def guards(protected: bool) -> tuple[bool, bool]:
        rendered = _rendered(platform, OFFICE, protected=protected)
        cluster = _only(rendered, CLUSTER_TYPES[platform])
        locks = rendered.of_type("azure-native:authorization:ManagementLockByScope")
        return cluster.protected, bool(locks) or cluster.inputs.get("deletionProtection", False)

    assert guards(protected=True) == (True, True)
    assert guards(protected=False) == (False, False)


@pytest.mark.parametrize("platform", CLOUDS)
def test_only_the_cluster_is_protected(platform: str) -> None:
    assert [r.type for r in _open(platform).resources if r.protected] == [CLUSTER_TYPES[platform]]


@pytest.mark.parametrize("platform", CLOUDS)
def test_labels_of_the_region_are_on_the_cluster(platform: str) -> None:
    labels = _cluster(platform)["resourceLabels" if platform == "gke" else "tags"]
    assert SPREAD_TAGS.items() <= labels.items()


@pytest.mark.parametrize("platform", CLOUDS)
def test_the_api_is_public_for_the_given_networks_only(platform: str) -> None:
    cluster = _cluster(platform)
    networks = {
        "gke": lambda: [one["cidrBlock"] for one in cluster["masterAuthorizedNetworksConfig"]["cidrBlocks"]],
        "eks": lambda: cluster["vpcConfig"]["publicAccessCidrs"],
        "aks": lambda: cluster["apiServerAccessProfile"]["authorizedIPRanges"],
    }
    assert networks[platform]() == [OFFICE]


@pytest.mark.parametrize("platform", CLOUDS)
def test_without_networks_the_api_has_no_public_address(platform: str) -> None:
    cluster = _cluster(platform, _rendered(platform))
    private = {
        "gke": lambda: cluster["privateClusterConfig"]["enablePrivateEndpoint"],
        "eks": lambda: not cluster["vpcConfig"]["endpointPublicAccess"],
        "aks": lambda: cluster["apiServerAccessProfile"]["enablePrivateCluster"],
    }
    assert private[platform]()


@pytest.mark.parametrize("platform", CLOUDS)
def test_nodes_reach_the_api_inside_the_network(platform: str) -> None:
    cluster = _cluster(platform)
    inside = {
        "gke": lambda: cluster["privateClusterConfig"]["privateEndpointSubnetwork"] == "here-network-control-plane-id",
        "eks": lambda: cluster["vpcConfig"]["endpointPrivateAccess"],
        "aks": lambda: cluster["apiServerAccessProfile"]["enableVnetIntegration"],
    }
    assert inside[platform]()


def test_gke_nodes_are_private_and_shielded() -> None:
    assert _cluster("gke")["privateClusterConfig"]["enablePrivateNodes"]
    assert _cluster("gke")["enableShieldedNodes"]
    config = _only(_open("gke"), "gcp:container/nodePool:NodePool").inputs["nodeConfig"]
    assert config["shieldedInstanceConfig"] == {"enableSecureBoot": True, "enableIntegrityMonitoring": True}
    assert config["kubeletConfig"]["insecureKubeletReadonlyPortEnabled"] == "FALSE"


def test_gke_pods_cannot_take_the_identity_of_their_node() -> None:
    config = _only(_open("gke"), "gcp:container/nodePool:NodePool").inputs["nodeConfig"]
    assert config["workloadMetadataConfig"] == {"mode": "GKE_METADATA"}
    assert config["serviceAccount"] == "gke-nodes-x7k2p9@council.iam.gserviceaccount.com"
    roles = [r.inputs["role"] for r in _open("gke").of_type("gcp:projects/iAMMember:IAMMember")]
    assert roles == ["roles/container.defaultNodeServiceAccount"]


def test_gke_encrypts_secrets_with_a_key_that_rotates_and_that_only_its_agent_may_use() -> None:
    rendered = _open("gke")
    key = _only(rendered, "gcp:kms/cryptoKey:CryptoKey")
    assert key.inputs["rotationPeriod"] == "7776000s"
    encryption = _cluster("gke")["databaseEncryption"]
    assert encryption == {"state": "ENCRYPTED", "keyName": f"{key.name}-id"}
    grant = _only(rendered, "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember")
    assert grant.inputs["member"].startswith("serviceAccount:service-123456789012@container-engine-robot.")
    assert grant.urn in _only(rendered, CLUSTER_TYPES["gke"]).dependencies


def test_gke_logs_its_control_plane() -> None:
    logged = set(_cluster("gke")["loggingConfig"]["enableComponents"])
    assert {"APISERVER", "CONTROLLER_MANAGER", "SCHEDULER", "SYSTEM_COMPONENTS"} <= logged


def test_gke_enforces_network_policies_and_follows_a_release_channel() -> None:
    assert _cluster("gke")["datapathProvider"] == "ADVANCED_DATAPATH"
    assert _cluster("gke")["releaseChannel"] == {"channel": "REGULAR"}


def test_gke_spreads_the_pool_over_the_zones_of_the_region() -> None:
    pool = _only(_open("gke"), "gcp:container/nodePool:NodePool")
    assert pool.inputs["location"] == "europe-west1"
    assert pool.inputs["autoscaling"] == {
        "totalMinNodeCount": 4,
        "totalMaxNodeCount": 9,
        "locationPolicy": "BALANCED",
    }
    assert pool.inputs["management"] == {"autoRepair": True, "autoUpgrade": True}


def test_gke_pods_and_services_have_the_ranges_of_the_plan() -> None:
    nodes = _open("gke").named("here-network-nodes").inputs
    ranges = {one["rangeName"]: one["ipCidrRange"] for one in nodes["secondaryIpRanges"]}
    assert (nodes["ipCidrRange"], ranges) == ("10.7.0.0/17", {"pods": "100.65.192.0/18", "services": "10.7.128.0/18"})


def test_gke_goes_out_with_its_reserved_address_alone() -> None:
    nat = _only(_open("gke"), "gcp:compute/routerNat:RouterNat").inputs
    assert nat["natIpAllocateOption"] == "MANUAL_ONLY"
    assert nat["natIps"] == ["https://compute/here-network-egress"]


def test_gke_lets_the_api_server_call_webhooks() -> None:
    rule = _only(_open("gke"), "gcp:compute/firewall:Firewall").inputs
    assert rule["sourceRanges"] == ["10.7.240.0/28"]
    assert "15017" in rule["allows"][0]["ports"]


def test_eks_nodes_have_private_subnets_in_three_zones() -> None:
    groups = _open("eks").of_type("aws:eks/nodeGroup:NodeGroup")
    subnets = {subnet for group in groups for subnet in group.inputs["subnetIds"]}
    assert subnets == {f"here-network-{zone}-nodes-subnet-id" for zone in "abc"}
    assert not any(r.inputs["mapPublicIpOnLaunch"] for r in _open("eks").of_type("aws:ec2/subnet:Subnet"))
    zones = {r.inputs["availabilityZone"] for r in _open("eks").of_type("aws:ec2/subnet:Subnet")}
    assert zones == {"eu-west-1a", "eu-west-1b", "eu-west-1c"}


def test_eks_has_a_nat_in_each_zone_which_exists_before_the_machines() -> None:
    rendered = _open("eks")
    assert len(rendered.of_type("aws:ec2/natGateway:NatGateway")) == 3
    for zone in "abc":
        route = rendered.named(f"here-network-{zone}-private-default")
        assert route.inputs["natGatewayId"] == f"here-network-{zone}-nat-id"
        nat = rendered.named(f"here-network-{zone}-nat")
        assert rendered.named("here-network-public-default").urn in _closure(rendered, nat)
        assert route.urn in _closure(rendered, rendered.named(f"here-cluster-nodes-{zone}"))


def test_eks_databases_have_no_way_to_the_internet() -> None:
    routed = {r.inputs["subnetId"] for r in _open("eks").of_type("aws:ec2/routeTableAssociation:RouteTableAssociation")}
    assert not any("managed" in subnet for subnet in routed)


def test_eks_tags_the_subnets_that_load_balancers_look_for() -> None:
    rendered = _open("eks")
    assert rendered.named("here-network-a-public-subnet").inputs["tags"]["kubernetes.io/role/elb"] == "1"
    assert rendered.named("here-network-a-nodes-subnet").inputs["tags"]["kubernetes.io/role/internal-elb"] == "1"


def test_eks_machines_want_tokens_for_their_metadata_and_encrypt_their_disks() -> None:
    template = _only(_open("eks"), "aws:ec2/launchTemplate:LaunchTemplate").inputs
    assert template["metadataOptions"]["httpTokens"] == "required"
    assert template["metadataOptions"]["httpPutResponseHopLimit"] == 1
    (disk,) = template["blockDeviceMappings"]
    assert (disk["ebs"]["encrypted"], disk["ebs"]["volumeType"]) == ("true", "gp3")


def test_eks_nodes_may_join_and_pull_and_nothing_else() -> None:
    attached = [
        r.inputs["policyArn"].rpartition("/")[2]
        for r in _open("eks").of_type("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
        if r.name.startswith("here-cluster-nodes-")
    ]
    assert sorted(attached) == ["AmazonEC2ContainerRegistryPullOnly", "AmazonEKSWorkerNodePolicy"]


def test_eks_encrypts_secrets_with_a_key_that_rotates() -> None:
    key = _only(_open("eks"), "aws:kms/key:Key")
    assert key.inputs["enableKeyRotation"]
    encryption = _cluster("eks")["encryptionConfig"]
    assert encryption["resources"] == ["secrets"]
    assert encryption["provider"]["keyArn"].endswith(key.name)


def test_eks_logs_everything_and_keeps_it_for_a_time() -> None:
    rendered = _open("eks")
    assert _cluster("eks")["enabledClusterLogTypes"] == [
        "api",
        "audit",
        "authenticator",
        "controllerManager",
        "scheduler",
    ]
    group = _only(rendered, "aws:cloudwatch/logGroup:LogGroup")
    assert group.inputs["name"] == f"/aws/eks/{_cluster('eks')['name']}/cluster"
    assert group.inputs["retentionInDays"] == 90
    assert group.urn in _only(rendered, CLUSTER_TYPES["eks"]).dependencies


def test_eks_lets_in_by_access_entries_only() -> None:
    assert _cluster("eks")["accessConfig"]["authenticationMode"] == "API"
    entry = _only(_open("eks"), "aws:eks/accessEntry:AccessEntry")
    assert entry.inputs["principalArn"] == "arn:aws:iam::123456789012:role/operators"


def test_eks_installs_what_nodes_need_before_them_and_the_rest_after() -> None:
    rendered = _open("eks")
    addons = {r.inputs["addonName"]: r for r in rendered.of_type("aws:eks/addon:Addon")}
    first = {"vpc-cni", "kube-proxy", "eks-pod-identity-agent"}
    assert set(addons) == {*first, "coredns", "aws-ebs-csi-driver", "metrics-server"}
    group = rendered.named("here-cluster-nodes-a")
    assert {addons[name].urn for name in first} <= _closure(rendered, group)
    assert group.urn in _closure(rendered, addons["coredns"])


def test_eks_enforces_network_policies_and_gives_pods_addresses_of_their_own() -> None:
    (cni,) = [r for r in _open("eks").of_type("aws:eks/addon:Addon") if r.inputs["addonName"] == "vpc-cni"]
    configuration = json.loads(cni.inputs["configurationValues"])
    assert configuration["enableNetworkPolicy"] == "true"
    assert configuration["eniConfig"]["subnets"]["b"] == {
        "id": "here-network-b-pods-subnet-id",
        "securityGroups": ["here-cluster-group"],
    }


def test_eks_brings_the_default_storage_class_and_the_autoscaler() -> None:
    rendered = _open("eks")
    storage = _only(rendered, "kubernetes:storage.k8s.io/v1:StorageClass").inputs
    assert storage["metadata"]["name"] == _offered("eks").inputs["storageClass"] == "gp3"
    assert storage["metadata"]["annotations"] == {"storageclass.kubernetes.io/is-default-class": "true"}
    assert storage["parameters"] == {"type": "gp3", "encrypted": "true"}
    release = _only(rendered, "kubernetes:helm.sh/v3:Release").inputs
    assert release["values"]["autoDiscovery"] == {"clusterName": _cluster("eks")["name"]}


def test_eks_leaves_the_number_of_machines_to_the_autoscaler() -> None:
    groups = _open("eks").of_type("aws:eks/nodeGroup:NodeGroup")
    assert {group.ignored for group in groups} == {("scalingConfig.desiredSize",)}
    assert sum(group.inputs["scalingConfig"]["minSize"] for group in groups) == 4
    assert sum(group.inputs["scalingConfig"]["maxSize"] for group in groups) == 9


def test_eks_roles_of_pods_are_bound_to_one_service_account_of_one_cluster() -> None:
    trust = json.loads(_open("eks").named("here-cluster-cockroachdb-backup-identity-role").inputs["assumeRolePolicy"])
    (statement,) = trust["Statement"]
    assert statement["Principal"] == {"Service": "pods.eks.amazonaws.com"}
    assert statement["Condition"]["StringEquals"] == {
        "aws:RequestTag/eks-cluster-arn": "arn:aws:eks:eu-west-1:123456789012:cluster/here-cluster",
        "aws:RequestTag/kubernetes-namespace": "cockroachdb",
        "aws:RequestTag/kubernetes-service-account": "backup",
    }


def test_every_aws_resource_that_has_a_region_names_it() -> None:
    without = ("aws:iam/",)
    cloud = [r for r in _open("eks").resources if r.type.startswith("aws:") and not r.type.startswith(without)]
    assert [r.name for r in cloud if r.inputs.get("region") != "eu-west-1"] == []


def test_aks_nodes_are_private_hardened_and_in_three_zones() -> None:
    (pool,) = _cluster("aks")["agentPoolProfiles"]
    assert pool["enableNodePublicIP"] is False
    assert pool["securityProfile"] == {"enableSecureBoot": True, "enableVTPM": True, "sshAccess": "Disabled"}
    assert pool["availabilityZones"] == ["1", "2", "3"]
    assert (pool["enableAutoScaling"], pool["minCount"], pool["maxCount"]) == (True, 4, 9)


def test_aks_goes_out_through_its_nat_with_a_fixed_address() -> None:
    rendered = _open("aks")
    assert _cluster("aks")["networkProfile"]["outboundType"] == "userAssignedNATGateway"
    assert rendered.named("here-network-nodes-subnet").inputs["natGateway"]["id"].endswith("here-network-nat")
    address = _only(rendered, "azure-native:network:PublicIPAddress").inputs
    assert (address["sku"], address["publicIPAllocationMethod"]) == ({"name": "Standard"}, "Static")


def test_aks_enforces_network_policies_with_cilium() -> None:
    profile = _cluster("aks")["networkProfile"]
    assert (profile["networkPolicy"], profile["networkDataplane"]) == ("cilium", "cilium")
    assert (profile["podCidr"], profile["serviceCidr"]) == ("100.65.192.0/18", "10.7.128.0/18")
    assert profile["dnsServiceIP"] == "10.7.128.10"


def test_aks_lets_in_by_entra_only() -> None:
    cluster = _cluster("aks")
    assert cluster["disableLocalAccounts"]
    assert cluster["aadProfile"]["enableAzureRBAC"]
    assert cluster["apiServerAccessProfile"]["disableRunCommand"]


def test_aks_encrypts_secrets_with_a_key_that_rotates() -> None:
    rendered = _open("aks")
    kms = _cluster("aks")["securityProfile"]["azureKeyVaultKms"]
    assert kms["enabled"]
    assert kms["keyId"] == "https://vault/keys/here-cluster-encryption-key/1"
    key = _only(rendered, "azure-native:keyvault:Key").inputs["properties"]
    (action,) = key["rotationPolicy"]["lifetimeActions"]
    assert action == {"action": {"type": "rotate"}, "trigger": {"timeAfterCreate": "P90D"}}
    vault = _only(rendered, "azure-native:keyvault:Vault").inputs["properties"]
    assert vault["enablePurgeProtection"]
    assert vault["enableRbacAuthorization"]


def test_aks_has_its_roles_before_it_is_made() -> None:
    rendered = _open("aks")
    cluster = _only(rendered, CLUSTER_TYPES["aks"])
    roles = {r.urn for r in rendered.of_type("azure-native:authorization:RoleAssignment")}
    assert len(roles) == 3
    assert roles <= cluster.dependencies


def test_aks_control_plane_may_use_its_subnets_and_its_key_only() -> None:
    scopes = {
        r.inputs["scope"].rpartition("/")[2]
        for r in _open("aks").of_type("azure-native:authorization:RoleAssignment")
        if r.inputs["principalId"] == "principal of here-cluster-control-plane-identity"
    }
    assert scopes == {
        "here-network-nodes-subnet",
        "here-network-control-plane-subnet",
        "here-cluster-encryption-vault",
    }


def test_aks_logs_its_control_plane() -> None:
    setting = _only(_open("aks"), "azure-native:monitor:DiagnosticSetting").inputs
    logged = {log["category"] for log in setting["logs"] if log["enabled"]}
    assert {"kube-apiserver", "kube-audit-admin", "kube-controller-manager", "kube-scheduler", "guard"} <= logged


def test_aks_updates_itself_within_a_minor_version() -> None:
    assert _cluster("aks")["autoUpgradeProfile"] == {"upgradeChannel": "patch", "nodeOSUpgradeChannel": "NodeImage"}


def test_aks_trusts_one_service_account_for_each_identity() -> None:
    trust = _only(_open("aks"), "azure-native:managedidentity:FederatedIdentityCredential").inputs
    assert trust["subject"] == "system:serviceaccount:cockroachdb:backup"
    assert trust["issuer"] == "https://issuer/here-cluster"


def _closure(rendered: Rendered, resource: Resource) -> set[str]:
    """Everything that is there before the resource: what it and its parents depend on, and so on."""
    by_urn = {r.urn: r for r in rendered.resources}
    seen: set[str] = set()
    waiting = [resource.urn]
    while waiting:
        urn = waiting.pop()
        if urn in by_urn and urn not in seen:
            seen.add(urn)
            waiting += [*by_urn[urn].dependencies, by_urn[urn].parent]
    return seen
