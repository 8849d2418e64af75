"""Clusters on AWS: closed, hardened, encrypted, logged; and in the right order."""

import json

from tests.clusters import CLUSTER_TYPES, before, cluster, made, offered, only, public


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


def test_eks_lets_in_by_access_entriesonly() -> None:
    assert cluster("eks")["accessConfig"]["authenticationMode"] == "API"
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


def test_eks_enforces_network_policies_and_gives_pods_addresses_of_their_own() -> None:
    (cni,) = [r for r in public("eks").of_type("aws:eks/addon:Addon") if r.inputs["addonName"] == "vpc-cni"]
    configuration = json.loads(cni.inputs["configurationValues"])
    assert configuration["enableNetworkPolicy"] == "true"
    group = made(only(public("eks"), CLUSTER_TYPES["eks"]), "vpcConfig")["clusterSecurityGroupId"]
    assert configuration["eniConfig"]["subnets"]["b"] == {
        "id": "here-network-b-pods-subnet-id",
        "securityGroups": [group],
    }


def test_eks_brings_the_default_storage_class_and_the_autoscaler() -> None:
    rendered = public("eks")
    storage = only(rendered, "kubernetes:storage.k8s.io/v1:StorageClass").inputs
    assert storage["metadata"]["name"] == offered("eks").inputs["storageClass"] == "gp3"
    assert storage["metadata"]["annotations"] == {"storageclass.kubernetes.io/is-default-class": "true"}
    assert storage["parameters"] == {"type": "gp3", "encrypted": "true"}
    release = only(rendered, "kubernetes:helm.sh/v3:Release").inputs
    assert release["values"]["autoDiscovery"] == {"clusterName": cluster("eks")["name"]}


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
    assert [r.name for r in cloud if r.inputs.get("region") != "eu-west-1"] == []


def test_the_role_of_the_nodes_is_made_beside_the_cluster_long_before_it_is_used() -> None:
    # CreateNodegroup is not tried again for a role that AWS does not know everywhere yet.
    rendered = public("eks")
    role = rendered.named("here-cluster-nodes-identity-role")
    assert only(rendered, CLUSTER_TYPES["eks"]).urn not in before(rendered, role)
    groups = rendered.of_type("aws:eks/nodeGroup:NodeGroup")
    assert groups
    assert all({role.urn, only(rendered, CLUSTER_TYPES["eks"]).urn} <= before(rendered, group) for group in groups)
