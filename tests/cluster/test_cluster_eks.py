"""Clusters on AWS: closed, hardened, encrypted, logged; and in the right order."""

import json
import logging

import pytest

from components.cluster.eks.identity import acts_as
from components.versions import KUBERNETES_VERSION
from tests.support.clusters import CLUSTER_TYPES, OFFICE, before, cluster, made, offered, only, public, rendered_cluster

pytestmark = pytest.mark.stack


def test_eks_nodes_have_private_subnets_in_three_zones() -> None:
    groups = public("eks").of_type("aws:eks/nodeGroup:NodeGroup")
    subnets = {subnet for group in groups for subnet in group.inputs["subnetIds"]}
    assert subnets == {f"here-network-{zone}-nodes-subnet-id" for zone in "abc"}
    assert not any(r.inputs["mapPublicIpOnLaunch"] for r in public("eks").of_type("aws:ec2/subnet:Subnet"))
    zones = {r.inputs["availabilityZone"] for r in public("eks").of_type("aws:ec2/subnet:Subnet")}
    assert zones == {"eu-west-1a", "eu-west-1b", "eu-west-1c"}


def test_eks_has_a_nat_in_each_zone_which_exists_before_the_machines() -> None:
    rendered = public("eks")
    assert len(rendered.of_type("aws:ec2/natGateway:NatGateway")) == 3
    for zone in "abc":
        route = rendered.named(f"here-network-{zone}-private-default")
        assert route.inputs["natGatewayId"] == f"here-network-{zone}-nat-id"
        nat = rendered.named(f"here-network-{zone}-nat")
        assert rendered.named("here-network-public-default").urn in before(rendered, nat)
        assert route.urn in before(rendered, rendered.named(f"here-cluster-nodes-{zone}"))


def test_eks_databases_have_no_way_to_the_internet() -> None:
    routed = {
        r.inputs["subnetId"] for r in public("eks").of_type("aws:ec2/routeTableAssociation:RouteTableAssociation")
    }
    assert any("public" in subnet for subnet in routed)
    assert not any("managed" in subnet for subnet in routed)


def test_eks_tags_the_subnets_that_load_balancers_look_for() -> None:
    rendered = public("eks")
    assert rendered.named("here-network-a-public-subnet").inputs["tags"]["kubernetes.io/role/elb"] == "1"
    assert rendered.named("here-network-a-nodes-subnet").inputs["tags"]["kubernetes.io/role/internal-elb"] == "1"


def test_eks_machines_want_tokens_for_their_metadata_and_encrypt_their_disks() -> None:
    template = only(public("eks"), "aws:ec2/launchTemplate:LaunchTemplate").inputs
    assert template["metadataOptions"]["httpTokens"] == "required"
    assert template["metadataOptions"]["httpPutResponseHopLimit"] == 1
    (disk,) = template["blockDeviceMappings"]
    assert (disk["ebs"]["encrypted"], disk["ebs"]["volumeType"]) == ("true", "gp3")


def test_eks_nodes_may_join_and_pull_and_nothing_else() -> None:
    attached = [
        r.inputs["policyArn"].rpartition("/")[2]
        for r in public("eks").of_type("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
        if r.name.startswith("here-cluster-nodes-")
    ]
    assert sorted(attached) == ["AmazonEC2ContainerRegistryPullOnly", "AmazonEKSWorkerNodePolicy"]


def test_eks_encrypts_secrets_with_a_key_that_rotates() -> None:
    key = only(public("eks"), "aws:kms/key:Key")
    assert key.inputs["enableKeyRotation"]
    encryption = cluster("eks")["encryptionConfig"]
    assert encryption["resources"] == ["secrets"]
    assert encryption["provider"]["keyArn"] == made(key, "arn")


def test_eks_logs_everything_and_keeps_it_for_a_time() -> None:
    rendered = public("eks")
    assert cluster("eks")["enabledClusterLogTypes"] == [
        "api",
        "audit",
        "authenticator",
        "controllerManager",
        "scheduler",
    ]
    group = only(rendered, "aws:cloudwatch/logGroup:LogGroup")
    assert group.inputs["name"] == f"/aws/eks/{cluster('eks')['name']}/cluster"
    assert group.inputs["retentionInDays"] == 90
    assert group.urn in only(rendered, CLUSTER_TYPES["eks"]).dependencies


def test_eks_lets_in_by_access_entries_only() -> None:
    # AWS must create no entry for the cluster's creator: it would then refuse our entry for the same role.
    assert cluster("eks")["accessConfig"] == {
        "authenticationMode": "API",
        "bootstrapClusterCreatorAdminPermissions": False,
    }
    entry = only(public("eks"), "aws:eks/accessEntry:AccessEntry")
    assert entry.inputs["principalArn"] == "arn:aws:iam::123456789012:role/operators"


def test_eks_installs_what_nodes_need_before_them_and_the_rest_after() -> None:
    rendered = public("eks")
    addons = {r.inputs["addonName"]: r for r in rendered.of_type("aws:eks/addon:Addon")}
    first = {"vpc-cni", "kube-proxy", "eks-pod-identity-agent"}
    assert set(addons) == {*first, "coredns", "aws-ebs-csi-driver", "metrics-server"}
    group = rendered.named("here-cluster-nodes-a")
    assert {addons[name].urn for name in first} <= before(rendered, group)
    assert group.urn in before(rendered, addons["coredns"])


def test_what_uses_the_cluster_waits_until_whoever_deploys_may() -> None:
    rendered = public("eks")
    (provider,) = rendered.of_type("pulumi:providers:kubernetes")
    (policy,) = rendered.of_type("aws:eks/accessPolicyAssociation:AccessPolicyAssociation")
    assert policy.urn in before(rendered, provider)


ADDONS = ("vpc-cni", "kube-proxy", "eks-pod-identity-agent", "coredns", "aws-ebs-csi-driver", "metrics-server")


def test_eks_asks_aws_which_add_ons_and_images_are_newest_for_its_version() -> None:
    calls = public("eks").calls
    asked = [one for token, one in calls if token == "aws:eks/getAddonVersion:getAddonVersion"]
    assert sorted(one["addonName"] for one in asked) == sorted(ADDONS)
    assert {(one["kubernetesVersion"], one["mostRecent"], one["region"]) for one in asked} == {
        (cluster("eks")["version"], True, "eu-west-1")
    }
    (image,) = [one for token, one in calls if token == "aws:ssm/getParameter:getParameter"]
    assert image == {
        "name": "/aws/service/eks/optimized-ami/1.35/amazon-linux-2023/x86_64/standard/recommended/release_version",
        "region": "eu-west-1",
    }


def test_every_add_on_and_node_group_has_the_version_that_the_state_keeps() -> None:
    rendered = public("eks")
    kept = {stash.name: stash for stash in rendered.of_type("pulumi:index:Stash")}
    addons = rendered.of_type("aws:eks/addon:Addon")
    assert len(kept) == len(addons) + 1
    assert {addon.inputs["addonVersion"] for addon in addons} == {"v1.35.1-eksbuild.1"}
    assert all(kept[f"{addon.name.removesuffix('-addon')}-release-1.35"].urn in addon.dependencies for addon in addons)
    image = kept["here-cluster-nodes-release-x86_64-1.35"]
    groups = rendered.of_type("aws:eks/nodeGroup:NodeGroup")
    assert groups
    for group in groups:
        assert group.inputs["releaseVersion"] == image.inputs["input"] == "1.35.1-20261112"
        assert image.urn in group.dependencies


def test_what_aws_publishes_later_changes_nothing_until_it_is_asked_for() -> None:
    # The engine keeps the value recorded under a name; a new name records the newest value.
    def kept(**more: str) -> set[str]:
        stashes = rendered_cluster("eks", OFFICE, **more).of_type("pulumi:index:Stash")
        assert {stash.ignored for stash in stashes} == {("input",)}
        return {stash.name for stash in stashes}

    assert kept() == kept()
    assert not kept() & kept(patches="2026-12")
    assert not kept(patches="2026-12") & kept(patches="2027-01")
    assert not kept() & kept(version="1.34")


@pytest.mark.parametrize(
    ("caller", "is_one"),
    [
        ("arn:aws:sts::123456789012:assumed-role/operators/pipeline", True),
        ("arn:aws:sts::123456789012:assumed-role/deployers/pipeline", False),
        ("arn:aws:sts::999999999999:assumed-role/operators/pipeline", False),
        ("arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Admin_0a1b/someone@example.org", True),
        ("arn:aws:iam::123456789012:user/team/somebody", True),
        ("arn:aws:iam::123456789012:user/operators", False),
        ("arn:aws:iam::123456789012:root", False),
    ],
)
def test_a_login_is_known_by_the_role_that_it_has_taken(caller: str, is_one: bool) -> None:
    administrators = [
        "arn:aws:iam::123456789012:role/operators",
        "arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Admin_0a1b",
        "arn:aws:iam::123456789012:user/team/somebody",
    ]
    assert acts_as(caller, administrators) is is_one


def test_whoever_deploys_and_may_not_enter_the_cluster_is_told_before(caplog: pytest.LogCaptureFixture) -> None:
    # No other test renders these arguments: renderings are cached, and a cached one logs nothing.
    rendered_cluster("eks", OFFICE, administrator="arn:aws:iam::123456789012:role/strangers")
    (told,) = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert told.startswith("arn:aws:sts::123456789012:assumed-role/your-administrators/sandbox runs Pulumi and is not")
    caplog.clear()
    rendered_cluster("eks", OFFICE, administrator="arn:aws:iam::123456789012:role/your-administrators")
    assert not [record for record in caplog.records if record.levelno == logging.WARNING]


def test_eks_enforces_network_policies_and_gives_pods_addresses_of_their_own() -> None:
    (cni,) = [r for r in public("eks").of_type("aws:eks/addon:Addon") if r.inputs["addonName"] == "vpc-cni"]
    configuration = json.loads(cni.inputs["configurationValues"])
    assert configuration["enableNetworkPolicy"] == "true"
    group = made(only(public("eks"), CLUSTER_TYPES["eks"]), "vpcConfig")["clusterSecurityGroupId"]
    assert {tuple(one["securityGroups"]) for one in configuration["eniConfig"]["subnets"].values()} == {(group,)}


def test_the_eni_config_of_each_node_is_called_what_its_zone_label_says() -> None:
    # The plugin looks up the ENIConfig named in this label, which holds the zone on AWS:
    # https://kubernetes.io/docs/reference/labels-annotations-taints/#topologykubernetesiozone
    rendered = public("eks")
    (cni,) = [r for r in rendered.of_type("aws:eks/addon:Addon") if r.inputs["addonName"] == "vpc-cni"]
    configuration = json.loads(cni.inputs["configurationValues"])
    assert configuration["env"]["ENI_CONFIG_LABEL_DEF"] == "topology.kubernetes.io/zone"
    zones = {f"{r.name}-id": r.inputs["availabilityZone"] for r in rendered.of_type("aws:ec2/subnet:Subnet")}
    groups = rendered.of_type("aws:eks/nodeGroup:NodeGroup")
    labels = {zones[subnet] for group in groups for subnet in group.inputs["subnetIds"]}
    assert labels == {"eu-west-1a", "eu-west-1b", "eu-west-1c"}
    named = {name: zones[config["id"]] for name, config in configuration["eniConfig"]["subnets"].items()}
    assert named == {label: label for label in labels}


def test_eks_brings_the_default_storage_class_and_the_autoscaler() -> None:
    rendered = public("eks")
    storage = only(rendered, "kubernetes:storage.k8s.io/v1:StorageClass").inputs
    assert storage["metadata"]["name"] == offered("eks").inputs["storageClass"] == "gp3"
    assert storage["metadata"]["annotations"]["storageclass.kubernetes.io/is-default-class"] == "true"
    assert storage["parameters"] == {"type": "gp3", "encrypted": "true"}
    release = only(rendered, "kubernetes:helm.sh/v3:Release").inputs
    assert release["values"]["autoDiscovery"] == {"clusterName": cluster("eks")["name"]}


@pytest.mark.parametrize(("asked", "minor"), [({}, KUBERNETES_VERSION), ({"version": "1.34"}, "1.34")])
def test_the_autoscaler_has_the_minor_version_of_its_cluster(asked: dict[str, str], minor: str) -> None:
    # https://github.com/kubernetes/autoscaler/tree/master/cluster-autoscaler#releases
    rendered = rendered_cluster("eks", OFFICE, **asked)
    assert cluster("eks", rendered)["version"] == minor
    release = only(rendered, "kubernetes:helm.sh/v3:Release").inputs
    assert release["values"]["image"] == {"tag": f"v{minor}.0"}


def test_nodes_go_although_their_pods_have_an_empty_directory() -> None:
    # The default is true, and such a pod would then keep its node for ever:
    # https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/FAQ.md
    values = only(public("eks"), "kubernetes:helm.sh/v3:Release").inputs["values"]
    assert values["extraArgs"]["skip-nodes-with-local-storage"] is False


def test_eks_leaves_the_number_of_machines_to_the_autoscaler() -> None:
    groups = public("eks").of_type("aws:eks/nodeGroup:NodeGroup")
    assert {group.ignored for group in groups} == {("scalingConfig.desiredSize",)}
    assert sum(group.inputs["scalingConfig"]["minSize"] for group in groups) == 4
    assert sum(group.inputs["scalingConfig"]["maxSize"] for group in groups) == 9


def test_eks_roles_of_pods_are_bound_to_one_service_account_of_onecluster() -> None:
    trust = json.loads(public("eks").named("here-cluster-cockroachdb-backup-identity-role").inputs["assumeRolePolicy"])
    (statement,) = trust["Statement"]
    assert statement["Principal"] == {"Service": "pods.eks.amazonaws.com"}
    assert statement["Condition"]["StringEquals"] == {
        "aws:RequestTag/eks-cluster-arn": made(only(public("eks"), CLUSTER_TYPES["eks"]), "arn"),
        "aws:RequestTag/kubernetes-namespace": "cockroachdb",
        "aws:RequestTag/kubernetes-service-account": "backup",
    }


def test_every_aws_resource_that_has_a_region_names_it() -> None:
    without = ("aws:iam/",)
    cloud = [r for r in public("eks").resources if r.type.startswith("aws:") and not r.type.startswith(without)]
    assert cloud
    assert [r.name for r in cloud if r.inputs.get("region") != "eu-west-1"] == []


def test_the_role_of_the_nodes_is_made_beside_the_cluster_long_before_it_is_used() -> None:
    # CreateNodegroup is not retried when parts of AWS do not see the role yet.
    rendered = public("eks")
    role = rendered.named("here-cluster-nodes-identity-role")
    assert only(rendered, CLUSTER_TYPES["eks"]).urn not in before(rendered, role)
    groups = rendered.of_type("aws:eks/nodeGroup:NodeGroup")
    assert groups
    assert all({role.urn, only(rendered, CLUSTER_TYPES["eks"]).urn} <= before(rendered, group) for group in groups)
