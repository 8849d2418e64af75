"""The stand-in for AWS: EKS's answers and refusals."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from sandbox.providers.aws.functions import ADDON_VERSION, CALLER_IDENTITY, PARAMETER, ZONES
from sandbox.providers.aws.make import CALLER_ROLE, zone_ids
from sandbox.providers.base import CheckFailedError, ProviderError, Values
from tests.support.cloud_standins import AKS, EKS, VPC_CONFIG, cloud, create, update

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("simulated_clouds")]

ADDON = "aws:eks/addon:Addon"
SUBNET = "aws:ec2/subnet:Subnet"
ENTRY = "aws:eks/accessEntry:AccessEntry"
CLUSTER: Values = {
    "name": "here",
    "roleArn": "arn:aws:iam::123456789012:role/cluster",
    "vpcConfig": VPC_CONFIG,
    "tags": {"region": "ireland"},
}
IMAGES = "/aws/service/eks/optimized-ami"


def callers(*networks: str) -> Values:
    """A cluster whose API these networks may call."""
    return {**CLUSTER, "vpcConfig": {**VPC_CONFIG, "publicAccessCidrs": list(networks)}}


@pytest.mark.parametrize("network", ["10.0.0.0/8", "192.168.0.7/32", "100.64.0.0/16", "203.0.113.0/24"])
def test_eks_refuses_callers_that_nobody_is_on_the_internet(network: str) -> None:
    with pytest.raises(ProviderError, match="The following CIDRs are not allowed in publicAccessCidrs"):
        create(EKS, callers("0.0.0.0/0", network))


def test_eks_refuses_them_when_they_come_later() -> None:
    made = create(EKS, callers("192.31.196.0/24", "241.1.2.3/32"))
    with pytest.raises(ProviderError, match="not allowed in publicAccessCidrs"):
        update(EKS, made, callers("192.31.196.0/24", "172.16.0.0/12"))


def test_eks_takes_no_subnet_in_a_zone_that_the_cluster_was_not_made_with() -> None:
    # docs.aws.amazon.com/eks/latest/userguide/network-reqs.html: all in the same set of zones as originally provided.
    subnets = {
        zone: create(
            SUBNET,
            {"vpcId": "vpc-1", "availabilityZone": f"eu-west-1{zone[0]}", "cidrBlock": f"10.0.{at}.0/24"},
            name=zone,
        )[0]
        for at, zone in enumerate(("a", "b", "b2", "c"))
    }

    def within(*zones: str) -> Values:
        return {**CLUSTER, "vpcConfig": {"subnetIds": [subnets[zone] for zone in zones]}}

    made = create(EKS, within("a", "b"))
    assert update(EKS, made, within("a", "b2"))
    with pytest.raises(ProviderError, match="the AZs eu-west-1c, which the cluster was not created with"):
        update(EKS, made, within("a", "b", "c"))


def test_eks_makes_no_cluster_in_a_zone_without_eks() -> None:
    # docs.aws.amazon.com/eks/latest/userguide/network-reqs.html: not in use1-az3, usw1-az2 and cac1-az3.
    found = asyncio.run(cloud(EKS).invoke(ZONES, {"region": "us-east-1"}))
    ids = dict(zip(found["names"], found["zoneIds"], strict=True))
    (without,) = (name for name, zone_id in ids.items() if zone_id == "use1-az3")
    given = {"vpcId": "vpc-1", "availabilityZone": without, "cidrBlock": "10.0.0.0/24"}
    subnet = create(SUBNET, given)[0]
    with pytest.raises(ProviderError, match=f"UnsupportedAvailabilityZoneException.*{without}"):
        create(EKS, {**CLUSTER, "region": "us-east-1", "vpcConfig": {"subnetIds": [subnet]}})


@pytest.mark.parametrize(
    ("region", "zone", "expected"),
    [
        ("us-east-1", "a", "use1-az1"),
        ("ca-central-1", "c", "cac1-az3"),
        ("ap-southeast-2", "b", "apse2-az2"),
        ("me-central-1", "a", "mec1-az1"),
        ("ap-northeast-1", "d", "apne1-az4"),
    ],
)
def test_ids_of_zones_have_the_form_of_aws(region: str, zone: str, expected: str) -> None:
    assert zone_ids(region)[f"{region}{zone}"] == expected


@pytest.mark.parametrize("network", ["10.0.0.0/8", "172.16.9.1/32"])
def test_aks_refuses_callers_from_internal_networks(network: str) -> None:
    given = {"authorizedIPRanges": ["192.31.196.0/24", network]}
    with pytest.raises(ProviderError, match="authorizedIPRanges must be public"):
        create(AKS, {"resourceGroupName": "g", "location": "westeurope", "apiServerAccessProfile": given})


@pytest.mark.parametrize("access", [{}, {"bootstrapClusterCreatorAdminPermissions": True}])
def test_eks_has_an_entry_for_the_creator_already_unless_it_is_told_not_to(access: dict[str, Any]) -> None:
    create(EKS, {**CLUSTER, "accessConfig": {"authenticationMode": "API", **access}})
    create(ENTRY, {"clusterName": "here", "principalArn": "arn:aws:iam::123456789012:role/others"})
    with pytest.raises(ProviderError, match="already in use on this cluster"):
        create(ENTRY, {"clusterName": "here", "principalArn": CALLER_ROLE}, name="creator")


def test_eks_takes_an_entry_for_the_creator_where_it_made_none() -> None:
    access = {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": False}
    create(EKS, {**CLUSTER, "accessConfig": access})
    create(ENTRY, {"clusterName": "here", "principalArn": CALLER_ROLE})


def pod_network(*keys: str) -> Values:
    """The add-on with subnets for pods under these keys."""
    subnets = {key: {"id": f"subnet-{key}", "securityGroups": ["sg-1"]} for key in keys}
    values = json.dumps({"eniConfig": {"create": True, "region": "eu-west-1", "subnets": subnets}})
    return {"clusterName": "here", "addonName": "vpc-cni", "region": "eu-west-1", "configurationValues": values}


def test_pods_would_get_no_address_from_subnets_that_are_not_called_like_zones() -> None:
    create(ADDON, pod_network("eu-west-1a", "eu-west-1b"))
    for key in ("a", "eu-west-1", "us-east-1a"):
        with pytest.raises(ProviderError, match=r"looked up by the node's label topology\.kubernetes\.io/zone"):
            create(ADDON, pod_network(key), name=key)


def test_an_add_on_has_a_version_of_aws() -> None:
    made = create(ADDON, {"clusterName": "here", "addonName": "coredns", "addonVersion": "v1.12.4-eksbuild.1"})
    with pytest.raises(ProviderError, match=r"Addon version specified is not supported: 1\.35"):
        update(ADDON, made, {"clusterName": "here", "addonName": "coredns", "addonVersion": "1.35"})


def asked(token: str, args: Values) -> Values:
    """AWS's answer to a function call."""
    return asyncio.run(cloud(ADDON).invoke(token, args))


def test_another_version_of_kubernetes_has_other_add_ons_and_images() -> None:
    def version(minor: str) -> str:
        args = {"addonName": "vpc-cni", "kubernetesVersion": minor, "mostRecent": True}
        return str(asked(ADDON_VERSION, args)["version"])

    def image(minor: str) -> str:
        name = f"{IMAGES}/{minor}/amazon-linux-2023/arm64/standard/recommended/release_version"
        return str(asked(PARAMETER, {"name": name})["insecureValue"])

    assert version("1.35") != version("1.36")
    assert image("1.35") != image("1.36")
    create(ADDON, {"clusterName": "here", "addonName": "vpc-cni", "addonVersion": version("1.35")})


@pytest.mark.parametrize(
    ("token", "args"),
    [
        (ADDON_VERSION, {"addonName": "vpc_cni", "kubernetesVersion": "1.35"}),
        (ADDON_VERSION, {"addonName": "vpc-cni", "kubernetesVersion": "latest"}),
        (PARAMETER, {"name": f"{IMAGES}/1.35/amazon-linux-2023/arm/standard/recommended/release_version"}),
        (PARAMETER, {"name": f"{IMAGES}/1.35/amazon-linux-2/recommended/release_version"}),
    ],
)
def test_what_aws_does_not_publish_is_not_found(token: str, args: Values) -> None:
    with pytest.raises(ProviderError, match=r"no such add-on|couldn't find resource"):
        asked(token, args)


@pytest.mark.parametrize(("token", "missing"), [(ADDON_VERSION, "addonName"), (PARAMETER, "name")])
def test_a_question_without_its_subject_is_refused(token: str, missing: str) -> None:
    with pytest.raises(CheckFailedError) as error:
        asked(token, {})
    assert [path for path, _ in error.value.failures] == [missing]


def test_whoever_asks_is_somebody_who_has_taken_a_role() -> None:
    assert asked(CALLER_IDENTITY, {})["arn"] == "arn:aws:sts::123456789012:assumed-role/your-administrators/sandbox"
