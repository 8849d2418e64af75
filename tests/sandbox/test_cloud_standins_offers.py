"""The stand-ins of the clouds: types that a region does not have, or that the cloud has for other uses."""

import re
from typing import Any

import pytest

from sandbox.providers.base import ProviderError
from tests.support.cloud_standins import create

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("simulated_clouds")]

POSTGRESQL = {"engine": "postgres", "instanceClass": "db.m7g.large", "username": "a", "allocatedStorage": 20}
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("aws:rds/instance:Instance", {**POSTGRESQL, "region": "af-south-1"}, "db.m7g.large"),
    (
        "aws:elasticache/replicationGroup:ReplicationGroup",
        {"region": "me-central-1", "description": "c", "nodeType": "cache.t4g.micro"},
        "cache.t4g.micro",
    ),
    ("aws:ec2/launchTemplate:LaunchTemplate", {"region": "me-central-1", "instanceType": "m8i.large"}, "m8i.large"),
    (
        "gcp:container/nodePool:NodePool",
        {"cluster": "c", "location": "africa-south1", "nodeConfig": {"machineType": "c3-standard-4"}},
        "c3-standard-4",
    ),
    (
        "azure-native:dbforpostgresql:Server",
        {
            "resourceGroupName": "g",
            "location": "japaneast",
            "sku": {"name": "Standard_D2ds_v5", "tier": "GeneralPurpose"},
        },
        "Standard_D2ds_v5",
    ),
    (
        "azure-native:redisenterprise:RedisEnterprise",
        {
            "resourceGroupName": "g",
            "location": "eastus",
            "sku": {"name": "Balanced_B7"},
            "publicNetworkAccess": "Disabled",
        },
        "Balanced_B7",
    ),
    (
        "azure-native:containerservice:ManagedCluster",
        {
            "resourceGroupName": "g",
            "location": "japaneast",
            "agentPoolProfiles": [{"name": "nodes", "vmSize": "Standard_D4s_v7", "mode": "System"}],
        },
        "Standard_D4s_v7",
    ),
]


@pytest.mark.parametrize(("token", "inputs", "name"), REFUSED)
def test_a_simulated_cloud_refuses_what_a_region_does_not_have(token: str, inputs: dict[str, Any], name: str) -> None:
    with pytest.raises(ProviderError, match=f"{re.escape(name)} is not available in "):
        create(token, inputs)


UNFIT: list[tuple[str, dict[str, Any], str]] = [
    ("aws:rds/instance:Instance", {**POSTGRESQL, "region": "us-east-1", "instanceClass": "db.m4.large"}, "generation"),
    ("aws:ec2/launchTemplate:LaunchTemplate", {"region": "us-east-1", "instanceType": "inf2.xlarge"}, "accelerators"),
    (
        "aws:elasticache/replicationGroup:ReplicationGroup",
        {"region": "us-east-1", "description": "c", "nodeType": "cache.r6gd.xlarge"},
        "data tiering must be enabled",
    ),
    (
        "gcp:container/nodePool:NodePool",
        {"cluster": "c", "location": "us-central1", "nodeConfig": {"machineType": "n4-standard-4"}},
        "Hyperdisks only",
    ),
    (
        "azure-native:containerservice:ManagedCluster",
        {
            "resourceGroupName": "g",
            "location": "eastus",
            "agentPoolProfiles": [{"name": "system1", "vmSize": "Standard_D2ps_v6", "mode": "System"}],
        },
        "no secure boot",
    ),
]


@pytest.mark.parametrize(("token", "inputs", "why"), UNFIT)
def test_a_simulated_cloud_refuses_what_the_cloud_offers_for_other_uses(
    token: str, inputs: dict[str, Any], why: str
) -> None:
    with pytest.raises(ProviderError, match=why):
        create(token, inputs)


def test_a_simulated_cloud_makes_what_a_region_has() -> None:
    token, inputs, _ = REFUSED[0]
    assert create(token, {**inputs, "instanceClass": "db.m6g.large"})[0]


def test_a_node_pool_is_of_machines_that_its_cluster_s_region_has() -> None:
    place = {"resourceGroupName": "g", "resourceName": "c"}
    first = {"name": "system1", "vmSize": "Standard_D2s_v5", "mode": "System"}
    create(
        "azure-native:containerservice:ManagedCluster",
        {**place, "location": "japaneast", "agentPoolProfiles": [first], "tags": {"region": "ireland"}},
    )
    pool = {**place, "agentPoolName": "n1", "mode": "User", "vmSize": "Standard_D4s_v7"}
    with pytest.raises(ProviderError, match="Standard_D4s_v7 is not available in japaneast"):
        create("azure-native:containerservice:AgentPool", pool)
    assert create("azure-native:containerservice:AgentPool", {**pool, "vmSize": "Standard_D4s_v5"})[0]


def test_google_cloud_makes_machines_with_gpus_for_pools_that_say_which() -> None:
    token, node = "gcp:container/nodePool:NodePool", {"machineType": "g2-standard-4"}
    place = {"cluster": "c", "location": "us-central1"}
    with pytest.raises(ProviderError, match="g2-standard-4 has accelerators"):
        create(token, {**place, "nodeConfig": node})
    gpus = [{"type": "nvidia-l4", "count": 1, "gpuDriverInstallationConfig": {"gpuDriverVersion": "DEFAULT"}}]
    assert create(token, {**place, "nodeConfig": {**node, "guestAccelerators": gpus}})[0]
    with pytest.raises(ProviderError, match="is not available in africa-south1"):
        create(token, {**place, "location": "africa-south1", "nodeConfig": {**node, "guestAccelerators": gpus}})


def test_aws_makes_machines_with_gpus_for_groups_whose_image_has_the_driver() -> None:
    template = create("aws:ec2/launchTemplate:LaunchTemplate", {"region": "us-east-1", "instanceType": "g4dn.xlarge"})
    role = create("aws:iam/role:Role", {"assumeRolePolicy": "{}"})[2]["arn"]
    group = {
        "region": "us-east-1",
        "clusterName": "c",
        "nodeRoleArn": role,
        "subnetIds": ["subnet-1"],
        "launchTemplate": {"id": template[0], "version": "1"},
        "scalingConfig": {"minSize": 1, "maxSize": 1, "desiredSize": 1},
    }
    with pytest.raises(ProviderError, match=r"g4dn\.xlarge needs an image with drivers"):
        create("aws:eks/nodeGroup:NodeGroup", {**group, "amiType": "AL2023_x86_64_STANDARD"})
    assert create("aws:eks/nodeGroup:NodeGroup", {**group, "amiType": "AL2023_x86_64_NVIDIA"})[0]


def test_azure_makes_machines_with_gpus_for_pools_without_secure_boot() -> None:
    place = {"resourceGroupName": "g", "resourceName": "c"}
    first = {"name": "system1", "vmSize": "Standard_D2s_v5", "mode": "System"}
    cluster = {**place, "location": "westeurope", "agentPoolProfiles": [first], "tags": {"region": "ireland"}}
    create("azure-native:containerservice:ManagedCluster", cluster)
    pool = {**place, "agentPoolName": "g1", "mode": "User", "vmSize": "Standard_NC4as_T4_v3"}
    with pytest.raises(ProviderError, match="Standard_NC4as_T4_v3 has no secure boot"):
        create("azure-native:containerservice:AgentPool", {**pool, "securityProfile": {"enableSecureBoot": True}})
    unsigned = {**pool, "securityProfile": {"enableSecureBoot": False}}
    assert create("azure-native:containerservice:AgentPool", unsigned)[0]
